import { cutText } from '../../model/cut-text.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../model/json.ts';
import type { DifyAnswer } from './http.ts';

/** Messages are wrapped by the plugin, its daemon and Dify; deeper is the tool's own affair. */
const MAX_DEPTH = 4;
const REQUEST_ID = /^req_id:\s*\S+\s+/;
const WRAPPED = /^\w*Error:\s*(?=\{)/;
/** Types that say no more than that a tool failed. */
const PLAIN_TYPES = new Set(['ToolInvokeError', 'InvokeError', 'PluginInvokeError', 'Exception', 'Error']);

/** The words of an answer as an error repeats them: plain, without secrets, at most `max` characters. */
export function quoted(answer: Pick<DifyAnswer, 'mask'>, text: string, max: number): string {
  return cutText(answer.mask(plainWords(text)), max);
}

/**
 * What a person wrote, out of the JSON and the request id that plugins, their daemon and Dify wrap around it; any
 * other text trimmed. The request id is new each time, so without it the same failure reads the same again.
 */
function plainWords(text: string): string {
  return humanMessage(text.trim().replace(REQUEST_ID, '').trim(), MAX_DEPTH);
}

function humanMessage(text: string, depth: number): string {
  const wrapped = text.replace(WRAPPED, '');
  const body = depth > 0 && wrapped.startsWith('{') ? parseJsonObject(wrapped) : undefined;
  const inner = body === undefined ? undefined : messageOf(body);
  // JSON that the tool itself answered with, or broken JSON: shown as it is.
  if (body === undefined || inner === undefined) return text;
  const message = humanMessage(inner.trim(), depth - 1);
  const type = body['error_type'];
  if (typeof type !== 'string' || type === '' || PLAIN_TYPES.has(type)) return message;
  return message === '' ? type : `${type}: ${message}`;
}

/** The text of the first field that usually carries it; a nested object is handed on as JSON. */
function messageOf(body: JsonObject): string | undefined {
  for (const field of ['message', 'error']) {
    const value = body[field];
    if (typeof value === 'string') return value;
    if (isJsonObject(value)) return JSON.stringify(value);
  }
  return undefined;
}
