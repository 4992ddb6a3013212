import { createHash } from 'node:crypto';
import anyAscii from 'any-ascii';
import { withoutInvisible } from '../model/invisible-characters.ts';

/** Digits of the hash that a shortened name carries. */
const CUT_DIGITS = 4;

/** A word of a name in any of the usual spellings, with the separator before it. */
const WORD = /[_.-]?(?:[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+)/g;

/** Words that tell little. */
const FILLER = /^[_.-]?(?:a|an|and|for|of|or|the)$/i;

/** Letters that a shortened word keeps as long as there are other words that can go. */
const LEAST_LETTERS = 3;

/** Letters of the longest word that is taken for one. */
const LONGEST_WORD = 15;

/**
 * Returns a text in the characters that clients and model providers accept in names: other alphabets transliterated, each run of
 * other characters one underscore. Empty if nothing is left.
 */
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

/** Returns a name of at most `length` characters, which ends in a hash of `key` if its words had to be shortened. */
export function shortenName(name: string, length: number, key: string): string {
  if (name.length <= length) return name;
  return withHash(shortenWords(name, length - CUT_DIGITS - 1), key, CUT_DIGITS, length);
}

/**
 * Returns a name in at most `length` characters: articles and the like go, and its longest words are shortened until it
 * fits, so that tools that differ by one word still do. If that is not enough, words in the middle go. In little room only
 * the beginning stays.
 */
function shortenWords(name: string, length: number): string {
  const all = (name.match(WORD) ?? []).filter((word) => !FILLER.test(word));
  const first = withoutSeparator(name.slice(name.indexOf(all[0] ?? '')));
  if (length < LONGEST_WORD) return first.slice(0, length);
  if (all.length < 2) return cutWord(first, length);
  const words = all.length > length ? [...all.slice(0, length / 2), ...all.slice(-length / 2)] : all;
  const sizeAt = (most: number): number =>
    words.reduce((sum, word) => sum + Math.min(word.length, most + separators(word)), 0);
  while (sizeAt(LEAST_LETTERS) > length && words.length > 1) words.splice(words.length >> 1, 1);
  let most = length;
  while (sizeAt(most) > length) most -= 1;
  let spare = length - sizeAt(most);
  const shortened = words.map((word) => {
    const size = most + separators(word);
    return cutWord(word, word.length > size && spare-- > 0 ? size + 1 : size);
  });
  return withoutSeparator(shortened.join(''));
}

function withoutSeparator(name: string): string {
  return name.replace(/^[_.-]+/, '');
}

function separators(word: string): number {
  return /^[_.-]/.test(word) ? 1 : 0;
}

/** Returns the beginning of a word; of one so long that it is several, beginning and end. */
function cutWord(word: string, size: number): string {
  if (word.length <= Math.max(size, LONGEST_WORD)) return word.slice(0, size);
  const tail = size >> 1;
  return word.slice(0, size - tail) + word.slice(word.length - tail);
}

/** Returns the name with a hash of `key` at its end, together at most `length` characters. */
export function withHash(name: string, key: string, digits: number, length: number): string {
  const head = name.slice(0, Math.max(1, length - digits - 1)).replace(/[_.-]+$/, '');
  return `${head}_${hashOf(key, digits)}`;
}

export function hashOf(key: string, digits: number = CUT_DIGITS): string {
  return createHash('sha256').update(key).digest('hex').slice(0, digits);
}
