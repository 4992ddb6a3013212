import type { IncomingHttpHeaders } from 'node:http';
import { isJSONRPCRequest } from '@modelcontextprotocol/server';
import type { ToolList, ToolListSource } from '../model/registry.ts';

/** Kinds of requests to remember. Requests that always differ, such as by a trace ID, would fill the memory. */
const MAX_KINDS = 100;
const MAX_KIND_LENGTH = 4000;

/** The line before the data of an event. No client can resume a prepared answer, so it has no event ID. */
const EVENT = Buffer.from('event: message\n');

type Headers = Readonly<Record<string, string>>;

/** A request for the first page of tools/list. */
export interface ListRequest {
  /** The answer; undefined if the SDK has not yet answered such a request with the current list. */
  readonly prepared: { readonly headers: Headers; readonly parts: readonly Buffer[] } | undefined;
  /** Prepares the answer to later requests from an event in the SDK's response to this one. */
  learn(headers: Headers, event: Uint8Array): void;
}

/**
 * Answers to tools/list over HTTP as bytes. The SDK checks and answers the first request of each kind. A request that
 * equals it in everything but the ID gets the same bytes with its own ID, as long as the list is the same.
 */
export class PreparedLists {
  readonly #tools: ToolListSource;
  /** By kind: everything before the request's ID, which the SDK writes last. */
  readonly #answers = new Map<string, { readonly headers: Headers; readonly data: Buffer }>();
  /** The list that the answers are of. Weak, so that a replaced list does not stay in memory. */
  #list: WeakRef<ToolList> | undefined;

  constructor(tools: ToolListSource) {
    this.#tools = tools;
  }

  /** Returns a request if its answer can be prepared. `revision` is the protocol revision that its client speaks. */
  find(message: unknown, headers: IncomingHttpHeaders, revision = ''): ListRequest | undefined {
    const list = this.#tools.current();
    if (list === undefined || !isJSONRPCRequest(message) || message.method !== 'tools/list') return undefined;
    const { id, ...rest } = message;
    const kind = JSON.stringify([revision, checkedHeaders(headers), rest]);
    if (rest.params?.['cursor'] !== undefined || kind.length > MAX_KIND_LENGTH) return undefined;
    if (this.#list?.deref() !== list) {
      this.#answers.clear();
      this.#list = new WeakRef(list);
    }
    const end = Buffer.from(`,"jsonrpc":"2.0","id":${JSON.stringify(id)}}\n\n`);
    const known = this.#answers.get(kind);
    return {
      prepared: known && { headers: known.headers, parts: [EVENT, known.data, end] },
      learn: (responseHeaders, event) => {
        // The list may have changed since the request arrived.
        const isCurrent = this.#tools.current() === list && this.#list?.deref() === list;
        const data = isCurrent ? resultIn(event, end) : undefined;
        if (data === undefined) return;
        if (this.#answers.size >= MAX_KINDS) this.#answers.clear();
        const same = [...this.#answers.values()].find((answer) => answer.data.equals(data));
        this.#answers.set(kind, { headers: responseHeaders, data: same?.data ?? data });
      },
    };
  }
}

/** Returns the data line of an event without its end; undefined if it is not a result with that end. */
function resultIn({ buffer, byteOffset, byteLength }: Uint8Array, end: Buffer): Buffer | undefined {
  const event = Buffer.from(buffer, byteOffset, byteLength);
  const [before] =
    /^event: message\n(?:id: .*\n)?(?=data: \{"result":)/.exec(event.toString('latin1', 0, 200)) ?? [];
  if (before === undefined || !event.subarray(-end.length).equals(end)) return undefined;
  return event.subarray(before.length, -end.length);
}

/** Returns the headers that the SDK checks. Its caller has found the session of the request. */
function checkedHeaders(headers: IncomingHttpHeaders): readonly unknown[] {
  const names = Object.keys(headers).filter((name) => name.startsWith('mcp-') && name !== 'mcp-session-id');
  return ['accept', 'content-type', ...names.toSorted()].map((name) => [name, headers[name]]);
}
