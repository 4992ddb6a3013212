import { actionsOf, conceptsOf, phraseConcepts, queryWords, verbsOf } from './synonyms.ts';
import { mayBeMisspelt, pairs, swaps, isStopWord } from './terms.ts';

/** The weight of a concept relative to the word itself, and of a pair of characters relative to its word. */
const CONCEPT = 0.9;
const PART = 0.4;
/** How much of a word a tool has that has a similar one. */
const GUESS = 0.4;

/** What follows these is mostly the content of a message or a task, which tells less about the tool. */
const DETAILS = /[:\uff1a]\s|\b(?:that|dass|saying)\b|\u8bf4/u;
const DETAIL = 0.5;
/** A number is mostly an argument. */
const NUMBER = /^\p{N}+$/u;
const ARGUMENT = 0.2;
/** A word that so many tools have needs no others of the same meaning: they would only cost time. */
const ENOUGH = 50;

export interface QueryTerm {
  readonly weight: number;
  /** The words that it stands for, as a set of bits. */
  readonly words: number;
  /** Whether it is a guess at what a misspelt word should be. */
  readonly isGuess: boolean;
}

/** What a query asks for. */
export interface Query {
  readonly terms: ReadonlyMap<string, QueryTerm>;
  /** How much each word tells. */
  readonly words: readonly number[];
  /** The actions of each word that means one: such words rank the tools that the others find. */
  readonly actions: readonly number[];
  /** The words that may be other words. */
  readonly misspelt: ReadonlySet<string>;
}

/**
 * Returns what a query asks for. With the numbers of tools that have each term, a word that few tools have is looked for
 * by its concepts too, and one that no tool has, as misspelt. Stop words are no slips of others.
 */
export function queryOf(query: string, counts?: ReadonlyMap<string, number>): Query {
  const all = queryWords(query);
  const head = new Set(queryWords(query.split(DETAILS, 1)[0] ?? ''));
  const things = all.filter((term) => actionsOf([term]) === 0 || conceptsOf(term).length > 0);
  const words: number[] = [];
  const terms = new Map<string, QueryTerm>();
  const misspelt = new Set<string>();
  const sought = things.length === 0 ? all : things;
  for (const [index, word] of sought.entries()) {
    // A part of an earlier word.
    if (terms.has(word)) continue;
    const phrase = phraseConcepts(word, sought[index + 1]);
    const count = counts?.get(word) ?? 0;
    const concepts = counts === undefined || count >= ENOUGH ? [] : (phrase ?? conceptsOf(word));
    const isMisspelt =
      counts !== undefined &&
      count === 0 &&
      concepts.length === 0 &&
      !isStopWord(word) &&
      mayBeMisspelt(word);
    if (isMisspelt) misspelt.add(word);
    const slot = words.length;
    const place = NUMBER.test(word) ? ARGUMENT : head.has(word) ? 1 : DETAIL;
    words.push((isMisspelt ? GUESS : 1) * place);
    const add = (term: string, weight: number, isGuess = false): void => {
      const bits = (terms.get(term)?.words ?? 0) | (1 << slot);
      terms.set(term, {
        weight: Math.max(weight * place, terms.get(term)?.weight ?? 0),
        isGuess,
        words: bits,
      });
    };
    add(word, 1);
    for (const pair of pairs(word)) if (pair !== word) add(pair, PART);
    for (const concept of concepts) add(concept, CONCEPT);
    if (phrase !== undefined) add(sought[index + 1] ?? '', PART);
    if (things.length === 0) for (const verb of verbsOf(word)) add(verb, CONCEPT);
    if (isMisspelt) for (const guess of swaps(word)) add(guess, 1, true);
  }
  const actions = all.map((term) => actionsOf([term])).filter((bits) => bits !== 0);
  return { terms, words, actions, misspelt };
}
