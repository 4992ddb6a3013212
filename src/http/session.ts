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
  /** Returns whether a call of the server is running. */
  readonly isCalling: () => boolean;
  /** The owner of the session. */
  readonly principal: string;
  readonly budget: EventBudget;
  /** How often a silent event stream gets a comment, in milliseconds. */
  readonly keepAliveMs: number;
  readonly logger: Logger;
}

/**
 * One session of the 2025 revisions: a server and its Streamable HTTP transport, which sends every answer as a stream.
 */
export class Session {
  readonly id = randomUUID();
  readonly principal: string;
  readonly events: SessionEvents;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** When the last response ended, by `performance.now()`. */
  usedAt = performance.now();
  readonly #isCalling: () => boolean;
  readonly #logger: Logger;
  /** The number of responses that are open or about to open, including the GET stream and that of `initialize`. */
  #open = 1;

  private constructor({ principal, isCalling, budget, keepAliveMs, logger }: SessionOptions) {
    this.principal = principal;
    this.events = new SessionEvents(budget);
    this.transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.id,
      eventStore: this.events,
      keepAliveMs,
    });
    this.#isCalling = isCalling;
    this.#logger = logger;
  }

  /** Creates a session that waits for its `initialize`. */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    await options.server.connect(session.transport);
    return session;
  }

  /** Whether the session has an open response or a running call. If so, it does not expire. */
  get isInUse(): boolean {
    return this.#open > 0 || this.#isCalling();
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

  /** Ends the session and cancels its calls. */
  async end(reason: string): Promise<void> {
    this.#logger.debug('An MCP session ended', { reason });
    await this.transport.close();
  }

  /**
   * Ends the response stream of a request that its client cancelled. No answer follows a cancellation, but the
   * transport holds the stream until there is one. So it gets an answer that is not sent.
   */
  async settleCancelled(requestId: RequestId): Promise<void> {
    const ending: JSONRPCMessage = {
      jsonrpc: '2.0',
      id: requestId,
      error: { code: -32_000, message: 'The request was cancelled.' },
    };
    this.events.dropStreamAt(ending);
    this.transport.closeSSEStream(requestId);
    // Rejects if the request was answered before the cancellation arrived. Then nothing is left to do.
    await this.transport.send(ending).catch(() => undefined);
  }
}
