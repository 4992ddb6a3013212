import { cutText } from '../../model/cut-text.ts';
import { parseJsonObject } from '../../model/exact-json.ts';
import { writeJson } from '../../model/well-formed.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import type { DifyAnswer } from './answer.ts';

/** The plugin, its daemon and Dify each wrap a message; deeper JSON belongs to the tool. */
const MAX_DEPTH = 4;
const REQUEST_ID = /^req_id:\s*\S+\s+/;
const WRAPPED = /^\w*Error:\s*(?=\{)/;
/** Error types that say only that a tool failed. */
const PLAIN_TYPES = new Set(['ToolInvokeError', 'InvokeError', 'PluginInvokeError', 'Exception', 'Error']);

/** How a workflow reports that a plugin's tool failed in one of its nodes. */
const IN_NODE =
  /^An error occurred in the (?<plugin>\S+), please contact the author of \S+ for help, error type: (?<type>\S*), error details: (?<details>[^]*)$/;

/** Returns the plugin that failed in a node of a workflow. */
export function failedPlugin(words: string): string | undefined {
  return IN_NODE.exec(words)?.groups?.['plugin'];
}

/** Returns text from an answer as an error quotes it: plain, without secrets, at most `max` characters. */
export function quoted(answer: Pick<DifyAnswer, 'mask'>, text: string, max: number): string {
  const plain = humanMessage(text.trim().replace(REQUEST_ID, '').trim(), MAX_DEPTH);
  return cutText(answer.mask(plain), max);
}

/** Returns the message inside the JSON that plugins, their daemon and Dify add. */
function humanMessage(text: string, depth: number): string {
  const wrapped = text.replace(WRAPPED, '');
  const body = depth > 0 && wrapped.startsWith('{') ? parseJsonObject(wrapped) : undefined;
  const inner = body === undefined ? undefined : messageOf(body);
  // JSON that the tool itself returned, or broken JSON: show it unchanged.
  if (body === undefined || inner === undefined) return text;
  const message = humanMessage(inner.trim(), depth - 1);
  const type = body['error_type'];
  if (typeof type !== 'string' || type === '' || PLAIN_TYPES.has(type)) return message;
  return message === '' ? type : `${type}: ${message}`;
}

/** Returns the text of the first field that usually carries the message; a nested object as JSON. */
function messageOf(body: JsonObject): string | undefined {
  for (const field of ['message', 'error']) {
    const value = body[field];
    if (typeof value === 'string') return value;
    if (isJsonObject(value)) return writeJson(value);
  }
  return undefined;
}
