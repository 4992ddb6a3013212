import { isJsonObject } from '../model/json.ts';
import type { Property } from './shape.ts';

// Models often send "5" for 5 or a JSON text for an object. What is meant without doubt is taken as meant;
// everything else is left as it came, for the schema to refuse.

const NUMBER_TEXT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const TRUE_TEXTS = new Set(['true', 'yes', '1']);
const FALSE_TEXTS = new Set(['false', 'no', '0']);
const DATA_URL = /^data:([^,;]*)(?:;[^,;]*)*;base64,/i;

/** A numeric text as a number. */
export function toNumber(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  return NUMBER_TEXT.test(text) ? Number(text) : value;
}

/** `true false yes no 1 0`, as text or number, as a boolean. */
export function toBoolean(value: unknown): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const text = String(value).trim().toLowerCase();
  if (TRUE_TEXTS.has(text)) return true;
  return FALSE_TEXTS.has(text) ? false : value;
}

/** A number or boolean as text. */
export function toText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

/** The JSON text of an array as the array. */
export function toArray(value: unknown): unknown {
  const parsed = fromJsonText(value, '[');
  return Array.isArray(parsed) ? parsed : value;
}

/** A list of files: one file alone counts as a list of one, as it does in Dify. */
export function toFileList(value: unknown): unknown {
  const list = toArray(value);
  return isJsonObject(list) ? [list] : list;
}

/** The JSON text of an object as the object, without the nulls that stand for an absent value. */
export function toObject(value: unknown, properties: readonly Property[]): unknown {
  const source = fromJsonText(value, '{');
  if (!isJsonObject(source)) return value;
  // Without a prototype, an absent property named `constructor` really is absent.
  const copy = Object.assign(Object.create(null) as Record<string, unknown>, source);
  for (const { name, required, nullable } of properties) {
    if (copy[name] === null && !required && nullable !== true) delete copy[name];
  }
  return copy;
}

/** A file with its Base64 in the plain form: without data: prefix, line breaks, URL alphabet or missing padding. */
export function toFile(value: unknown): unknown {
  const source = fromJsonText(value, '{');
  if (!isJsonObject(source)) return value;
  const file: Record<string, unknown> = { ...source };
  if (file['mime_type'] === null || file['mime_type'] === '') delete file['mime_type'];
  if (typeof file['data'] !== 'string') return file;
  // The prefix of a data: URL is short; only the head of what may be many megabytes is searched for it.
  const prefix = DATA_URL.exec(file['data'].slice(0, 256));
  if (prefix !== null && prefix[1] !== '') file['mime_type'] ??= prefix[1];
  const data = file['data']
    .slice(prefix?.[0].length ?? 0)
    .replace(/\s+/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  file['data'] =
    data.length % 4 === 0 || data.endsWith('=')
      ? data
      : data.padEnd(data.length + 4 - (data.length % 4), '=');
  return file;
}

/** True for Base64 in its plain form. */
export function isBase64(data: string): boolean {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  // Looking for one wrong character takes no stack, however long the text is.
  return data.length % 4 === 0 && padding < 3 && !/[^A-Za-z0-9+/]/.test(data.slice(0, data.length - padding));
}

function fromJsonText(value: unknown, opening: '{' | '['): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith(opening)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}
