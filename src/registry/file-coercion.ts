import { isAbsolute } from 'node:path';
import { isJsonObject } from '../model/json.ts';
import { extensionOfType } from '../model/media-types.ts';
import type { FileSource } from '../model/registry.ts';
import { fromJsonText, toArray } from './coercion.ts';

const DATA_URL = /^data:([^,;]*)(?:;[^,;]*)*;base64,/i;
/** The number of characters in which to look for a prefix: a value may have many megabytes. */
const HEAD = 256;

/** Returns a list of files. A single file counts as a list of one, as in Dify. */
export function toFileList(value: unknown, sources: readonly FileSource[]): unknown {
  const list = toArray(value);
  const alone = typeof list === 'string' ? (fromText(list, sources) ?? fromJsonText(list, '{')) : list;
  return isJsonObject(alone) ? [alone] : list;
}

/** Returns a file as an object with one source: bare addresses, misplaced ones, empty members and Base64 are mended. */
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

/** Returns whether a text is normalised Base64. */
export function isBase64(data: string): boolean {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  // Searching for one wrong character uses no stack, regardless of the length of the text.
  return data.length % 4 === 0 && padding < 3 && !/[^A-Za-z0-9+/]/.test(data.slice(0, data.length - padding));
}

function fromText(text: string, sources: readonly FileSource[]): Record<string, unknown> | undefined {
  const head = text.slice(0, HEAD).trimStart();
  if (DATA_URL.test(head)) return { data: text.trim() };
  if (/^https?:\/\//i.test(head)) return { url: text.trim() };
  if (/^dify-file:/i.test(head)) return { resource: text.trim() };
  return sources.includes('path') && isAbsolute(text) ? { path: text } : undefined;
}

/** Drops members without a value: models send null or an empty text for these. Empty data with a name is a file. */
function withoutEmpty(source: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const file = Object.fromEntries(
    Object.entries(source).filter(([name, value]) => value !== null && (value !== '' || name === 'data')),
  );
  const others = ['url', 'resource', 'path'].some((name) => file[name] !== undefined);
  if (file['data'] === '' && (others || file['filename'] === undefined)) delete file['data'];
  return file;
}

/** Returns Base64 without `data:` prefix, line breaks and URL alphabet, and with padding. The prefix gives the type. */
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
