import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/server';
import { BATCH_REVISION, cancelledId, type Incoming, isRequest, paramsProblem } from '../mcp/incoming.ts';
import { createLiveServers, type LiveServers } from '../mcp/live-servers.ts';
import type { ServerFactory } from '../mcp/server.ts';
import { BridgeError } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import { type OutgoingMemory, UNCOUNTED } from '../model/memory-budget.ts';
import { divided } from './batch.ts';
import { directCallIn, sendDirect } from './direct-call.ts';
import type { PreparedLists } from './prepared-lists.ts';
import { httpOrigin } from './refusals.ts';
import { sendJson } from './responses.ts';
import { negotiatedRevision, Session } from './session.ts';
import { issueSessionId, readSessionId, type SessionFacts } from './session-id.ts';
import type { Sessions } from './sessions.ts';
import { type AnswerForm, answerForm, sendResponse, webRequest } from './web-exchange.ts';

/** The sessions of one endpoint. Other groups do not know their IDs. */
export class SessionGroup {
  readonly #createServer: ServerFactory;
  readonly #path: string;
  readonly #sessions: Sessions;
  readonly #servers: LiveServers;
  readonly #lists: PreparedLists;
  readonly #memory: OutgoingMemory;
  /** Those in memory, by ID. */
  readonly #own = new Map<string, Session>();
  #closed = false;

  constructor(
    createServer: ServerFactory,
    path: string,
    sessions: Sessions,
    lists: PreparedLists,
    memory: OutgoingMemory = UNCOUNTED,
  ) {
    this.#createServer = createServer;
    this.#lists = lists;
    this.#memory = memory;
    this.#path = path;
    this.#sessions = sessions;
    this.#servers = createLiveServers(sessions.logger);
  }

  /** Notifies every client of the changed list. */
  announceChange(): void {
    this.#servers.announceChange();
  }

