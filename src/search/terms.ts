/** Letters and digits that belong together, in any script. */
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** A word that is in its simplest form already. */
const PLAIN = /^[a-z0-9]+$/;
/** Stretches of scripts that put no space between words, with the two signs of Japanese that repeat or lengthen. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc\u3005]+/gu;
/** Scripts in which two characters together have a meaning. */
const CJK = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u30fc\u3005]+$/u;
/** One character that is a word, or half of one. */
const ONE_HAN = /^\p{Script=Han}$/u;
/** Where a word of mixed case begins again: `get|Pet`, `HTTP|Server`. */
const CASE_CHANGE = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
/** Accents of Latin, Greek and Cyrillic; the marks of other scripts make another letter. */
const ACCENTS = /[\u0300-\u036f]/g;

/** A query is a few words: of what is sent by mistake, so many UTF-16 units and terms are read. */
const MAX_QUERY = 1000;
const MAX_QUERY_TERMS = 24;
/** The longest stretch that is cut into words by the dictionary, whose time grows with the square of the length. */
const MAX_STRETCH = 1000;
/** The longest word that is corrected for typing errors, in UTF-16 units. */
const MAX_MISSPELT = 32;

/** Made with the first text that needs it, since it takes 2 MB of memory. */
let segmenter: Intl.Segmenter | undefined;

/** Words that tell nothing of what is looked for. */
const EMPTY_WORDS: ReadonlySet<string> = new Set(
  (
    'a an and any are as at be by can could do does for from give how i in into is it its me my of on or ' +
    'please some that the them there this to tool use using want we what which with would you your ' +
    '的 了 和 与 在 是 我 请 帮 把 要 想 用 个 一个 工具 使用 ' +
    'を に は が で と も の へ や か する したい ください ツール'
  ).split(' '),
);

/**
 * The terms under which a text is found: words in lower case and without accents, English plurals as singulars.
 * Names such as `getPetById` and `google_search` give each of their words and, where case alone parts them, the
 * whole. Text without spaces is cut into words; Chinese, Japanese and Korean into pairs of characters as well,
 * because dictionaries differ on where a word ends.
 */
export function indexTerms(text: string): string[] {
  return terms(text, (stretch, words) => Array.from(new Set(words.concat(pairs(stretch)))));
}

/**
 * The distinct terms of the first 1,000 characters of a query, at most 24. A pair of characters counts only if it lies inside
 * a word, or if the two make up a word that the dictionary lacks.
 * Without words that tell nothing, unless there are no others.
 */
export function queryTerms(query: string): string[] {
  const distinct = [...new Set(terms(query.slice(0, MAX_QUERY), (_, words) => words.flatMap(wordTerms)))];
  const telling = distinct.filter((term) => !tellsNothing(term));
  return (telling.length === 0 ? distinct : telling).slice(0, MAX_QUERY_TERMS);
}

/** True for a term that is in nearly every sentence and says nothing of its subject. */
export function tellsNothing(term: string): boolean {
  return EMPTY_WORDS.has(term);
}

/** True for a term of a length at which a slip can be recognised; characters of Chinese are too few. */
export function mayBeMisspelt(term: string): boolean {
  return term.length >= 4 && term.length <= MAX_MISSPELT && !CJK.test(term) && !/^\p{N}+$/u.test(term);
}

/** True for a term that may be the beginning of longer ones: three letters do, and one character of Chinese. */
export function mayBePrefix(term: string): boolean {
  return term.length >= 3 || CJK.test(term);
}

/** A term with two neighbouring letters the other way round, in every place: the commonest slip of typing. */
export function swaps(term: string): string[] {
  const letters = Array.from(term);
  return letters.slice(1).map((letter, index) => {
    return [...letters.slice(0, index), letter, letters[index], ...letters.slice(index + 2)].join('');
  });
}

/** Chooses the terms of a stretch without spaces from it and the words in it. */
type Unspaced = (stretch: string, words: readonly string[]) => readonly string[];

const NONE: readonly string[] = [];

/**
 * Terms of a text. Here and in what it calls, arrays are made by methods and not as literals: V8 takes the many literals
 * of a first large index for long-lived, puts them into the old generation, and all words of all texts stay with them.
 */
function terms(text: string, unspaced: Unspaced): string[] {
  const words: readonly string[] = text.normalize('NFKC').match(WORD) ?? NONE;
  // Most are plain, for which all that the others need would take ten times as long.
  return words.flatMap((word) => (PLAIN.test(word) ? singular(word) : partTerms(word, unspaced)));
}

/** Terms of a word of several scripts or cases, or with accents. */
function partTerms(word: string, unspaced: Unspaced): string[] {
  const stretches: readonly string[] = word.match(UNSPACED) ?? NONE;
  const found = stretches.flatMap((stretch) => unspaced(stretch, wordsIn(stretch)));
  return found.concat(word.replaceAll(UNSPACED, ' ').split(' ').flatMap(spacedTerms));
}

function wordsIn(stretch: string): string[] {
  // Its dictionaries of Chinese, Japanese, Thai, Lao, Khmer and Burmese do not depend on the locale.
  segmenter ??= new Intl.Segmenter('en', { granularity: 'word' });
  return Array.from(segmenter.segment(stretch.slice(0, MAX_STRETCH)), ({ segment }) => segment);
}

function spacedTerms(part: string): readonly string[] {
  if (part === '') return NONE;
  const parts = part.split(CASE_CHANGE);
  return Array.of(folded(part)).concat(parts.length > 1 ? parts.map(folded) : NONE, longPairs(part));
}

/** A word with its pairs; single characters side by side are a word that the dictionary lacks. */
function wordTerms(word: string, index: number, words: readonly string[]): string[] {
  if (!ONE_HAN.test(word)) return [word, ...longPairs(word)];
  const after = words[index + 1] ?? '';
  if (ONE_HAN.test(after)) return [word + after];
  return ONE_HAN.test(words[index - 1] ?? '') ? [] : [word];
}

/** The pairs in a word that is more than a pair itself. */
function longPairs(word: string): readonly string[] {
  return word.length > 2 ? pairs(word) : NONE;
}

function pairs(text: string): readonly string[] {
  if (!CJK.test(text)) return NONE;
  const characters = Array.from(text);
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

function folded(word: string): string {
  return singular(word.toLowerCase().normalize('NFD').replace(ACCENTS, '').normalize('NFC'));
}

function singular(word: string): string {
  if (word.length < 4 || !word.endsWith('s') || /[sui]s$/.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return /(?:ss|x|ch|sh)es$/.test(word) ? word.slice(0, -2) : word.slice(0, -1);
}
