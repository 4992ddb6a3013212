import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toWebRequest } from '@modelcontextprotocol/node';
import { settlesWithin } from '../model/async.ts';
import { isJsonObject } from '../model/json.ts';
import type { OutgoingMemory } from '../model/memory-budget.ts';
import { wellFormedBytes, wellFormedJson } from '../model/well-formed.ts';

/** How long an answer may take and still be sent as plain JSON, in milliseconds. */
export const BRIEF_MS = 2000;

/** The SDK's comment, and the same without the empty line after it, which some clients take for the end of an event. */
const KEEP_ALIVE = Buffer.from(': keepalive\n\n');
const COMMENT = Buffer.from(': keepalive\n');

/** What is around the JSON of an event, and how that of a notification begins. */
const DATA = 'data: ';
const END = '\n\n';
const NOTIFICATION = Buffer.from('{"jsonrpc":"2.0","method":');

/**
 * How a request may be answered. `brief`: as JSON if the answer comes soon and nothing before it, as a stream
 * otherwise.
 */
export type AnswerForm = 'json' | 'stream' | 'brief';

/**
 * Returns how a request is answered. Clients should accept JSON and streams; the bridge also serves those that accept
 * one of them, and takes anything else for both.
 */
export function answerForm(accept: string | undefined, message: unknown): AnswerForm {
  const requests = Array.isArray(message) ? (message as unknown[]) : [message];
  if (requests.some((request) => isJsonObject(request) && request['method'] === 'subscriptions/listen')) {
    return 'stream';
  }
  const takesJson = /application\/(json|\*)|\*\/\*/i.test(accept ?? '');
  const takesStream = /text\/(event-stream|\*)|\*\/\*/i.test(accept ?? '');
  if (takesJson !== takesStream) return takesJson ? 'json' : 'stream';
  return message === undefined || requests.some(wantsProgress) ? 'stream' : 'brief';
}

function wantsProgress(request: unknown): boolean {
  const params = isJsonObject(request) ? request['params'] : undefined;
  const meta = isJsonObject(params) ? params['_meta'] : undefined;
  return isJsonObject(meta) && meta['progressToken'] !== undefined;
}

/**
 * Returns a web Request with method, address and headers of a Node request. It has no body: the SDK gets the parsed
 * body separately, which has already been read within its limit.
 */
export async function webRequest(req: IncomingMessage): Promise<Request> {
  // A request that a server receives has a method and an address. Node's type is also that of a client's response.
  const request = await toWebRequest(req as IncomingMessage & { method: string; url: string }, undefined, {
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  });
  // The SDK refuses clients that do not name both, in this spelling.
  request.headers.set('Accept', 'application/json, text/event-stream');
  return request;
}

export interface SendOptions {
  readonly form: AnswerForm;
  readonly onJson?: ((answer: Uint8Array) => void) | undefined;
  readonly memory: OutgoingMemory;
  /** For a batch: the answers to members that the SDK did not get. */
  readonly refusals?: readonly object[] | undefined;
}

/**
 * Writes a web Response to a Node response. Resolves with the form that was sent when that is done or the client has
 * gone. Makes the SDK's JSON well-formed. Cancels the body stream as soon as the client has gone, so that the transports
 * notice: the SDK's own adapter notices only at the next chunk, and until then refuses a client that wants to resume its
 * stream. `onJson` gets a single answer that is sent as JSON. `memory` counts what the client has yet to read.
 */
