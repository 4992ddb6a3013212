import { UNKNOWN_TYPE } from '../model/media-types.ts';
import type { OpenedFile } from '../model/ports.ts';
import { copyOf } from './text-budget.ts';

/** The beginning of a data URL: `data:`, the type, parameters, `;base64`, a comma. */
const HEAD =
  /(?<![\w.+-])data:([a-z]{1,99}\/[\w.+-]{1,99})?((?:;[\w-]{1,99}(?:=(?:"[^"]{0,999}"|[^;,"\s]{0,999}))?){0,99}?)(;base64)?,/gi;
const WHOLE_HEAD = new RegExp(`^\\s*${HEAD.source}`, 'i');
/** What is not Base64, not even for URLs. Looking for that which is would overflow the stack on megabytes. */
const NOT_BASE64 = /[^\w+/=-]/g;
/** What may interrupt Base64: an escaped character, or a line break if a long or the last line follows. */
const INTERRUPTION = /%[\da-f]{2}|\r?\n[ \t]*(?=[\w+/-]{40}|[\w+/-]+={1,2})/iy;
/** What ends a URL: quotes and parentheses too, because they enclose it in Markdown and HTML. */
const NOT_URL = /[^\w!$&*+,;=:@/?.~%#-]/g;
const MIN_BASE64_LENGTH = 4;
/** The number of characters to decode at once; a multiple of 4. */
const CHUNK = 64 * 1024;

/** Whether a text may contain a data URL. */
export function mayHaveDataUrl(text: string): boolean {
  return /data:/i.test(text);
}

/** Returns the text with each data URL replaced. Leaves those that cannot be decoded. */
export function replaceDataUrls(text: string, replace: (url: string, mimeType: string) => string): string {
  const [head, type, , base64] = WHOLE_HEAD.exec(text) ?? [];
  // A whole value may contain characters that would end a data URL in other text.
  if (head !== undefined && (base64 !== undefined || (type !== undefined && !/\s/.test(text.trim())))) {
    if (openDataUrl(text.trim()) !== undefined) return replace(text.trim(), typeOf(type));
  }
  const parts: string[] = [];
  let done = 0;
  for (const found of text.matchAll(HEAD)) {
    if (found.index < done) continue;
    const [start, mimeType, , isBase64] = found;
    // Prose may mention one without a type. Reading on from each would take quadratic time.
    if (isBase64 === undefined && mimeType === undefined) continue;
    const from = found.index + start.length;
    const rest = text.slice(
      from,
      isBase64 === undefined ? endBefore(NOT_URL, text, from) : endOfBase64(text, from),
    );
    const length = start.length + (isBase64 === undefined ? withoutPunctuation(rest) : rest).length;
    const url = text.slice(found.index, found.index + length);
    const isFile = rest.length >= (isBase64 === undefined ? 1 : MIN_BASE64_LENGTH);
    if (!isFile || openDataUrl(url) === undefined) continue;
    parts.push(text.slice(done, found.index), replace(url, typeOf(mimeType)));
    done = found.index + length;
  }
  return done === 0 ? text : [...parts, text.slice(done)].join('');
}

function withoutPunctuation(text: string): string {
  return text.slice(0, endWithout('.,;:!?', text));
}

/** Returns where a text ends without certain characters at its end. An expression would take quadratic time. */
function endWithout(characters: string, text: string): number {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return end;
}

function endOfBase64(text: string, from: number): number {
  let end = endBefore(NOT_BASE64, text, from);
  for (;;) {
    INTERRUPTION.lastIndex = end;
    const length = INTERRUPTION.exec(text)?.[0].length;
    if (length === undefined) return end;
    end = endBefore(NOT_BASE64, text, end + length);
  }
}

/** Returns where what ends a part begins after a position; the end of the text if nothing ends it. */
function endBefore(ending: RegExp, text: string, from: number): number {
  ending.lastIndex = from;
  return ending.exec(text)?.index ?? text.length;
}

/** Returns the type as a copy, because it is stored with the file for longer than the URL. */
function typeOf(mimeType: string | undefined): string {
  return copyOf(mimeType?.toLowerCase() ?? 'text/plain');
}

/** Returns the file in a data URL; undefined if the address is none or cannot be decoded. */
export function openDataUrl(url: string): Extract<OpenedFile, { kind: 'open' }> | undefined {
  const [head, mimeType, , base64] = WHOLE_HEAD.exec(url) ?? [];
  if (head === undefined) return undefined;
  const payload = url.slice(head.length);
  const file = base64 === undefined ? unescaped(payload) : decoded(payload);
  const type = mimeType === undefined && base64 !== undefined ? UNKNOWN_TYPE : typeOf(mimeType);
  return file && { kind: 'open', mimeType: type, ...file, discard: () => Promise.resolve() };
}

/** Decodes Base64 while it is read, so that the decoded file is never whole in memory. */
function decoded(
  payload: string,
): { readonly body: AsyncIterable<Uint8Array>; readonly size: number } | undefined {
  const plain = payload.includes('%') ? unescapeAscii(payload) : payload;
  const joined = /\s/.test(plain) ? plain.replace(/\s+/g, '') : plain;
  const base64 = joined.slice(0, endWithout('=', joined));
  if (base64 === '' || /[^\w+/-]/.test(base64) || base64.length % 4 === 1) return undefined;
  return { body: decodeBase64(base64), size: Math.floor((base64.length * 3) / 4) };
}

/** Yields the bytes of Base64, a part at a time. */
export async function* decodeBase64(base64: string): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < base64.length; at += CHUNK) yield Buffer.from(base64.slice(at, at + CHUNK), 'base64');
}

function unescaped(payload: string): { readonly body: AsyncIterable<Uint8Array>; readonly size: number } {
  const bytes = Buffer.from(unescapeAscii(Buffer.from(payload).toString('latin1')), 'latin1');
  async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
    yield bytes;
  }
  return { body: body(), size: bytes.length };
}

function unescapeAscii(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
