import {
  type AuthInfo,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { isRequest } from '../mcp/incoming.ts';
import { DirectCall } from './direct-call.ts';

/** The SDK's transport, which also knows the requests that have no answer yet, and makes direct calls. */
export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  readonly unanswered = new Set<RequestId>();
  readonly #calls = new Map<RequestId, DirectCall>();
  /** The direct calls whose streams are opened now. The server has them already. */
  readonly #opening = new Set<RequestId>();

  /** Delivers no direct call again when its stream is opened. To be called once the server is connected. */
  deliverOnce(): void {
    const { onmessage } = this;
    this.onmessage = (message, extra) => {
      if (isRequest(message) && this.#opening.delete(message.id)) return;
      onmessage?.(message, extra);
    };
  }

  call(message: JSONRPCRequest, authInfo: AuthInfo): DirectCall {
    const call = new DirectCall();
    this.unanswered.add(message.id);
    this.#calls.set(message.id, call);
    this.onmessage?.(message, { authInfo });
    return call;
  }

  openStream(request: Request, message: JSONRPCRequest): Promise<Response> {
    this.#opening.add(message.id);
    return this.handleRequest(request, { parsedBody: message });
  }

  /** Ends a direct call that its client cancelled. Returns false if there is none, or if it has a stream. */
  endCall(id: RequestId): boolean {
    const ended = this.#calls.get(id)?.end() === true;
    if (ended) this.#settle(id);
    return ended;
  }

  override async send(
    message: JSONRPCMessage,
    options?: Parameters<WebStandardStreamableHTTPServerTransport['send']>[1],
  ): Promise<void> {
    const answered = 'method' in message ? undefined : message.id;
    const id = answered ?? options?.relatedRequestId;
    try {
      const call = id === undefined ? undefined : this.#calls.get(id);
      if (call === undefined || (await call.mustStream(message))) await super.send(message, options);
    } finally {
      if (answered !== undefined) this.#settle(answered);
    }
  }

  override async close(): Promise<void> {
    for (const id of this.#calls.keys()) this.endCall(id);
    await super.close();
  }

  #settle(id: RequestId): void {
    this.unanswered.delete(id);
    this.#calls.delete(id);
  }
}