export async function sendResponse(
  res: ServerResponse,
  response: Response,
  { form, onJson, memory, refusals }: SendOptions,
): Promise<'json' | 'stream'> {
  if (res.destroyed) {
    await response.body?.cancel();
    return 'stream';
  }
  const headers = Object.fromEntries(response.headers);
  if (response.body === null && refusals !== undefined && refusals.length > 0) {
    sendAnswer(res, [wellFormedJson(refusals)]);
    return 'json';
  }
  if (response.body === null) {
    res.writeHead(response.status, headers).end();
    return 'stream';
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const gone = new AbortController();
  const onClose = (): void => {
    gone.abort();
    reader.cancel().catch(() => undefined);
  };
  res.once('close', onClose);
  try {
    const isStream = headers['content-type'] === 'text/event-stream';
    const { held, next: pending } = await readAhead(reader, isStream ? form : 'stream');
    let next = pending;
    const answers = next === undefined ? held.flatMap(answerIn) : [];
    gone.signal.throwIfAborted();
    if (answers.length > 0) {
      res.off('close', onClose);
      const [first] = answers;
      if (first !== undefined && answers.length === 1) onJson?.(first);
      const parts = refusals === undefined ? answers : [batchOf(answers, refusals)];
      res.once('close', memory.hold(parts.reduce((sum, { length }) => sum + length, 0)));
      sendAnswer(res, parts, headers['mcp-session-id']);
      return 'json';
    }
    res.writeHead(response.status, headers);
    // A client must see the headers of a stream before its first event, which may take minutes.
    if (isStream) res.flushHeaders();
    const events = isStream ? (refusals ?? []) : [];
    for (const refused of events) await write(res, eventOf(refused), memory, gone.signal);
    for (const chunk of held) await write(res, chunk, memory, gone.signal);
    for (let chunk = await next; chunk?.done === false; chunk = await next) {
      next = reader.read();
      await write(res, chunk.value, memory, gone.signal);
    }
    res.off('close', onClose);
    res.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
  return 'stream';
}

type Reading = ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>;

/**
 * Reads what has to be known before it is clear how to answer: for JSON everything, for a brief answer as much as comes
 * soon, and no further than the first notification. `next` is the reading that goes on, undefined at the end.
 */
async function readAhead(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  form: AnswerForm,
): Promise<{ readonly held: readonly Uint8Array[]; readonly next: Reading | undefined }> {
  const held: Uint8Array[] = [];
  const until = performance.now() + BRIEF_MS;
  let next = reader.read();
  for (let isOpen = form !== 'stream'; isOpen; ) {
    if (form === 'brief' && !(await settlesWithin(next, until - performance.now()))) break;
    const chunk = await next;
    if (chunk.done) return { held, next: undefined };
    next = reader.read();
    held.push(chunk.value);
    isOpen = form === 'json' || !dataOf(chunk.value).subarray(0, NOTIFICATION.length).equals(NOTIFICATION);
  }
  return { held, next };
}

/** Returns the JSON of an event, which the SDK makes one chunk; empty for a comment and for an event without data. */
function dataOf(chunk: Uint8Array): Buffer {
  const event = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const start = event.indexOf(DATA);
  return start === -1 ? Buffer.alloc(0) : event.subarray(start + DATA.length, -END.length);
}

/** Returns the JSON of an event that has an answer in it. */
function answerIn(chunk: Uint8Array): Uint8Array[] {
  const data = dataOf(chunk);
  const isAnswer = data.length > 0 && !data.subarray(0, NOTIFICATION.length).equals(NOTIFICATION);
  return isAnswer ? [wellFormedBytes(data)] : [];
}

function batchOf(answers: readonly Uint8Array[], refusals: readonly object[]): string {
  const texts = answers.map((answer) => Buffer.from(answer).toString());
  return `[${[...refusals.map(wellFormedJson), ...texts].join()}]`;
}

function eventOf(answer: object): Buffer {
  return Buffer.from(`event: message\n${DATA}${wellFormedJson(answer)}${END}`);
}

/** Sends the parts of one JSON text. A single string and its headers are written at once. */
export function sendAnswer(
  res: ServerResponse,
  parts: readonly (Uint8Array | string)[],
  sessionId?: string,
): void {
  res.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0),
    'Cache-Control': 'no-store',
    ...(sessionId !== undefined && { 'Mcp-Session-Id': sessionId }),
  });
  for (const part of parts.slice(0, -1)) res.write(part);
  res.end(parts.at(-1));
}

async function write(
  res: ServerResponse,
  chunk: Uint8Array,
  memory: OutgoingMemory,
  signal: AbortSignal,
): Promise<void> {
  const bytes = KEEP_ALIVE.equals(chunk) ? COMMENT : wellFormedBytes(chunk);
  if (res.write(bytes)) return;
  const release = memory.hold(bytes.length);
  await once(res, 'drain', { signal }).finally(release);
}
