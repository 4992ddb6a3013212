import { randomUUID } from 'node:crypto';
import {
  type JSONRPCMessage,
  type RequestId,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { Logger } from '../model/logger.ts';
import { type EventBudget, SessionEvents } from './session-events.ts';

export interface SessionOptions {
  readonly server: Server;
  /** Whether a call of the server runs. */
  readonly isCalling: () => boolean;
  /** Whose session it is. */
  readonly principal: string;
  readonly budget: EventBudget;
  /** A silent event stream carries a comment at least this often, in milliseconds. */
  readonly keepAliveMs: number;
  readonly logger: Logger;
}

/** One session of the 2025 revisions: a server and its Streamable HTTP transport, which streams every answer. */
export class Session {
  readonly id = randomUUID();
  readonly principal: string;
  readonly events: SessionEvents;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** When the last response ended, by `performance.now()`. */
  usedAt = performance.now();
  readonly #server: Server;
  readonly #isCalling: () => boolean;
  readonly #logger: Logger;
  /** Responses that are open now or about to be, the GET stream and that of `initialize` included. */
  #open = 1;

  private constructor({ server, principal, isCalling, budget, keepAliveMs, logger }: SessionOptions) {
    this.principal = principal;
    this.events = new SessionEvents(budget);
    this.transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.id,
      eventStore: this.events,
      keepAliveMs,
    });
    this.#server = server;
    this.#isCalling = isCalling;
    this.#logger = logger;
  }

  /** A session that waits for its `initialize`. */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    await options.server.connect(session.transport);
    return session;
  }

  /** Whether the session has an open response or a running call: it does not end by itself then. */
  get isInUse(): boolean {
    return this.#open > 0 || this.#isCalling();
  }

  /** The negotiated protocol revision; undefined before `initialize`. */
  get revision(): string | undefined {
    return this.#server.getNegotiatedProtocolVersion();
  }

  /** Counts a response as open; to be released. */
  use(): void {
    this.#open += 1;
  }

  /** Counts a response as closed. */
  release(): void {
    this.#open -= 1;
    this.usedAt = performance.now();
  }

  /** Ends the session and cancels what it runs. */
  async end(reason: string): Promise<void> {
    this.#logger.debug('An MCP session ended', { reason });
    await this.transport.close();
  }

  /**
   * Ends the response stream of a request that its client cancelled. No answer follows a cancellation, and the transport
   * would keep stream and bookkeeping until one does; so it gets one that is sent to nobody.
   */
  async settleCancelled(requestId: RequestId): Promise<void> {
    const ending: JSONRPCMessage = {
      jsonrpc: '2.0',
      id: requestId,
      error: { code: -32_000, message: 'The request was cancelled.' },
    };
    this.events.dropStreamAt(ending);
    this.transport.closeSSEStream(requestId);
    // It rejects when the request was answered before the cancellation came: nothing is left to settle then.
    await this.transport.send(ending).catch(() => undefined);
  }
}
