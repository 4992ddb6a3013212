import type { ServerResponse } from 'node:http';
import {
  type AuthInfo,
  type JSONRPCMessage,
  type JSONRPCRequest,
  PerRequestHTTPServerTransport,
  type RequestId,
  type Server,
} from '@modelcontextprotocol/server';
import { MODERN_REVISION } from '../mcp/incoming.ts';
import type { ServerFactory } from '../mcp/server.ts';
import type { OutgoingMemory } from '../model/memory-budget.ts';
import { DirectCall, sendDirect } from './direct-call.ts';

const CLASSIFICATION = { era: 'modern', revision: MODERN_REVISION } as const;

export interface DirectServerOptions {
  /** How often a silent event stream gets a comment, in milliseconds. */
  readonly keepAliveMs: number;
  readonly memory: OutgoingMemory;
}

interface Running {
  readonly call: DirectCall;
  /** The ID that the client gave. */
  readonly id: RequestId;
  stream?: PerRequestHTTPServerTransport;
}

/** One server for the direct calls of all clients of 2026-07-28. The SDK makes a server for each request. */
export class DirectServer {
  readonly #createServer: ServerFactory;
  readonly #options: DirectServerOptions;
  readonly #calls = new Map<RequestId, Running>();
  readonly #transport: PerRequestHTTPServerTransport;
  #server: Promise<Server> | undefined;
  #lastId = 0;

  constructor(createServer: ServerFactory, options: DirectServerOptions) {
    this.#createServer = createServer;
    this.#options = options;
    // Its class tells the server the revision of the client.
    this.#transport = new PerRequestHTTPServerTransport({ classification: CLASSIFICATION });
    this.#transport.send = (message, sendOptions) => this.#send(message, sendOptions?.relatedRequestId);
  }

  /** Makes a call and sends its answer. If the client leaves, the call is cancelled. */
  async serve(res: ServerResponse, message: JSONRPCRequest, authInfo: AuthInfo): Promise<void> {
    this.#server ??= this.#connect();
    await this.#server;
    // Clients choose IDs independently of each other.
    this.#lastId += 1;
    const id = this.#lastId;
    const running: Running = { call: new DirectCall(), id: message.id };
    this.#calls.set(id, running);
    res.once('close', () => this.#cancel(id));
    if (res.destroyed) this.#cancel(id);
    else {
      const extra = { ...authInfo.extra, rpcId: message.id };
      const more = { classification: CLASSIFICATION, authInfo: { ...authInfo, extra } };
      this.#transport.onmessage?.({ ...message, id }, more);
    }
    const openStream = (): Promise<Response> => this.#openStream(id, running, message);
    await sendDirect(res, running.call, { openStream, memory: this.#options.memory });
  }

  /** Cancels all calls. */
  async close(): Promise<void> {
    for (const id of this.#calls.keys()) this.#cancel(id);
    await (await this.#server)?.close();
  }

  async #connect(): Promise<Server> {
    const server = this.#createServer({ era: 'modern' });
    await server.connect(this.#transport);
    return server;
  }

  async #openStream(id: RequestId, running: Running, message: JSONRPCRequest): Promise<Response> {
    const { keepAliveMs } = this.#options;
    const stream = new PerRequestHTTPServerTransport({
      classification: CLASSIFICATION,
      responseMode: 'sse',
      keepAliveMs,
    });
    running.stream = stream;
    // The server has the message already.
    stream.onmessage = () => undefined;
    stream.onclose = () => this.#cancel(id);
    await stream.start();
    return stream.handleMessage(message);
  }

  async #send(message: JSONRPCMessage, relatedRequestId: RequestId | undefined): Promise<void> {
    const answered = 'method' in message ? undefined : message.id;
    const related = answered ?? relatedRequestId;
    const running = related === undefined ? undefined : this.#calls.get(related);
    if (running === undefined) return;
    const { call, id } = running;
    const sent = answered === undefined ? message : { ...message, id };
    if (answered !== undefined) this.#calls.delete(answered);
    if (await call.mustStream(sent)) await running.stream?.send(sent, { relatedRequestId: id });
  }

  #cancel(id: RequestId): void {
    const running = this.#calls.get(id);
    if (running === undefined) return;
    this.#calls.delete(id);
    const cancellation = {
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: id },
    } as const;
    this.#transport.onmessage?.(cancellation, { classification: CLASSIFICATION });
    running.call.end();
    void running.stream?.close();
  }
}
