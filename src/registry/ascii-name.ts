import { createHash } from 'node:crypto';
import anyAscii from 'any-ascii';
import { withoutInvisible } from '../model/invisible-characters.ts';

/** Digits of the hash that a name carries where a part of it was cut out. */
const CUT_DIGITS = 4;

/** Returns a text in the characters of names: transliterated, each run of others one underscore; may be empty. */
export function asciiName(text: string, allowed: 'tool' | 'parameter' = 'tool'): string {
  const others = allowed === 'tool' ? /[^A-Za-z0-9_-]+/g : /[^A-Za-z0-9_.-]+/g;
  if (text.search(others) === -1) return text;
  return anyAscii(withoutInvisible(text)).replace(others, ' ').trim().replaceAll(' ', '_');
}

/** Returns a name that begins with a letter, because Gemini and Python frameworks refuse others. */
export function startWithLetter(name: string, prefix: string): string {
  const stripped = name.replace(/^[^A-Za-z0-9]+/, '');
  return /^[A-Za-z]/.test(stripped) ? stripped : `${prefix}${stripped}`;
}

/** Returns a name of at most `length` characters: its head and its tail, with a hash of `key` where the middle was cut out. */
export function cutMiddle(name: string, length: number, key: string): string {
  if (name.length <= length) return name;
  const kept = Math.max(2, length - CUT_DIGITS - 2);
  const head = name.slice(0, Math.ceil(kept / 2)).replace(/[_.-]+$/, '');
  const tail = name.slice(name.length - Math.floor(kept / 2)).replace(/^[_.-]+/, '');
  return `${head}_${hashOf(key, CUT_DIGITS)}_${tail}`;
}

/** Returns a name of at most `length` characters that ends in a hash of `key` if it had to be cut. */
export function cutEnd(name: string, length: number, key: string): string {
  return name.length <= length ? name : withHash(name, key, CUT_DIGITS, length);
}

/** Returns the name with a hash of `key` at its end, together at most `length` characters. */
export function withHash(name: string, key: string, digits: number, length: number): string {
  const head = name.slice(0, Math.max(1, length - digits - 1)).replace(/[_.-]+$/, '');
  return `${head}_${hashOf(key, digits)}`;
}

export function hashOf(key: string, digits: number = CUT_DIGITS): string {
  return createHash('sha256').update(key).digest('hex').slice(0, digits);
}
