import { createHash, type Hash } from 'node:crypto';
import { withoutSteering } from '../model/invisible-characters.ts';
import { isJsonObject, type Json, type JsonObject, textOf } from '../model/json.ts';
import { FILE_MARKER } from '../model/message.ts';
import { writeJson } from '../model/well-formed.ts';
import type { EmbeddedFiles } from './embedded-files.ts';
import { fileName } from './file-name.ts';

/** Deeper values are omitted, so that no recursion here, in the SDK or in a client overflows the stack. */
const MAX_DEPTH = 200;
/** Longer JSON is represented by its digest, in characters. */
const MAX_CANONICAL = 4096;
const TOO_DEEP = '[omitted: nested too deeply]';

/** Where a file object has its ID, in the order in which they count. */
const ID_KEYS = ['related_id', 'tool_file_id', 'upload_file_id', 'id'];

/**
 * Returns the value for display, without steering characters. Dify's file objects, which contain signed links and
 * internal IDs, become `{ filename, mime_type, size }`, and their links are added to `files` under each of their IDs.
 * Strings that are or contain files are replaced as `files` says. Returns the same object if nothing changes.
 */
export function toShownValue(value: Json, files: EmbeddedFiles, depth = 0): Json {
  if (typeof value === 'string') return withoutSteering(files.shown(value));
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return TOO_DEEP;
  if (!isJsonObject(value)) return mapArray(value, files, depth);
  if (value['dify_model_identity'] === FILE_MARKER) {
    rememberLink(value, files.links);
    return describeFile(value, files);
  }
  // Copies only what changes, because a copy of a large value would take as much memory again.
  let changed: Map<string, readonly [string, Json]> | undefined;
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item === undefined) continue;
    const shown = toShownValue(item, files, depth + 1);
    const name = withoutSteering(key);
    if (shown === item && name === key) continue;
    changed ??= new Map();
    changed.set(key, [name, shown]);
  }
  return changed === undefined ? value : withEntries(value, changed);
}

function withEntries(value: JsonObject, changed: ReadonlyMap<string, readonly [string, Json]>): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => changed.get(key) ?? [key, item]));
}

function mapArray(value: readonly Json[], files: EmbeddedFiles, depth: number): Json {
  let changed: Json[] | undefined;
  for (const [index, item] of value.entries()) {
    const shown = toShownValue(item, files, depth + 1);
    if (shown === item) continue;
    changed ??= [...value];
    changed[index] = shown;
  }
  return changed ?? value;
}

/** Returns the name that the file has in the result. */
function nameOf(file: JsonObject, filename: string, files: EmbeddedFiles): string {
  const id = ID_KEYS.map((key) => textOf(file[key])).find((each) => each !== undefined);
  return fileName(files.named({ id, filename, mimeType: textOf(file['mime_type']) }));
}

function rememberLink(file: JsonObject, links: Map<string, string>): void {
  const url = file['url'];
  if (typeof url !== 'string' || url === '') return;
  for (const key of ID_KEYS) {
    const id = file[key];
    if (typeof id === 'string' && id !== '') links.set(id, url);
  }
}

function describeFile(file: JsonObject, files: EmbeddedFiles): JsonObject {
  const shown: Record<string, Json> = {};
  for (const key of ['filename', 'mime_type', 'size']) {
    const value = file[key];
    if (key === 'filename' && typeof value === 'string')
      shown[key] = withoutSteering(nameOf(file, value, files));
    else if (typeof value === 'string') shown[key] = withoutSteering(value);
    else if (typeof value === 'number') shown[key] = value;
  }
  // The address of a remote file comes from the tool. Dify has not signed it, and the file has no other address.
  const remote = file['remote_url'];
  if (file['transfer_method'] === 'remote_url' && typeof remote === 'string') shown['url'] = remote;
  return shown;
}

/**
 * Returns the same string for all values that are equal as JSON, regardless of the order of their keys: the JSON itself,
 * or its digest if it is long, so that a large value is never in memory a second time.
 */
export function canonical(value: Json): string {
  let text = '';
  let hash: Hash | undefined;
  writeCanonical(value, (part) => {
    text += part;
    if (text.length < MAX_CANONICAL) return;
    hash ??= createHash('sha256');
    hash.update(text);
    text = '';
  });
  return hash === undefined ? text : hash.update(text).digest('base64');
}

function writeCanonical(value: Json, write: (part: string) => void): void {
  if (typeof value !== 'object' || value === null) return write(writeJson(value));
  let separator = '';
  if (!isJsonObject(value)) {
    write('[');
    for (const item of value) {
      write(separator);
      writeCanonical(item, write);
      separator = ',';
    }
    return write(']');
  }
  write('{');
  for (const key of Object.keys(value).sort()) {
    const item = value[key];
    if (item === undefined) continue;
    write(`${separator}${JSON.stringify(key)}:`);
    writeCanonical(item, write);
    separator = ',';
  }
  return write('}');
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
  return `${JSON.stringify(name)}:${canonical(value)}`;
}
