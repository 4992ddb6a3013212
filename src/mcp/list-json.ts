import type { ListToolsResult } from '@modelcontextprotocol/server';
import { wellFormedJson } from '../model/well-formed.ts';

type ToolList = ListToolsResult['tools'];

/** The JSON of lists, for as long as the lists are in use. */
const texts = new WeakMap<ToolList, readonly Buffer[]>();
/** Tools in one piece of JSON: pieces are made one by one, so that no list is ever a text of many megabytes. */
const PIECE = 50;
/** What stands where a list was left out, and the list. */
const leftOut = new WeakMap<ToolList, ToolList>();
/** Requests in whose answers a list is left out, and the list once it is known. */
const requests = new WeakMap<Request, { list?: ToolList }>();

/**
 * The JSON of a list that does not change any more, in pieces. It is made once: pages are shared, and that of 5,000
 * tools is 4 MB and would take 16 ms each time.
 */
export function listJson(tools: ToolList): readonly Buffer[] {
  let text = texts.get(tools);
  if (text === undefined) {
    text = toJson(tools);
    texts.set(tools, text);
  }
  return text;
}

/** Bytes of the JSON of such a list. */
export function listBytes(tools: ToolList): number {
  return listJson(tools).reduce((sum, piece) => sum + piece.length, 0);
}

function toJson(tools: ToolList): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < tools.length; at += PIECE) {
    const json = wellFormedJson(tools.slice(at, at + PIECE)).slice(1, -1);
    pieces.push(Buffer.from(`${at === 0 ? '[' : ','}${json}`));
  }
  pieces.push(Buffer.from(tools.length === 0 ? '[]' : ']'));
  return pieces;
}

/**
 * Has the list left out of the answer to this tools/list request. Over HTTP the SDK turns answers into JSON itself,
 * each time anew: whoever asks for this puts the list back with `leftOutOf`.
 */
export function leaveListOut(request: Request): void {
  requests.set(request, {});
}

/** Takes that back: the response ended, and a list not yet answered goes to wherever its client asks for it again. */
export function keepList(request: Request): void {
  requests.delete(request);
}

/**
 * The page as the handler of that request answers it: as it is, or without its list if that is to be left out. What the
 * SDK would change in tools for the client's revision does not reach a list that is left out: it is `execution` and
 * output schemas that are no objects, and the registry publishes neither.
 */
export function pageFor(request: Request | undefined, page: ListToolsResult): ListToolsResult {
  const asked = request && requests.get(request);
  if (asked === undefined) return page;
  asked.list = page.tools;
  const tools: ToolList = [];
  leftOut.set(tools, page.tools);
  return { ...page, tools };
}

/** The list that was left out of the answer to that request; undefined when none was, or not yet. */
export function leftOutOf(request: Request): ToolList | undefined {
  return requests.get(request)?.list;
}

/** The list for which this value stands in an answer; undefined when it stands for itself. */
export function listBehind(value: unknown): ToolList | undefined {
  return Array.isArray(value) ? leftOut.get(value) : undefined;
}
