import { isJsonObject, type Json, type JsonObject, objectOf, textOf as text } from '../../model/json.ts';
import type { ToolInvokeMessage } from '../../model/message.ts';
import { parseFileLink } from '../files/links.ts';

/**
 * Returns the `data` of a frame as a message. An unknown type, or a known type with an unexpected body, becomes an
 * `unknown` message that preserves everything. So do bytes (`blob`, `blob_chunk`), which Dify's inner API does not send.
 * What is not a message at all has the wire type `unreadable`. Never throws.
 */
export function toToolInvokeMessage(data: unknown): ToolInvokeMessage {
  const { type, message, meta } = objectOf(data);
  if (typeof type !== 'string') return { type: 'unknown', wireType: 'unreadable', raw: data as Json };
  const known = readMessage(type, objectOf(message), objectOf(meta));
  return known ?? { type: 'unknown', wireType: type, raw: data as Json };
}

// Hand-written: this runs for every piece of streamed text, and a schema library takes several times as long.
function readMessage(type: string, body: JsonObject, meta: JsonObject): ToolInvokeMessage | undefined {
  switch (type) {
    case 'text': {
      const text = body['text'];
      return typeof text === 'string' ? { type, text } : undefined;
    }
    case 'json': {
      const value = body['json_object'];
      return value === undefined ? undefined : { type, value };
    }
    case 'variable':
      return readVariable(body);
    case 'link':
      return readLink(body, meta);
    case 'image_link':
    case 'binary_link':
    case 'image':
    case 'file':
      return readFile(body, meta);
    case 'log':
      return readLog(body);
    case 'retriever_resources':
      return readResources(body);
    default:
      return undefined;
  }
}

function readVariable(body: JsonObject): ToolInvokeMessage | undefined {
  const { variable_name: name, variable_value: value, stream } = body;
  if (typeof name !== 'string' || value === undefined) return undefined;
  return { type: 'variable', name, value, stream: stream === true };
}

/** Files other than images arrive as `link` with the file in `meta`; a plain link to a Dify file counts too. */
function readLink(body: JsonObject, meta: JsonObject): ToolInvokeMessage | undefined {
  const url = text(body['text']);
  const hasFile = isJsonObject(meta['file']) || text(meta['tool_file_id']) !== undefined;
  const isOfDify = url?.startsWith('/') === true && parseFileLink(url) !== undefined;
  if (hasFile || isOfDify) return readFile(body, meta);
  return url === undefined ? undefined : { type: 'link', url };
}

function readFile(body: JsonObject, meta: JsonObject): ToolInvokeMessage | undefined {
  const inner = objectOf(meta['file']);
  // The `url` in the file is signed, the text is not, and the `remote_url` of an upload may have expired.
  const url = text(inner['url']) ?? text(body['text']) ?? text(inner['remote_url']);
  const toolFileId = text(meta['tool_file_id']);
  const id =
    text(inner['related_id']) ??
    text(inner['tool_file_id']) ??
    text(inner['upload_file_id']) ??
    toolFileId ??
    (url === undefined ? undefined : parseFileLink(url)?.id);
  if (url === undefined && id === undefined) return undefined;
  const transferMethod = text(inner['transfer_method']) ?? (toolFileId && 'tool_file');
  const filename = text(meta['filename']) ?? text(inner['filename']);
  const mimeType = text(meta['mime_type']) ?? text(inner['mime_type']);
  const size = byteCount(inner['size']) ?? byteCount(meta['size']);
  return { type: 'file', file: { url, id, transferMethod, filename, mimeType, size } };
}

function readLog(body: JsonObject): ToolInvokeMessage | undefined {
  const { label, status, error } = body;
  const metadata = body['metadata'] ?? {};
  if (typeof label !== 'string' || typeof status !== 'string') return undefined;
  if (!isJsonObject(metadata) || !isJsonObject(body['data'] ?? {})) return undefined;
  return {
    type: 'log',
    log: { label, status, metadata, error: typeof error === 'string' ? error : undefined },
  };
}

function readResources(body: JsonObject): ToolInvokeMessage | undefined {
  const list = body['retriever_resources'] ?? [];
  const context = body['context'] ?? '';
  if (!Array.isArray(list) || typeof context !== 'string') return undefined;
  if (body['retriever_resources'] === undefined && body['context'] === undefined) return undefined;
  const entries: readonly Json[] = list;
  if (!entries.every(isJsonObject)) return undefined;
  const resources = entries.map((entry) => ({
    content: text(entry['content']) ?? '',
    datasetName: text(entry['dataset_name']),
    documentName: text(entry['document_name']),
    title: text(entry['title']),
  }));
  return { type: 'retriever_resources', context, resources };
}

/** Returns the size; undefined for the -1 that Dify writes for an unknown size. */
function byteCount(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
