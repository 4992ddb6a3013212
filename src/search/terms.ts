/** Runs of letters and digits, in any script. */
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** A word that needs no normalisation. */
const PLAIN = /^[a-z0-9]+$/;
/** Runs of scripts without spaces between words, including the Japanese marks of repetition and length. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc\u3005]+/gu;
/** Scripts in which a pair of characters has a meaning. */
const CJK = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u30fc\u3005]+$/u;
/** One character that is a word or half of one. */
const ONE_HAN = /^\p{Script=Han}$/u;
/** The boundaries inside a word of mixed case: `get|Pet`, `HTTP|Server`. */
const CASE_CHANGE = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
/** Accents of Latin, Greek and Cyrillic. In other scripts, a mark makes a different letter. */
const ACCENTS = /[\u0300-\u036f]/g;

/**
 * The limits for reading a query, in UTF-16 units and terms, which a set of 32 bits holds. A longer query is most likely
 * a mistake.
 */
export const MAX_QUERY = 1000;
export const MAX_QUERY_TERMS = 24;
/** The longest run to split by the dictionary, which takes quadratic time. */
const MAX_STRETCH = 1000;
/** The longest word to correct, in UTF-16 units. */
const MAX_MISSPELT = 32;

/** A cache: created for the first text that needs it, because it takes 2 MB of memory. */
let segmenter: Intl.Segmenter | undefined;

/** Words that say nothing about the subject of a search. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a an and any are as at be by can could do does for from give how i in into is it its me my of on or ' +
    'please some that the them there this to tool use using want we what which with would you your ' +
    'about am been being but did each every everything had has have he her here him his if just let like may ' +
    'might need needs now our out re really right she should so than their then these they those ' +
    'today tomorrow up us was were when where who whom whose why will ' +
    'ab aber als am an auf aus bei beim bitte bin bis da damit dann das dass dein deine dem den der des dich die ' +
    'dies diese diesem diesen dieser dieses dir doch du durch ein eine einem einen einer eines er es etwas fur ' +
    'gib gibt haben hat ich ihm ihn ihr ihre im ins ist jetzt kann kannst konntest man mal mein meine meinem ' +
    'meinen meiner mich mir mit mochte muss nach nicht noch nur ob oder ohne sein sich sie sind soll sollen uber ' +
    'um und uns unser unsere unserem unseren unter vom von vor war warum was wenn wer werden wie wieviel will wir ' +
    'wird wo zu zum zur ' +
    '的 了 和 与 在 是 我 请 帮 把 要 想 用 个 一个 工具 使用 ' +
    '这 那 这个 那个 这些 一 一下 一张 一份 一封 张 份 封 给 让 被 对 从 到 为 于 及 或 也 都 就 还 吗 呢 吧 啊 你 他 她 它 我们 ' +
    '我的 你们 他们 大家 有 没有 能 可以 帮我 需要 关于 怎么 怎么样 怎样 如何 什么 多少 里 中 上 下 说 ' +
    'を に は が で と も の へ や か する したい ください ツール ' +
    'この その あの これ それ あれ ここ から まで より て た たい です ます ました ましょう し して れ られ ある いる い な よう ない ' +
    'こと もの ため どこ どう 何 私 ほしい 欲しい お願い'
  ).split(' '),
);

/**
 * Returns the terms by which a text is found: words in lower case, without accents, with English plurals as singulars.
 * Names such as `getPetById` and `google_search` give each of their words, and the whole if only case separates them.
 * Text without spaces is split into words. Chinese, Japanese and Korean are also split into pairs of characters,
 * because dictionaries differ on where a word ends.
 */
export function indexTerms(text: string): string[] {
  return terms(text, (stretch, words) => Array.from(new Set(words.concat(pairs(stretch)))));
}

/**
 * Returns the distinct terms of the first 1,000 characters of a query, at most 24. A pair of characters counts only if
 * it is inside a word, or if the two form a word that the dictionary lacks. Omits stop words, unless there are no
 * others.
 */
export function queryTerms(query: string): string[] {
  const distinct = [
    ...new Set(
      terms(query.slice(0, MAX_QUERY).replaceAll('%', ' percent '), (_, words) => words.flatMap(wordTerms)),
    ),
  ];
  const telling = distinct.filter((term) => !isStopWord(term));
  return (telling.length === 0 ? distinct : telling).slice(0, MAX_QUERY_TERMS);
}

/** Returns whether a term is a stop word. */
export function isStopWord(term: string): boolean {
  return STOP_WORDS.has(term);
}

/** Returns whether a term is long enough to correct. Chinese words are too short. */
export function mayBeMisspelt(term: string): boolean {
  return term.length >= 4 && term.length <= MAX_MISSPELT && !CJK.test(term) && !/^\p{N}+$/u.test(term);
}

/** Returns whether a term may begin longer words: from three letters on, or with one Chinese character. */
export function mayBePrefix(term: string): boolean {
  return term.length >= 3 || CJK.test(term);
}

/** Returns a term with each pair of neighbouring letters swapped, the most common typing error. */
export function swaps(term: string): string[] {
  const letters = Array.from(term);
  return letters.slice(1).map((letter, index) => {
    return [...letters.slice(0, index), letter, letters[index], ...letters.slice(index + 2)].join('');
  });
}

/** Returns the terms of a run without spaces, given the run and the words in it. */
type Unspaced = (stretch: string, words: readonly string[]) => readonly string[];

const NONE: readonly string[] = [];

/**
 * Returns the terms of a text. This function and those that it calls create arrays by methods and not as literals: V8
 * would move the many literals of a first large index to the old generation, and keep all words of all texts with them.
 */
function terms(text: string, unspaced: Unspaced): string[] {
  const words: readonly string[] = text.normalize('NFKC').match(WORD) ?? NONE;
  // Most words are plain. The steps that the others need would take ten times as long.
  return words.flatMap((word) => (PLAIN.test(word) ? singular(word) : partTerms(word, unspaced)));
}

/** Returns the terms of a word with several scripts or cases, or with accents. */
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

/** Returns a word with its pairs. Consecutive single characters are a word that the dictionary lacks. */
function wordTerms(word: string, index: number, words: readonly string[]): string[] {
  if (!ONE_HAN.test(word)) return [word, ...longPairs(word)];
  const after = words[index + 1] ?? '';
  if (joins(word) && joins(after)) return [word + after];
  return joins(word) && joins(words[index - 1] ?? '') ? [] : [word];
}

/** Returns whether a word is one character that may be half of a word. */
function joins(word: string): boolean {
  return ONE_HAN.test(word) && !isStopWord(word);
}

/** Returns the pairs in a word of more than two characters. */
function longPairs(word: string): readonly string[] {
  return word.length > 2 ? pairs(word) : NONE;
}

/** Returns whether a term is in a script in which a pair of characters has a meaning. */
export function isCjk(term: string): boolean {
  return CJK.test(term);
}

/** Returns the pairs of neighbouring characters of a term in such a script. */
export function pairs(text: string): readonly string[] {
  if (!CJK.test(text)) return NONE;
  const characters = Array.from(text);
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

/** Returns a word in lower case, without accents and in the singular. */
export function folded(word: string): string {
  return singular(word.toLowerCase().normalize('NFD').replace(ACCENTS, '').normalize('NFC'));
}

function singular(word: string): string {
  if (word.length < 4 || !word.endsWith('s') || /[sui]s$|^news$/.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return /(?:ss|x|ch|sh)es$/.test(word) ? word.slice(0, -2) : word.slice(0, -1);
}
