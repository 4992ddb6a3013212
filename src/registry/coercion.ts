import { parseJson, readNumber } from '../model/exact-json.ts';
import { isJsonObject } from '../model/json.ts';

// Models often send "5" for 5, or a JSON text for an object. Values with one obvious meaning are converted. All others
// stay as they are, and the check refuses them.

const NUMBER_TEXT = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const TRUE_TEXTS = new Set(['true', 'yes', '1']);
const FALSE_TEXTS = new Set(['false', 'no', '0']);

/** Converts a numeric text to a number. Leaves a text whose digits no number can hold. */
export function toNumber(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  return NUMBER_TEXT.test(text) ? (readNumber(text) ?? value) : value;
}

/** Returns true for the text of a number with more digits than a number can hold. */
export function isTooPrecise(value: unknown): boolean {
  if (typeof value !== 'string' || !NUMBER_TEXT.test(value.trim())) return false;
  return Number.isFinite(Number(value)) && readNumber(value.trim()) === undefined;
}

/** Converts `true false yes no 1 0`, as text or number, to a boolean. */
export function toBoolean(value: unknown): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const text = String(value).trim().toLowerCase();
  if (TRUE_TEXTS.has(text)) return true;
  return FALSE_TEXTS.has(text) ? false : value;
}

/** Converts a number or boolean to text. */
export function toText(value: unknown): unknown {
  return ['number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : value;
}

/** Converts the JSON text of an array to the array. */
export function toArray(value: unknown): unknown {
  const parsed = fromJsonText(value, '[');
  return Array.isArray(parsed) ? parsed : value;
}

/** Converts the JSON text of an object to the object. */
export function toObject(value: unknown): unknown {
  const parsed = fromJsonText(value, '{');
  return isJsonObject(parsed) ? parsed : value;
}

/** Returns the value of a JSON text that begins with `opening`; any other value unchanged. */
export function fromJsonText(value: unknown, opening: '{' | '['): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith(opening)) return value;
  try {
    return parseJson(value);
  } catch {
    return value;
  }
}
