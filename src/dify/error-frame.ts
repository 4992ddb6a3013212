import { BridgeError } from '../model/errors.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import { cut } from './faults.ts';

const MAX_MESSAGE = 4000;
/** Messages are wrapped by the plugin, its daemon and Dify; deeper is the tool's own affair. */
const MAX_DEPTH = 4;
const REQUEST_ID = /^req_id:\s*\S+\s+/;
const WRAPPED = /^\w*Error:\s*(?=\{)/;
/** Types that say no more than that a tool failed. */
const PLAIN_TYPES = new Set(['ToolInvokeError', 'InvokeError', 'PluginInvokeError', 'Exception', 'Error']);
/** Dify cannot return files of workflow tools in these (fixed in 1.13.0); only the name of a field tells. */
const FILE_OUTPUT_BUG = { versions: new Set(['1.12.0', '1.12.1']), field: 'file_marker' };

/**
 * The error of a frame that says that the tool failed: `tool_failed` with the sentence a person wrote, taken out of
 * the JSON that plugins wrap it in. `version` is Dify's, where known: two releases have a fault worth naming.
 */
export function faultFromErrorFrame(text: string, version?: string): BridgeError {
  const words = cut(humanMessage(text.replace(REQUEST_ID, '').trim(), MAX_DEPTH), MAX_MESSAGE);
  const message = words === '' ? 'The tool failed without saying why.' : `The tool failed: ${words}`;
  const isFileBug =
    version !== undefined && FILE_OUTPUT_BUG.versions.has(version) && text.includes(FILE_OUTPUT_BUG.field);
  if (!isFileBug) return new BridgeError('tool_failed', message);
  return new BridgeError('tool_failed', message, {
    hint: `Dify ${version} cannot return files of workflow tools: update it to 1.13 or later, or let the workflow output the url of the file as a string.`,
  });
}

function humanMessage(text: string, depth: number): string {
  const wrapped = text.replace(WRAPPED, '');
  const body = depth > 0 && wrapped.startsWith('{') ? parseObject(wrapped) : undefined;
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

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
