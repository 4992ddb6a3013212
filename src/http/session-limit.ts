import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { rateLimited } from '../model/rate-limited.ts';
import { isInUse, type Session } from './session.ts';

/** The shortest time between two log lines of one kind, in milliseconds. */
const LOG_INTERVAL_MS = 60_000;

export interface SessionLimitOptions {
  readonly maxSessions: number;
  /** The sessions that there are. */
  readonly sessions: () => Iterable<Session>;
  /** Removes a session from `sessions` before it returns. */
  readonly end: (session: Session) => void;
  readonly logger: Logger;
}

/** Keeps the number of sessions within a limit. */
export interface SessionLimit {
  /**
   * Opens a session. Where the limit is reached, the session that has been unused the longest ends first: most clients
   * never end theirs.
   * @throws BridgeError `too_many_sessions` when all sessions are in use.
   */
  admit(open: () => Promise<Session>): Promise<Session>;
  /** Whether a new session would be refused. */
  readonly full: boolean;
}

export function createSessionLimit({
  maxSessions,
  sessions,
  end,
  logger,
}: SessionLimitOptions): SessionLimit {
  /** Sessions whose `initialize` is being answered. */
  let opening = 0;

  const logReplacement = rateLimited(LOG_INTERVAL_MS, (times) =>
    logger.warn(
      'The limit on MCP sessions is reached: each new one ends the one that has been unused longest',
      {
        setting: 'http.maxSessions',
        maxSessions,
        ended: times,
      },
    ),
  );
  const logRefusal = rateLimited(LOG_INTERVAL_MS, (times) =>
    logger.warn('A new MCP session was refused: all others have an open stream or a running call', {
      setting: 'http.maxSessions',
      maxSessions,
      refused: times,
    }),
  );

  const hasRoom = (): boolean => [...sessions()].length + opening < maxSessions;

  function longestUnused(): Session | undefined {
    let found: Session | undefined;
    for (const session of sessions()) {
      if ((found === undefined || session.usedAt < found.usedAt) && !isInUse(session)) found = session;
    }
    return found;
  }

  function makeRoom(): void {
    if (hasRoom()) return;
    const unused = longestUnused();
    if (unused === undefined) {
      logRefusal();
      const message = `All ${maxSessions} MCP sessions have an open stream or a running call.`;
      const hint = 'Try again later, or raise the setting http.maxSessions.';
      throw new BridgeError('too_many_sessions', message, { hint });
    }
    logReplacement();
    end(unused);
  }

  return {
    async admit(open) {
      makeRoom();
      opening += 1;
      try {
        return await open();
      } finally {
        opening -= 1;
      }
    },

    get full() {
      return !hasRoom() && longestUnused() === undefined;
    },
  };
}
