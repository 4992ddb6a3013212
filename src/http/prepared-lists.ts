import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { type Incoming, isRequest } from '../mcp/incoming.ts';
import type { ToolList, ToolListSource } from '../model/registry.ts';
import { type AnswerForm, sendAnswer } from './web-exchange.ts';

/** Kinds of requests to remember. Requests that always differ, such as by a trace ID, would fill the memory. */
const MAX_KINDS = 100;
const MAX_KIND_LENGTH = 4000;

/** A request for the first page of tools/list that may be answered as JSON. */
export interface ListRequest {
  readonly id: string | number;
  /** Sends the answer to an equal request, and returns true; false if there is none for the current list. */
  send(res: ServerResponse, sessionId?: string): boolean;
  /** Keeps the SDK's answer to this request for later ones. */
  readonly learn: (answer: Uint8Array) => void;
}

/**
 * Answers to tools/list as bytes. The SDK checks and answers the first request of each kind. A request that equals it in
 * everything but the ID gets the same bytes with its own ID, as long as the list is the same.
 */
export class PreparedLists {
  readonly #tools: ToolListSource;
  /** By kind: the answer up to the request's ID, which the SDK writes last. */
  readonly #answers = new Map<string, Buffer>();
  /** The list that the answers have. Weak, so that a replaced list does not stay in memory. */
  #list: WeakRef<ToolList> | undefined;

  constructor(tools: ToolListSource) {
    this.#tools = tools;
  }

  /** `revision` is the protocol revision that the client speaks. */
  find(
    { headers }: IncomingMessage,
    message: Incoming | undefined,
    revision: string,
    form: AnswerForm,
  ): ListRequest | undefined {
    const list = this.#tools.current();
    if (list === undefined || form === 'stream' || message === undefined) return undefined;
    if (!('method' in message) || !isRequest(message)) return undefined;
    const { id, ...rest } = message;
    if (message.method !== 'tools/list' || message.params?.['cursor'] !== undefined) return undefined;
    const kind = JSON.stringify([revision, checkedHeaders(headers), rest]);
    if (kind.length > MAX_KIND_LENGTH) return undefined;
    if (this.#list?.deref() !== list) {
      this.#answers.clear();
      this.#list = new WeakRef(list);
    }
    const end = Buffer.from(`,"jsonrpc":"2.0","id":${JSON.stringify(id)}}`);
    return {
      id,
      send: (res, sessionId) => {
        const known = this.#answers.get(kind);
        if (known !== undefined) sendAnswer(res, [known, end], sessionId);
        return known !== undefined;
      },
      learn: (answer) => {
        const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
        // The list may have changed since the request arrived.
        const isCurrent = this.#tools.current() === list && this.#list?.deref() === list;
        if (!isCurrent || !isResult(bytes) || !bytes.subarray(-end.length).equals(end)) return;
        if (this.#answers.size >= MAX_KINDS) this.#answers.clear();
        const data = bytes.subarray(0, -end.length);
        const same = [...this.#answers.values()].find((known) => known.equals(data));
        this.#answers.set(kind, same ?? Buffer.from(data));
      },
    };
  }
}

function isResult(answer: Buffer): boolean {
  return answer.toString('latin1', 0, 10) === '{"result":';
}

/** Returns the headers that the SDK checks. The session of the request has been found. */
function checkedHeaders(headers: IncomingHttpHeaders): readonly unknown[] {
  const names = Object.keys(headers).filter((name) => name.startsWith('mcp-') && name !== 'mcp-session-id');
  return ['accept', 'content-type', ...names.toSorted()].map((name) => [name, headers[name]]);
}
