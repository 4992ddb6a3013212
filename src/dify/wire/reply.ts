import { type JsonObject, parseJsonObject } from '../../model/json.ts';
import type { DifyAnswer } from './http.ts';
import { quoted } from './plain-words.ts';

/** A short answer of Dify, read as a whole: an error, or the answer to a login. */
export interface DifyReply {
  readonly status: number;
  readonly path: string;
  /** Undefined for web pages and everything else that is no JSON object: a router or a proxy wrote it, not Dify's handlers. */
  readonly body: JsonObject | undefined;
  /** Dify's error code. Its texts vary by version and decide nothing. */
  readonly code: string | undefined;
  /** Dify's own words, plain, shortened and without secrets; undefined where it says nothing. */
  readonly said: string | undefined;
  readonly isPage: boolean;
}

const MAX_BYTES = 64 * 1024;
const MAX_SAID = 1000;
const NOT_READY = new Set(['not_setup', 'not_init_validated']);

/** Reads the body of a short answer. Rejects as `DifyAnswer.body` does. */
export async function readReply(answer: DifyAnswer): Promise<DifyReply> {
  const text = await answer.text(MAX_BYTES);
  const body = parseJsonObject(text);
  const code = body?.['code'];
  // A refused login or refresh of some versions has `data` or `message` and no code.
  const message = body?.['message'] ?? body?.['data'];
  const said = typeof message === 'string' ? quoted(answer, message, MAX_SAID) : '';
  return {
    status: answer.status,
    path: answer.path,
    body,
    code: typeof code === 'string' ? code : undefined,
    said: said === '' ? undefined : said,
    isPage: isWebPage(answer) || text.trimStart().startsWith('<'),
  };
}

/** True when the reply says that Dify's installation was not finished. */
export function isNotReady({ code }: DifyReply): boolean {
  return code !== undefined && NOT_READY.has(code);
}

/** True when the answer declares itself a web page. */
export function isWebPage(answer: DifyAnswer): boolean {
  return header(answer, 'content-type')?.toLowerCase().includes('html') === true;
}

/** One header as a text; undefined when it is missing. */
export function header({ headers }: DifyAnswer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
