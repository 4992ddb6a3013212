import { CONCEPTS } from './concepts.ts';
import { folded, isCjk, MAX_QUERY, MAX_QUERY_TERMS, queryTerms, isStopWord } from './terms.ts';

/** Meanings by word, by the beginning of a word and by its end. */
type Meanings<T> = Record<'whole' | 'head' | 'tail', Map<string, readonly T[]>>;

/** What the words of `CONCEPTS` mean. */
interface Dictionary {
  readonly concepts: Meanings<string>;
  readonly actions: Meanings<number>;
  /** The names of the actions, each at its number. */
  readonly names: readonly string[];
  /** The most characters of a beginning or an end. */
  readonly longest: number;
  /** Matches Chinese and Japanese words so long that they are hardly there by chance, the longest first. */
  readonly longWords: RegExp;
}

/** Made for the first search, because it takes a megabyte and most processes never search. */
let made: Dictionary | undefined;

function dictionary(): Dictionary {
  made ??= readConcepts();
  return made;
}

function readConcepts(): Dictionary {
  const concepts: Meanings<string> = { whole: new Map(), head: new Map(), tail: new Map() };
  const actions: Meanings<number> = { whole: new Map(), head: new Map(), tail: new Map() };
  const names: string[] = [];
  const numberOf = (name: string): number =>
    names.includes(name) ? names.indexOf(name) : names.push(name) - 1;
  for (const line of CONCEPTS.trim().split('\n')) {
    const [name = '', words = ''] = line.split(': ');
    for (const word of words.split(' ')) {
      if (name.startsWith('~')) note(actions, word, numberOf(name.slice(1)));
      // No word of a text begins so.
      else note(concepts, word, `#${name}`);
    }
  }
  const parts = [concepts, actions].flatMap(({ head, tail }) => [...head.keys(), ...tail.keys()]);
  const words = new Set([concepts, actions].flatMap(({ whole }) => [...whole.keys()]));
  const long = [...words].filter((word) => isCjk(word) && word.length > 2);
  return {
    concepts,
    actions,
    names,
    longest: Math.max(...parts.map(({ length }) => length)),
    longWords: new RegExp(long.sort((a, b) => b.length - a.length).join('|'), 'gu'),
  };
}

const NONE: readonly never[] = [];

function note<T>({ whole, head, tail }: Meanings<T>, word: string, meaning: T): void {
  const add = (map: Map<string, readonly T[]>, key: string): unknown =>
    map.set(key, [...(map.get(key) ?? []), meaning]);
  if (word.endsWith('-')) add(head, word.slice(0, -1));
  else if (word.startsWith('-')) add(tail, word.slice(1));
  else {
    add(whole, folded(word));
    // Dictionaries differ on where a Chinese or Japanese word ends, so each may begin or end a longer one.
    if (isCjk(word) && word.length > 1) for (const map of [head, tail]) add(map, word);
  }
}

/** Returns at most 24 terms of a query. A dictionary may split words with a meaning here, so those are found first. */
export function queryWords(query: string): string[] {
  const text = query.slice(0, MAX_QUERY);
  const { longWords } = dictionary();
  const known: readonly string[] = text.match(longWords) ?? [];
  if (known.length === 0) return queryTerms(text);
  const others = queryTerms(text.replace(longWords, ' ')).filter((term) => !isStopWord(term));
  return Array.from(new Set(known.concat(others))).slice(0, MAX_QUERY_TERMS);
}

/** Returns the concepts of a term, as terms of the index: those of the whole word, or of its beginning and its end. */
export function conceptsOf(term: string): readonly string[] {
  return meaningsOf(dictionary().concepts, term);
}

/** Returns the concepts of two words together; undefined if they mean no more than each by itself. */
export function phraseConcepts(first: string, second = ''): readonly string[] | undefined {
  return dictionary().concepts.whole.get(`${first}_${second}`);
}

/** Returns the actions of terms as a set of bits. */
export function actionsOf(terms: readonly string[]): number {
  const { actions } = dictionary();
  return terms.reduce(
    (bits, term) => meaningsOf(actions, term).reduce((all, action) => all | (1 << action), bits),
    0,
  );
}

/** Returns the English verbs of the actions of a term. */
export function verbsOf(term: string): readonly string[] {
  const { actions, names } = dictionary();
  return meaningsOf(actions, term).flatMap((action) => names[action] ?? []);
}

export function isConcept(term: string): boolean {
  return term.startsWith('#');
}

function meaningsOf<T>({ whole, head, tail }: Meanings<T>, term: string): readonly T[] {
  const known = whole.get(term);
  if (known !== undefined) return known;
  let begins: readonly T[] = NONE;
  let ends: readonly T[] = NONE;
  for (let length = Math.min(term.length, dictionary().longest); length > 0; length -= 1) {
    if (begins === NONE) begins = head.get(term.slice(0, length)) ?? NONE;
    if (ends === NONE) ends = tail.get(term.slice(-length)) ?? NONE;
  }
  return ends === NONE ? begins : Array.from(new Set(begins.concat(ends)));
}
