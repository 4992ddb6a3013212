import type { IncomingMessage, ServerResponse } from 'node:http';
import { isInitializeRequest, isJSONRPCNotification, isJSONRPCRequest } from '@modelcontextprotocol/server';
import { createLiveServers, type LiveServers } from '../mcp/live-servers.ts';
import type { ServerFactory } from '../mcp/server.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { Session } from './session.ts';
import type { EventBudget } from './session-events.ts';
import type { SessionLimit } from './session-limit.ts';
import { sendPrepared, sendResponse, webRequest } from './web-exchange.ts';

export interface SessionsOptions {
  readonly logger: Logger;
  /** A session with no open response and no running call ends after this many milliseconds. */
  readonly idleMs: number;
  /** Sessions of all groups together: see `SessionLimit`. */
  readonly maxSessions: number;
  readonly keepAliveMs: number;
}

/** What the groups of sessions share. */
export interface SharedByGroups extends SessionsOptions {
  readonly limit: SessionLimit;
  /** Memory for what clients that lost a connection may ask again. */
  readonly budget: EventBudget;
  /** No new session is opened. */
  refusing: boolean;
}

/** The sessions of one endpoint: an id that it gave out is unknown to every other group. */
export class SessionGroup {
  readonly #createServer: ServerFactory;
  readonly #shared: SharedByGroups;
  readonly #onClose: () => void;
  readonly #servers: LiveServers;
  readonly #sessions = new Map<string, Session>();
  #closed = false;

  constructor(createServer: ServerFactory, shared: SharedByGroups, onClose: () => void) {
    this.#createServer = createServer;
    this.#shared = shared;
    this.#onClose = onClose;
    this.#servers = createLiveServers(shared.logger);
  }

  sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** Ends idle sessions, and forgets what was delivered. */
  sweep(): void {
    for (const session of this.#sessions.values()) {
      session.events.sweep();
      if (this.#isIdle(session)) void session.end('idle');
    }
  }

  /** Tells every client of the changed list. */
  announceChange(): void {
    this.#servers.announceChange();
  }

  /** Ends the sessions of the group and cancels what they run. The group opens no further one. */
  async close(reason = 'the endpoint is gone'): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sessions.values()].map((session) => session.end(reason)));
    this.#onClose();
  }

  /**
   * Serves one request, with its parsed body if it has one. A session is known to the principal that opened it alone.
   * Resolves when the response is complete or the client gone.
   * @throws BridgeError `bad_request` without a session id, `session_not_found`, `too_many_sessions`, `shutting_down`.
   */
  async handle(
    req: IncomingMessage,
    res: ServerResponse,
    principal: string,
    message?: unknown,
  ): Promise<void> {
    const session = await this.#sessionOf(req, principal, message);
    // A response that is closed already would never tell that it is.
    if (res.destroyed) return session.release();
    res.once('close', () => session.release());

    const lastEventId = req.headers['last-event-id'];
    if (req.method === 'GET' && typeof lastEventId === 'string' && !session.events.canResume(lastEventId)) {
      // Nothing is left of that stream. 204 tells an EventSource not to try again.
      res.writeHead(204).end();
      return;
    }

    const list = this.#createServer.lists.find(message, req.headers, session.revision);
    if (sendPrepared(res, list, { 'mcp-session-id': session.id })) return;
    const response = await session.transport.handleRequest(await webRequest(req), { parsedBody: message });
    // An initialize that was refused leaves a session without an id.
    if (session.transport.sessionId === undefined) await session.end('not initialized');
    const cancelled = cancelledRequest(message);
    if (cancelled !== undefined) await session.settleCancelled(cancelled);
    await sendResponse(res, response, list);
    if (isJSONRPCRequest(message) && res.writableEnded) session.events.delivered(message.id);
  }

  /** The session of a request. Until `release` it counts as in use, so that it does not end before it has answered. */
  async #sessionOf(req: IncomingMessage, principal: string, message: unknown): Promise<Session> {
    const id = req.headers['mcp-session-id'];
    if (id === undefined) {
      if (isInitializeRequest(message)) {
        if (this.#shared.refusing || this.#closed) {
          throw new BridgeError('shutting_down', 'The bridge is stopping and opens no new session.');
        }
        return this.#shared.limit.admit(() => this.#open(principal));
      }
      throw new BridgeError('bad_request', 'The request carries no Mcp-Session-Id header.', {
        hint: 'Start a session with initialize and send the id that its answer carries.',
      });
    }
    const found = typeof id === 'string' ? this.#sessions.get(id) : undefined;
    const session = found?.principal === principal ? found : undefined;
    if (session === undefined || this.#isIdle(session)) {
      await session?.end('idle');
      throw new BridgeError('session_not_found', 'The MCP session has ended or never was.', {
        hint: 'Start a new one with initialize.',
      });
    }
    session.use();
    return session;
  }

  async #open(principal: string): Promise<Session> {
    const server = this.#createServer({ era: 'legacy', principal });
    const isCalling = (): boolean => this.#createServer.isCalling(server);
    const session = await Session.open({ ...this.#shared, server, isCalling, principal });
    this.#servers.add(server);
    const { onclose } = server;
    server.onclose = () => {
      onclose?.();
      this.#sessions.delete(session.id);
      session.events.clear();
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  #isIdle(session: Session): boolean {
    return performance.now() - session.usedAt > this.#shared.idleMs && !session.isInUse;
  }
}

/** The request that a `notifications/cancelled` names. */
function cancelledRequest(message: unknown): string | number | undefined {
  if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return undefined;
  const id = message.params?.['requestId'];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}
