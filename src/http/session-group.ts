import type { IncomingMessage, ServerResponse } from 'node:http';
import { isInitializeRequest, isJSONRPCNotification, isJSONRPCRequest } from '@modelcontextprotocol/server';
import { createLiveServers, type LiveServers } from '../mcp/live-servers.ts';
import type { ServerFactory } from '../mcp/server.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { Session } from './session.ts';
import type { EventBudget } from './session-events.ts';
import type { SessionLimit } from './session-limit.ts';
import { sendResponse, webRequest } from './web-exchange.ts';

export interface SessionsOptions {
  readonly logger: Logger;
  /** How long a session without an open response and a running call lives, in milliseconds. */
  readonly idleMs: number;
  /** Sessions of all groups together: see `SessionLimit`. */
  readonly maxSessions: number;
  readonly keepAliveMs: number;
}

/** The state that all groups of sessions share. */
export interface SharedByGroups extends SessionsOptions {
  readonly limit: SessionLimit;
  /** The memory for events that clients may request again after a lost connection. */
  readonly budget: EventBudget;
  /** No new session is opened. */
  refusing: boolean;
}

/** The sessions of one endpoint. Other groups do not know their IDs. */
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

  /** Ends idle sessions, and drops delivered events. */
  sweep(): void {
    for (const session of this.#sessions.values()) {
      session.events.sweep();
      if (this.#isIdle(session)) void session.end('idle');
    }
  }

  /** Notifies every client of the changed list. */
  announceChange(): void {
    this.#servers.announceChange();
  }

  /** Ends the sessions of the group and cancels their calls. The group opens no new sessions. */
  async close(reason = 'the endpoint is gone'): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sessions.values()].map((session) => session.end(reason)));
    this.#onClose();
  }

  /**
   * Serves one request, with its parsed body if it has one. Only the principal that opened a session can use it.
   * Resolves when the response is complete or the client has gone.
   * @throws BridgeError `bad_request` without a session id, `session_not_found`, `too_many_sessions`, `shutting_down`.
   */
  async handle(
    req: IncomingMessage,
    res: ServerResponse,
    principal: string,
    message?: unknown,
  ): Promise<void> {
    const session = await this.#sessionOf(req, principal, message);
    // A response that is already closed emits no further close event.
    if (res.destroyed) return session.release();
    res.once('close', () => session.release());

    const lastEventId = req.headers['last-event-id'];
    if (req.method === 'GET' && typeof lastEventId === 'string' && !session.events.canResume(lastEventId)) {
      // Nothing is left of that stream. A 204 tells an EventSource not to try again.
      res.writeHead(204).end();
      return;
    }

    const response = await session.transport.handleRequest(await webRequest(req), { parsedBody: message });
    // A refused initialize leaves a session without an ID.
    if (session.transport.sessionId === undefined) await session.end('not initialized');
    const cancelled = cancelledRequest(message);
    if (cancelled !== undefined) await session.settleCancelled(cancelled);
    await sendResponse(res, response);
    if (isJSONRPCRequest(message) && res.writableEnded) session.events.delivered(message.id);
  }

  /**
   * Returns the session of a request, which counts as in use until `release`, so that it does not end before it
   * answers.
   */
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

/** Returns the ID of the request that a `notifications/cancelled` names. */
function cancelledRequest(message: unknown): string | number | undefined {
  if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return undefined;
  const id = message.params?.['requestId'];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}
