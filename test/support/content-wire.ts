import type { Json, JsonObject } from '../../src/model/json.ts';
import type { FileReference, ToolInvokeMessage } from '../../src/model/message.ts';

/** A recorded answer of the invocation route, reduced to what the content room is given. */
export interface Replay {
  readonly messages: readonly ToolInvokeMessage[];
  readonly error: string | undefined;
}

/** Reads the length-prefixed frames of a whole answer. */
export function replay(body: Uint8Array): Replay {
  const view = Buffer.from(body);
  const messages: ToolInvokeMessage[] = [];
  let error: string | undefined;
  for (let at = 0; at < view.length; ) {
    const start = at + 4 + view.readUInt16LE(at + 2);
    at = start + view.readUInt32LE(at + 4);
    const frame = JSON.parse(view.subarray(start, at).toString('utf8')) as {
      data: JsonObject | null;
      error: string;
    };
    if (frame.data === null) error = frame.error;
    else messages.push(toMessage(frame.data));
  }
  return { messages, error };
}

function toMessage(data: JsonObject): ToolInvokeMessage {
  const message = (data['message'] ?? {}) as Record<string, Json>;
  const meta = (data['meta'] ?? {}) as Record<string, Json>;
  const url = message['text'] as string;
  const type = data['type'] as string;
  if (meta['file'] !== undefined || type === 'image_link' || type === 'binary_link') {
    return { type: 'file', file: toReference(url, meta) };
  }
  switch (type) {
    case 'text':
      return { type, text: url };
    case 'link':
      return { type, url };
    case 'json':
      return {
        type,
        value: message['json_object'] ?? null,
      };
    case 'variable':
      return {
        type,
        name: message['variable_name'] as string,
        value: message['variable_value'] ?? null,
        stream: message['stream'] === true,
      };
    case 'log':
      return {
        type,
        log: {
          label: message['label'] as string,
          status: message['status'] as string,
          metadata: message['metadata'] as JsonObject,
        },
      };
    case 'retriever_resources':
      return {
        type,
        context: message['context'] as string,
        resources: (message['retriever_resources'] as JsonObject[]).map((raw) => ({
          content: raw['content'] as string,
          ...(typeof raw['dataset_name'] === 'string' ? { datasetName: raw['dataset_name'] } : {}),
        })),
      };
    default:
      throw new Error(`no such type in the recordings: ${type}`);
  }
}

function toReference(url: string, meta: Record<string, Json>): FileReference {
  const file = (meta['file'] ?? meta) as Record<string, Json>;
  const reference: { -readonly [Key in keyof FileReference]: FileReference[Key] } = { url };
  if (typeof file['related_id'] === 'string') reference.id = file['related_id'];
  if (typeof file['filename'] === 'string') reference.filename = file['filename'];
  if (typeof file['mime_type'] === 'string') reference.mimeType = file['mime_type'];
  if (typeof file['size'] === 'number') reference.size = file['size'];
  return reference;
}
