import { parse } from 'lossless-json';
import { isJsonObject, type Json, type JsonNumber, type JsonObject } from './json.ts';
import { writeJson } from './well-formed.ts';

/** Finds a number with as many digits as 2^53. Other messages are read by JSON.parse, which is faster. */
const LONG_NUMBER = /(?:^|[[:,\s-])\d{16}/;
/** The most digits of an integer. Python, and with it Dify, cannot read more, and reading them takes quadratic time. */
const MAX_DIGITS = 4300;

/**
 * Returns the value of a JSON text without changing the digits of its numbers: an integer beyond 2^53 is a bigint. A
 * number of more than 16 digits that neither a double nor a bigint can hold is NaN.
 * @throws SyntaxError if the text is not JSON.
 */
export function parseJson(text: string): Json {
  return parseWith(text, Number.NaN);
}

/**
 * Like `parseJson`, for what Dify's Python writes. A number that cannot be held is its text, and `NaN`, `Infinity` and
 * `-Infinity`, which JSON does not have, are null.
 * @throws SyntaxError if the text is not JSON.
 */
export function parsePythonJson(text: string): Json {
  try {
    return parseWith(text, undefined);
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    return parseWith(withoutNonFinite(text), undefined);
  }
}

function parseWith(given: string, unheld: number | undefined): Json {
  const text = given.startsWith('\ufeff') ? given.slice(1) : given;
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as Json;
  const parseNumber = (digits: string): Json => readNumber(digits) ?? unheld ?? digits;
  try {
    return parse(text, null, { parseNumber, onDuplicateKey: ({ newValue }) => newValue }) as Json;
  } catch (error) {
    // The package overflows the stack at a depth that arguments may not have, and at which results are cut.
    if (error instanceof RangeError) return JSON.parse(text) as Json;
    throw error;
  }
}

/** Returns the JSON object that a text contains; undefined if it contains anything else. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    const value = parsePythonJson(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function hasBigint(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint';
  return Object.values(value).some((member) => member !== undefined && hasBigint(member));
}

/** Returns JSON with the keys of every object in code-unit order: equal for equal values. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isJsonObject(value)) return writeJson(value);
  const members = Object.keys(value)
    .sort()
    .flatMap((key) => {
      const member = value[key];
      return member === undefined ? [] : [`${JSON.stringify(key)}:${canonicalJson(member)}`];
    });
  return `{${members.join(',')}}`;
}

/** Returns the number that a text in decimal notation means; undefined if it cannot be held with all its digits. */
export function readNumber(text: string): JsonNumber | undefined {
  const number = Number(text);
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return number;
  if (/^[+-]?\d+$/.test(text)) return text.length > MAX_DIGITS ? undefined : BigInt(text.replace('+', ''));
  return digitsOf(text) === digitsOf(String(number)) ? number : undefined;
}

/** Returns the digits of a number, without its sign, its size and zeros at both ends. */
function digitsOf(text: string): string {
  const digits = text.replace(/e.*/i, '').replace(/[^\d]/g, '').replace(/^0+/, '');
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

function withoutNonFinite(text: string): string {
  const tokens = /"|NaN|-?Infinity/g;
  let written = '';
  let from = 0;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    if (token[0] === '"') {
      tokens.lastIndex = endOfString(text, tokens.lastIndex);
    } else {
      written += `${text.slice(from, token.index)}null`;
      from = tokens.lastIndex;
    }
  }
  return written + text.slice(from);
}

/** Returns the position after the quote that ends a string. */
function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