  /** Drops the sessions of the group and cancels their calls. The group opens no new sessions. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#own.values()].map((session) => session.close('the endpoint is gone')));
  }

  /**
   * Serves one request, with its parsed body if it has one. Only the principal that opened a session can use it.
   * Resolves when the response is complete or the client has gone.
   * @throws BridgeError `bad_request`, `invalid_params`, `session_not_found`, `shutting_down`, `state_unavailable`.
   */
  async handle(
    req: IncomingMessage,
    res: ServerResponse,
    principal: string,
    message?: Incoming,
  ): Promise<void> {
    const session = await this.#sessionOf(req, principal, message);
    session.use();
    // A response that is already closed emits no further close event.
    if (res.destroyed) return session.release();
    res.once('close', () => session.release());
    await session.ready;

    const isBatch = Array.isArray(message);
    if (isBatch && session.facts.revision !== BATCH_REVISION) throw batchRefused();
    const lastEventId = req.headers['last-event-id'];
    if (req.method === 'GET' && typeof lastEventId === 'string' && !session.events.canResume(lastEventId)) {
      // Nothing is left of that stream. A 204 tells an EventSource not to try again.
      res.writeHead(204).end();
      return;
    }
    if (req.method === 'DELETE') {
      await this.#sessions.records.end(session.facts.nonce, session.facts.expiresAt);
      await session.close('its client ended it');
      res.writeHead(200).end();
      return;
    }

    const form = answerForm(req.headers.accept, message);
    const list = this.#lists.find(req, message, session.facts.revision, form);
    if (list !== undefined && !session.isAnswering(list.id) && list.send(res, session.id)) return;
    const direct = this.#directCall(req, session, message, form);
    if (direct !== undefined) {
      const openStream = async () => session.openStream(await webRequest(req), direct);
      const options = { openStream, sessionId: session.id, memory: this.#memory };
      await sendDirect(res, session.call(direct, httpOrigin(req)), options);
      if (res.writableEnded) session.events.delivered(direct.id);
      return;
    }
    const batch = isBatch ? divided(message as readonly unknown[], session) : undefined;
    if (batch?.messages.length === 0) return sendJson(res, 400, batch.refusals);
    const messages = batch?.messages ?? (message === undefined ? [] : [message as JSONRPCMessage]);
    const requestIds = messages.filter(isRequest).map(({ id }) => id);
    const cancelled = messages.map(cancelledId).filter((id) => id !== undefined);
    const elsewhere = cancelled.filter((id) => !session.isAnswering(id));
    const response = await session.respond(
      await webRequest(req),
      batch?.messages ?? message,
      requestIds,
      httpOrigin(req),
    );
    for (const id of cancelled) await session.settleCancelled(id);
    for (const id of elsewhere) await this.#sessions.records.cancel(session.facts.nonce, id);
    const options = { form, onJson: list?.learn, memory: this.#memory, refusals: batch?.refusals };
    const sent = await sendResponse(res, response, options);
    for (const requestId of requestIds) {
      if (sent === 'json') session.events.discard(requestId);
      else if (res.writableEnded) session.events.delivered(requestId);
    }
  }

  /** Returns a message that the session takes without the SDK's checks of the request, which it would pass. */
  #directCall(
    { headers }: IncomingMessage,
    session: Session,
    message: Incoming | undefined,
    form: AnswerForm,
  ): JSONRPCRequest | undefined {
    const revision = headers['mcp-protocol-version'] ?? session.facts.revision;
    return revision === session.facts.revision ? directCallIn(message, form) : undefined;
  }

  /** Returns the session of a request: a new one for `initialize`, otherwise the one in memory or one made again. */
  async #sessionOf(req: IncomingMessage, principal: string, message: unknown): Promise<Session> {
    const { records } = this.#sessions;
    const owner = { principal, path: this.#path };
    const given = req.headers['mcp-session-id'];
    if (given === undefined) {
      const revision = requestedRevision(message);
      const { id, facts } = issueSessionId(await records.key(), revision, owner);
      return this.#open(id, facts, principal, (session) => session.connect());
    }
    const id = String(given);
    // Its ID has been checked already.
    const kept = this.#own.get(id);
    if (kept?.principal === principal && Date.now() < kept.facts.expiresAt) {
      this.#sessions.touch(kept);
      return kept;
    }
    const facts = readSessionId(await records.key(), id, owner);
    if (facts === undefined) throw notFound();
    return this.#open(id, facts, principal, async (session) => {
      if (await records.hasEnded(facts.nonce)) throw notFound();
      await session.restore();
    });
  }

  /** Returns a session that is in memory at once, so that requests which arrive meanwhile share it. */
  #open(
    id: string,
    facts: SessionFacts,
    principal: string,
    begin: (session: Session) => Promise<void>,
  ): Session {
    if (this.#closed) throw notFound();
    const { budget, keepAliveMs, logger } = this.#sessions;
    const server = this.#createServer({ era: 'legacy' });
    const session = new Session({ id, facts, principal, server, budget, keepAliveMs, logger });
    this.#sessions.keep(session);
    this.#own.set(id, session);
    this.#servers.add(server);
    const { onclose } = server;
    server.onclose = () => {
      onclose?.();
      if (this.#own.get(id) === session) this.#own.delete(id);
      this.#sessions.forget(session);
      session.events.clear();
    };
    session.ready = begin(session).catch(async (error: unknown) => {
      await session.close('it could not begin');
      throw error;
    });
    return session;
  }
}

/**
 * Returns the revision of the session that a first request opens.
 * @throws BridgeError `bad_request` if it is no `initialize`, `invalid_params` if it is a wrong one.
 */
function requestedRevision(message: unknown): string {
  if (Array.isArray(message)) throw batchRefused();
  if (!isJsonObject(message) || message['method'] !== 'initialize' || message['id'] === undefined) {
    throw new BridgeError('bad_request', 'The request carries no Mcp-Session-Id header.', {
      hint: 'Start a session with initialize and send the id that its answer carries.',
    });
  }
  const { params } = message;
  const problem = paramsProblem('initialize', params);
  if (problem !== undefined) throw new BridgeError('invalid_params', problem);
  const requested = isJsonObject(params) ? params['protocolVersion'] : undefined;
  return negotiatedRevision(requested as string);
}

function notFound(): BridgeError {
  return new BridgeError('session_not_found', 'The MCP session has ended or never was.', {
    hint: 'Start a new one with initialize.',
  });
}

function batchRefused(): BridgeError {
  return new BridgeError(
    'bad_request',
    'The body is a JSON-RPC batch, which this revision of MCP does not have.',
    {
      hint: 'Send each message in a request of its own.',
    },
  );
}
