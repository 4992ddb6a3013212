import {
  type JSONRPCMessage,
  type JSONRPCRequest,
  LATEST_PROTOCOL_VERSION,
  type RequestId,
  type Server,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import { type HttpOrigin, UNKNOWN_CLIENT } from '../mcp/call-origin.ts';
import { idInUse } from '../mcp/incoming.ts';
import type { Logger } from '../model/logger.ts';
import type { DirectCall } from './direct-call.ts';
import { type EventBudget, SessionEvents } from './session-events.ts';
import type { SessionFacts } from './session-id.ts';
import { SessionTransport } from './session-transport.ts';

export interface SessionOptions {
  readonly id: string;
  readonly facts: SessionFacts;
  /** Whose session it is. */
  readonly principal: string;
  readonly server: Server;
  readonly budget: EventBudget;
  /** How often a silent event stream gets a comment, in milliseconds. */
  readonly keepAliveMs: number;
  readonly logger: Logger;
}

/**
 * One session of the 2025 revisions, while it is in memory: a server and its Streamable HTTP transport. It can be
 * dropped whenever it is not in use, because its ID has what is needed to make it again.
 */
export class Session {
  readonly id: string;
  readonly facts: SessionFacts;
  readonly principal: string;
  readonly events: SessionEvents;
  /** Resolves when the session can be used. Rejects if it could not be made. */
  ready: Promise<void> = Promise.resolve();
  /** When the last response ended, by `performance.now()`. */
  usedAt = performance.now();
  readonly #transport: SessionTransport;
  readonly #server: Server;
  readonly #logger: Logger;
  /** The number of open responses, including the GET stream. */
  #open = 0;

  constructor({ id, facts, principal, server, budget, keepAliveMs, logger }: SessionOptions) {
    this.id = id;
    this.facts = facts;
    this.principal = principal;
    this.events = new SessionEvents(budget);
    this.#transport = new SessionTransport({
      sessionIdGenerator: () => id,
      eventStore: this.events,
      keepAliveMs,
    });
    this.#server = server;
    this.#logger = logger;
  }

  /** Connects the server to a session that waits for its `initialize`. */
  async connect(): Promise<void> {
    await this.#server.connect(this.#transport);
    this.#transport.deliverOnce();
  }

  /** Connects the server to a session whose client sent its `initialize` to an earlier object or process. */
  async restore(): Promise<void> {
    await this.connect();
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
    const request = new Request('http://localhost', { method: 'POST', headers });
    const answer = await this.#transport.handleRequest(request, {
      parsedBody: initializeRequest(this.facts.revision),
    });
    await answer.text();
    this.events.clear();
  }

  /** Whether the session has an open response or a running request: it stays in memory then. */
  get isInUse(): boolean {
    return this.#open > 0 || this.#transport.unanswered.size > 0;
  }

  /** Counts a response as open until `release`. */
  use(): void {
    this.#open += 1;
  }

  /** Counts a response as closed. */
  release(): void {
    this.#open -= 1;
    this.usedAt = performance.now();
  }

  /** Whether a request with this ID has no answer yet. */
  isAnswering(id: RequestId): boolean {
    return this.#transport.unanswered.has(id);
  }

  /**
   * Returns the SDK's response to a request with its parsed body. `requestIds`: of the JSON-RPC requests in the body.
   * @throws BridgeError `bad_request` if one of these IDs is still in progress.
   */
  async respond(
    request: Request,
    message: unknown,
    requestIds: readonly RequestId[],
    origin: HttpOrigin,
  ): Promise<Response> {
    const { unanswered } = this.#transport;
    const repeated = requestIds.find((id, at) => unanswered.has(id) || requestIds.indexOf(id) < at);
    if (repeated !== undefined) throw idInUse(repeated);
    for (const id of requestIds) unanswered.add(id);
    const options = { parsedBody: message, authInfo: this.#authInfo(origin) };
    const response = await this.#transport.handleRequest(request, options);
    if (response.status !== 200) for (const id of requestIds) unanswered.delete(id);
    return response;
  }

  /**
   * Makes a call without a response stream.
   * @throws BridgeError `bad_request` if its ID is still in progress.
   */
  call(message: JSONRPCRequest, origin: HttpOrigin): DirectCall {
    if (this.isAnswering(message.id)) throw idInUse(message.id);
    return this.#transport.call(message, this.#authInfo(origin));
  }

  /** Opens the response stream of a direct call. */
  openStream(request: Request, message: JSONRPCRequest): Promise<Response> {
    return this.#transport.openStream(request, message);
  }

  /** Drops the session from memory and cancels its calls. */
  async close(reason: string): Promise<void> {
    this.#logger.debug('An MCP session was closed', { reason });
    await this.#transport.close();
  }

  /** Cancels a request whose client sent the cancellation to another replica. */
  async cancel(requestId: RequestId): Promise<void> {
    if (!this.isAnswering(requestId)) return;
    this.#transport.onmessage?.({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId },
    });
    await this.settleCancelled(requestId);
  }

  /**
   * Ends the response stream of a request that its client cancelled. No answer follows a cancellation, but the
   * transport holds the stream until there is one. So it gets an answer that is not sent.
   */
  async settleCancelled(requestId: RequestId): Promise<void> {
    if (this.#transport.endCall(requestId)) return;
    const ending: JSONRPCMessage = {
      jsonrpc: '2.0',
      id: requestId,
      error: { code: -32_000, message: 'The request was cancelled.' },
    };
    this.events.dropStreamAt(ending);
    this.#transport.closeSSEStream(requestId);
    // Rejects if the request was answered before the cancellation arrived. Then nothing is left to do.
    await this.#transport.send(ending).catch(() => undefined);
  }

  #authInfo(origin: HttpOrigin) {
    return {
      token: '',
      clientId: this.principal,
      scopes: [],
      extra: { ...origin, session: this.facts.nonce },
    };
  }
}

/** Returns the revision that the SDK negotiates with a client that asks for `requested`. */
export function negotiatedRevision(requested: string): string {
  return SUPPORTED_PROTOCOL_VERSIONS.includes(requested) ? requested : LATEST_PROTOCOL_VERSION;
}

function initializeRequest(protocolVersion: string): JSONRPCMessage {
  const params = { protocolVersion, capabilities: {}, clientInfo: UNKNOWN_CLIENT };
  return { jsonrpc: '2.0', id: 0, method: 'initialize', params };
}
