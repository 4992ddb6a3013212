import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';

/** Deeper values are cut, so that no recursion here, in the SDK or in a client runs out of stack. */
const MAX_DEPTH = 200;
const TOO_DEEP = '[left out: nested too deeply]';

/** Marks a serialised file in the outputs of a Dify tool. */
export const FILE_MARKER = '__dify__file__';

/** Links of files by their ids, as found in the outputs of a tool. Signed and valid for 300 seconds. */
export type FileLinks = Map<string, string>;

/**
 * The value as it may be shown: Dify's file objects, which carry signed links and internal ids, become
 * `{ filename, mime_type, size }`; their links are put into `links` under each of their ids. Answers the
 * very same value when there was nothing to change.
 */
export function toShownValue(value: Json, links: FileLinks, depth = 0): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return TOO_DEEP;
  if (!isJsonObject(value)) return mapArray(value, links, depth);
  if (value['dify_model_identity'] === FILE_MARKER) {
    rememberLink(value, links);
    return describeFile(value);
  }
  let changed = false;
  const entries: [string, Json][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const shown = toShownValue(item, links, depth + 1);
    changed ||= shown !== item;
    entries.push([key, shown]);
  }
  return changed ? Object.fromEntries(entries) : value;
}

function mapArray(value: readonly Json[], links: FileLinks, depth: number): Json {
  let changed = false;
  const items = value.map((item) => {
    const shown = toShownValue(item, links, depth + 1);
    changed ||= shown !== item;
    return shown;
  });
  return changed ? items : value;
}

function rememberLink(file: JsonObject, links: FileLinks): void {
  const url = file['url'];
  if (typeof url !== 'string' || url === '') return;
  for (const key of ['related_id', 'tool_file_id', 'upload_file_id', 'id']) {
    const id = file[key];
    if (typeof id === 'string' && id !== '') links.set(id, url);
  }
}

function describeFile(file: JsonObject): JsonObject {
  const shown: Record<string, Json> = {};
  for (const key of ['filename', 'mime_type', 'size']) {
    const value = file[key];
    if (typeof value === 'string' || typeof value === 'number') shown[key] = value;
  }
  // The address of a remote file is the tool's own, neither signed by Dify nor reachable in another way.
  const remote = file['remote_url'];
  if (file['transfer_method'] === 'remote_url' && typeof remote === 'string') shown['url'] = remote;
  return shown;
}

/** One string for all values that are equal as JSON, whatever the order of their keys. */
export function canonical(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (!isJsonObject(value)) return `[${value.map(canonical).join(',')}]`;
  const parts: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const item = value[key];
    if (item !== undefined) parts.push(`${JSON.stringify(key)}:${canonical(item)}`);
  }
  return `{${parts.join(',')}}`;
}

/** The entries of an object, each as one string that is equal exactly when name and value are. */
export function entryKeys(value: JsonObject): string[] {
  return Object.entries(value).flatMap(([name, item]) => (item === undefined ? [] : [entryKey(name, item)]));
}

/** A name and its value as one string; see `entryKeys`. */
export function entryKey(name: string, value: Json): string {
  return `${JSON.stringify(name)}:${canonical(value)}`;
}
