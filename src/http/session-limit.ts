import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { rateLimited } from '../model/rate-limited.ts';
import type { Session } from './session.ts';

/** The shortest time between two log lines of one kind, in milliseconds. */
const LOG_INTERVAL_MS = 60_000;
const REPLACED =
  'The limit on MCP sessions is reached: each new one ends the one that has been unused longest';
const REFUSED = 'A new MCP session was refused: all others have an open stream or a running call';

/** Limits the number of sessions. */
export class SessionLimit {
  readonly #max: number;
  readonly #sessions: () => Iterable<Session>;
  readonly #logReplaced: () => void;
  readonly #logRefused: () => void;
  /** Sessions whose `initialize` is being answered. */
  #opening = 0;

  /** `sessions` are the open ones. A session that ends is removed from them at once. */
  constructor(maxSessions: number, sessions: () => Iterable<Session>, logger: Logger) {
    const about = { setting: 'http.maxSessions', maxSessions };
    this.#max = maxSessions;
    this.#sessions = sessions;
    this.#logReplaced = rateLimited(LOG_INTERVAL_MS, (ended) => logger.warn(REPLACED, { ...about, ended }));
    this.#logRefused = rateLimited(LOG_INTERVAL_MS, (refused) => logger.warn(REFUSED, { ...about, refused }));
  }

  /** Returns whether a new session would be refused. */
  get full(): boolean {
    return !this.#hasSpace() && this.#longestUnused() === undefined;
  }

  /**
   * Opens a session. At the limit, ends the least recently used session first, because most clients never end theirs.
   * @throws BridgeError `too_many_sessions` if all sessions are in use.
   */
  async admit(open: () => Promise<Session>): Promise<Session> {
    if (!this.#hasSpace()) this.#replace();
    this.#opening += 1;
    try {
      return await open();
    } finally {
      this.#opening -= 1;
    }
  }

  #replace(): void {
    const unused = this.#longestUnused();
    if (unused === undefined) {
      this.#logRefused();
      const message = `All ${this.#max} MCP sessions have an open stream or a running call.`;
      const hint = 'Try again later, or raise the setting http.maxSessions.';
      throw new BridgeError('too_many_sessions', message, { hint });
    }
    this.#logReplaced();
    void unused.end('replaced by a new one');
  }

  #hasSpace(): boolean {
    return [...this.#sessions()].length + this.#opening < this.#max;
  }

  #longestUnused(): Session | undefined {
    let found: Session | undefined;
    for (const session of this.#sessions()) {
      if ((found === undefined || session.usedAt < found.usedAt) && !session.isInUse) found = session;
    }
    return found;
  }
}
