import { isAbsolute } from 'node:path';
import { isJsonObject } from '../model/json.ts';
import { extensionOfType } from '../model/media-types.ts';
import type { FileSource } from '../model/registry.ts';
import { fromJsonText, toArray } from './coercion.ts';

const DATA_URL = /^data:([^,;]*)(?:;[^,;]*)*;base64,/i;
/** The head of a value: only there is looked for a prefix of what may be many megabytes. */
const HEAD = 256;

/** A list of files: one file alone counts as a list of one, as it does in Dify. */
export function toFileList(value: unknown, sources: readonly FileSource[]): unknown {
  const list = toArray(value);
  const alone = typeof list === 'string' ? (fromText(list, sources) ?? fromJsonText(list, '{')) : list;
  return isJsonObject(alone) ? [alone] : list;
}

/**
 * A file as an object with one source: an address alone is one, members without a value are none, and an address
 * under the wrong name goes under the right one. Base64 is brought into its plain form.
 */
export function toFile(value: unknown, sources: readonly FileSource[]): unknown {
  const source = typeof value === 'string' ? (fromText(value, sources) ?? fromJsonText(value, '{')) : value;
  if (!isJsonObject(source)) return value;
  const file = withoutEmpty(source);
  for (const name of ['url', 'resource'] as const) {
    const text = file[name];
    const right = typeof text === 'string' ? fromText(text, sources) : undefined;
    const [place] = Object.keys(right ?? {});
    if (place === undefined || place === name || file[place] !== undefined) continue;
    delete file[name];
    Object.assign(file, right);
  }
  return typeof file['data'] === 'string' ? withPlainData(file, file['data']) : file;
}

/** True for Base64 in its plain form. */
export function isBase64(data: string): boolean {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  // Looking for one wrong character takes no stack, however long the text is.
  return data.length % 4 === 0 && padding < 3 && !/[^A-Za-z0-9+/]/.test(data.slice(0, data.length - padding));
}

/** A text alone as a file. */
function fromText(text: string, sources: readonly FileSource[]): Record<string, unknown> | undefined {
  const head = text.slice(0, HEAD).trimStart();
  if (DATA_URL.test(head)) return { data: text.trim() };
  if (/^https?:\/\//i.test(head)) return { url: text.trim() };
  if (/^dify-file:/i.test(head)) return { resource: text.trim() };
  return sources.includes('path') && isAbsolute(text) ? { path: text } : undefined;
}

/** Models send null or an empty text for what they leave out. Empty data with a name is an empty file. */
function withoutEmpty(source: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const file = Object.fromEntries(
    Object.entries(source).filter(([name, value]) => value !== null && (value !== '' || name === 'data')),
  );
  const others = ['url', 'resource', 'path'].some((name) => file[name] !== undefined);
  if (file['data'] === '' && (others || file['filename'] === undefined)) delete file['data'];
  return file;
}

/** Base64 without data: prefix, line breaks, URL alphabet or missing padding; the prefix says the type. */
function withPlainData(file: Record<string, unknown>, given: string): Record<string, unknown> {
  const prefix = DATA_URL.exec(given.slice(0, HEAD));
  const type = prefix?.[1] === '' ? undefined : prefix?.[1];
  const data = given
    .slice(prefix?.[0].length ?? 0)
    .replace(/\s+/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  const padded =
    data.length % 4 === 0 || data.endsWith('=')
      ? data
      : data.padEnd(data.length + 4 - (data.length % 4), '=');
  return {
    ...(type !== undefined && { mime_type: type, filename: `file${extensionOfType(type) ?? ''}` }),
    ...file,
    data: padded,
  };
}
