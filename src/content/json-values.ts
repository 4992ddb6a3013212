import { canonicalJson } from '../model/exact-json.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';

/** Deeper values are omitted, so that no recursion here, in the SDK or in a client overflows the stack. */
const MAX_DEPTH = 200;
const TOO_DEEP = '[omitted: nested too deeply]';

/** Marks a serialised file in the outputs of a Dify tool. */
export const FILE_MARKER = '__dify__file__';

/** Links to files by their IDs, as found in the outputs of a tool. They are signed and valid for 300 s. */
export type FileLinks = Map<string, string>;

/**
 * Returns the value for display, its texts without steering characters. Dify's file objects, which contain signed links and internal IDs, become
 * `{ filename, mime_type, size }`, and their links are added to `links` under each of their IDs. Returns the same
 * object if nothing changes.
 */
export function toShownValue(value: Json, links: FileLinks, depth = 0): Json {
  if (typeof value === 'string') return withoutSteering(value);
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
    const name = withoutSteering(key);
    changed ||= shown !== item || name !== key;
    entries.push([name, shown]);
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
    if (typeof value === 'string') shown[key] = withoutSteering(value);
    else if (typeof value === 'number') shown[key] = value;
  }
  // The address of a remote file comes from the tool. Dify has not signed it, and the file has no other address.
  const remote = file['remote_url'];
  if (file['transfer_method'] === 'remote_url' && typeof remote === 'string') shown['url'] = remote;
  return shown;
}

/** Returns a value of structured content: JavaScript clients would change integers beyond 2^53, so they become strings. */
export function bigintsAsText<T extends Json>(value: T): T;
export function bigintsAsText(value: Json): Json {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
  if (!isJsonObject(value)) return value.map((item) => bigintsAsText(item));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, item === undefined ? item : bigintsAsText(item)]),
  );
}

/** Returns each entry of an object as a string that is equal if and only if name and value are. */
export function entryKeys(value: JsonObject): string[] {
  return Object.entries(value).flatMap(([name, item]) => (item === undefined ? [] : [entryKey(name, item)]));
}

/** Returns a name and its value as one string; see `entryKeys`. */
export function entryKey(name: string, value: Json): string {
  return `${JSON.stringify(name)}:${canonicalJson(value)}`;
}
