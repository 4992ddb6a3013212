import { parseJsonObject } from '../../model/exact-json.ts';
import type { JsonObject } from '../../model/json.ts';
import type { DifyAnswer } from './answer.ts';
import { quoted } from './plain-words.ts';

/** A short answer of Dify, read completely: an error, or the answer to a login. */
export interface DifyReply {
  readonly status: number;
  readonly path: string;
  /** Undefined for anything that is not a JSON object, which a router or a proxy wrote. */
  readonly body: JsonObject | undefined;
  /** Dify's error code. Its texts vary by version, so nothing depends on them. */
  readonly code: string | undefined;
  /** Dify's message as it came, for comparison. May contain secrets. */
  readonly message: string;
  /** Dify's message, plain, shortened and without secrets; undefined if it has none. */
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
  // In some versions, a refused login or refresh has `data` or `message` and no code.
  const given = body?.['message'] ?? body?.['data'];
  const message = typeof given === 'string' ? given : '';
  const said = quoted(answer, message, MAX_SAID);
  return {
    status: answer.status,
    path: answer.path,
    body,
    code: typeof code === 'string' ? code : undefined,
    message,
    said: said === '' ? undefined : said,
    isPage: isWebPage(answer) || text.trimStart().startsWith('<'),
  };
}

/** Returns true if Dify's installation is not finished. */
export function isNotReady({ code }: DifyReply): boolean {
  return code !== undefined && NOT_READY.has(code);
}

export function isWebPage(answer: DifyAnswer): boolean {
  return header(answer, 'content-type')?.toLowerCase().includes('html') === true;
}

/** Returns one header as a string; undefined if it is missing. */
export function header({ headers }: DifyAnswer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
