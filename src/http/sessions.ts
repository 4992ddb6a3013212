import type { IncomingMessage, ServerResponse } from 'node:http';
import { isInitializeRequest, isJSONRPCNotification, isJSONRPCRequest } from '@modelcontextprotocol/server';
import type { ServerFactory } from '../mcp/server.ts';
import { createLiveServers, type LiveServers } from '../mcp/live-servers.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { createEventBudget, type EventBudget } from './event-store.ts';
import { isInUse, openSession, release, type Session, settleCancelled } from './session.ts';
import { createSessionLimit } from './session-limit.ts';
import { sendResponse, webRequest } from './web-exchange.ts';

/** The longest time between two looks for idle sessions, in milliseconds. */
const MAX_SWEEP_MS = 30_000;

export interface SessionsOptions {
  readonly logger: Logger;
  /** A session with no open response and no running call ends after this many milliseconds. */
  readonly idleMs: number;
  /** Sessions of all groups together: see `createSessionLimit`. */
  readonly maxSessions: number;
  readonly keepAliveMs: number;
  /** Limits of what is kept for clients that lost a connection. */
  readonly budget?: EventBudget;
}

/** What is known of a request. */
export interface SessionRequest {
  /** Whose it is. */
  readonly principal: string;
  /** Its parsed body, where it has one. */
  readonly message?: unknown;
}

/** The sessions of one endpoint: an id that it gave out is unknown to every other group. */
export interface SessionGroup {
  /**
   * Serves one request. A session is known to the principal that opened it alone. Resolves when the response is complete or the client gone.
   * @throws BridgeError `bad_request` without a session id, `session_not_found`, `too_many_sessions`,
   * `shutting_down`.
   */
  handle(req: IncomingMessage, res: ServerResponse, request: SessionRequest): Promise<void>;
  /** Tells every client of the changed list. */
  announceChange(): void;
  /** Ends the sessions of the group and cancels what they run. The group opens no further one. */
  close(): Promise<void>;
}

/** The sessions of clients that speak a 2025 revision. */
export interface Sessions {
  /** A group whose sessions are served by servers of that factory. */
  group(createServer: ServerFactory): SessionGroup;
  readonly size: number;
  /** Whether a new session would be refused, since all are in use. */
  readonly full: boolean;
  /** Opens no further session. */
  refuseNew(): void;
  /** Ends all sessions and cancels what they run. */
  close(): Promise<void>;
}

/** What is known of a group. */
interface Members {
  readonly createServer: ServerFactory;
  readonly servers: LiveServers;
  readonly sessions: Map<string, Session>;
  closed: boolean;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { logger, idleMs, maxSessions, keepAliveMs, budget = createEventBudget() } = options;
  const groups = new Set<Members>();
  let refusing = false;

  function* all(): Generator<Session> {
    for (const { sessions } of groups) yield* sessions.values();
  }

  function isIdle(session: Session, now: number): boolean {
    return now - session.usedAt > idleMs && !isInUse(session);
  }

  /** Ends idle sessions, and forgets what was delivered. */
  function sweep(): void {
    const now = performance.now();
    for (const session of all()) {
      session.events.sweep();
      if (isIdle(session, now)) void end(session, 'idle');
    }
  }
  const sweeping = setInterval(sweep, Math.min(MAX_SWEEP_MS, Math.max(10, idleMs / 2)));
  sweeping.unref();

  async function end(session: Session, reason: string): Promise<void> {
    logger.debug('An MCP session ended', { reason });
    await session.transport.close();
  }

  const limit = createSessionLimit({
    maxSessions,
    sessions: all,
    end: (session) => void end(session, 'replaced by a new one'),
    logger,
  });

  async function open({ createServer, servers, sessions }: Members, principal: string): Promise<Session> {
    const server = createServer({ era: 'legacy', principal });
    const isCalling = (): boolean => createServer.isCalling(server);
    const session = await openSession({ server, isCalling, principal, budget, keepAliveMs });
    servers.add(server);
    const { onclose } = server;
    server.onclose = () => {
      onclose?.();
      sessions.delete(session.id);
      session.events.clear();
    };
    sessions.set(session.id, session);
    return session;
  }

  /** The session of a request. Until `release` it counts as in use, so that it does not end before it has answered. */
  async function sessionOf(
    members: Members,
    req: IncomingMessage,
    { principal, message }: SessionRequest,
  ): Promise<Session> {
    const id = req.headers['mcp-session-id'];
    if (id === undefined) {
      if (isInitializeRequest(message)) {
        if (refusing || members.closed) {
          throw new BridgeError('shutting_down', 'The bridge is stopping and opens no new session.');
        }
        return limit.admit(() => open(members, principal));
      }
      throw new BridgeError('bad_request', 'The request carries no Mcp-Session-Id header.', {
        hint: 'Start a session with initialize and send the id that its answer carries.',
      });
    }
    const found = typeof id === 'string' ? members.sessions.get(id) : undefined;
    const session = found?.principal === principal ? found : undefined;
    if (session === undefined || isIdle(session, performance.now())) {
      if (session !== undefined) await end(session, 'idle');
      throw new BridgeError('session_not_found', 'The MCP session has ended or never was.', {
        hint: 'Start a new one with initialize.',
      });
    }
    session.open += 1;
    return session;
  }

  async function handle(
    members: Members,
    req: IncomingMessage,
    res: ServerResponse,
    request: SessionRequest,
  ): Promise<void> {
    const { message } = request;
    const session = await sessionOf(members, req, request);
    // A response that is closed already would never tell that it is.
    if (res.destroyed) return release(session);
    res.once('close', () => release(session));

    const lastEventId = req.headers['last-event-id'];
    if (req.method === 'GET' && typeof lastEventId === 'string' && !session.events.canResume(lastEventId)) {
      // Nothing is left of that stream. 204 tells an EventSource not to try again.
      res.writeHead(204).end();
      return;
    }

    const response = await session.transport.handleRequest(await webRequest(req), { parsedBody: message });
    // An initialize that was refused leaves a session without an id.
    if (session.transport.sessionId === undefined) await end(session, 'not initialized');
    const cancelled = cancelledRequest(message);
    if (cancelled !== undefined) await settleCancelled(session, cancelled);
    await sendResponse(res, response);
    if (isJSONRPCRequest(message) && res.writableEnded) session.events.delivered(message.id);
  }

  async function closeGroup(members: Members, reason: string): Promise<void> {
    members.closed = true;
    await Promise.all([...members.sessions.values()].map((session) => end(session, reason)));
    groups.delete(members);
  }

  return {
    group(createServer) {
      const members: Members = {
        createServer,
        servers: createLiveServers(logger),
        sessions: new Map(),
        closed: false,
      };
      groups.add(members);
      return {
        handle: (req, res, request) => handle(members, req, res, request),
        announceChange: () => members.servers.announceChange(),
        close: () => closeGroup(members, 'the endpoint is gone'),
      };
    },

    get size() {
      return [...all()].length;
    },

    get full() {
      return limit.full;
    },

    refuseNew() {
      refusing = true;
    },

    async close() {
      refusing = true;
      clearInterval(sweeping);
      await Promise.all([...groups].map((members) => closeGroup(members, 'shutdown')));
    },
  };
}

/** The request that a `notifications/cancelled` names. */
function cancelledRequest(message: unknown): string | number | undefined {
  if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return undefined;
  const id = message.params?.['requestId'];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}
