import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SearchOptions, SearchResult } from 'minisearch';
import type { PublishedTool, Registry } from '../model/registry.ts';
import { commonTerms, haveAll, MANY_TOOLS, type Pause } from './common-terms.ts';
import { mayBeMisspelt, mayBePrefix, queryTerms, swaps, tellsNothing } from './terms.ts';
import { differ, createWordIndex, EVERY_TOOL, WEIGHTS } from './word-index.ts';

/** How long indexing may delay other work, in milliseconds. */
const SLICE_MS = 5;

/** A typing error changes, adds or drops one letter in five, at most two, or swaps two neighbours. */
const EDITS = { share: 0.2, most: 2 };

/** A result that lacks some of the words that another tool has together needs this share of them, */
const MIN_SHARE = 0.5;
/** and this share of the best one's score. */
const MIN_SCORE = 0.08;

const NONE: ReadonlySet<string> = new Set();

export type SearchIndex = ReturnType<typeof createSearchIndex>;

export function createSearchIndex() {
  /** The words in the prose of every tool, and the number of tools. */
  let common = { terms: NONE, among: 0 };
  let index = createWordIndex(NONE);
  const indexed = new Map<string, PublishedTool>();
  let followed: Registry | undefined;
  let following: Promise<void> = Promise.resolve();

  async function update(registry: Registry): Promise<void> {
    if (registry === followed) return;
    const pause = takingTurns();
    await followCommon(registry, pause);
    for (const name of indexed.keys()) {
      // An earlier name may still lead to a tool, as an alias.
      if (registry.get(name)?.name === name) continue;
      index.discard(name);
      indexed.delete(name);
    }
    for (const tool of registry.tools) {
      const before = indexed.get(tool.name);
      if (before === tool) continue;
      if (before === undefined) index.add(tool);
      else if (differ(before, tool)) index.replace(tool);
      indexed.set(tool.name, tool);
      const turn = pause();
      if (turn !== undefined) await turn;
    }
    followed = registry;
  }

  /** Determines `common` again if a tool lacks one of the words, or if most of the workspace has changed. */
  async function followCommon({ tools }: Registry, pause: Pause): Promise<void> {
    const { terms: known, among } = common;
    const isMany = (count: number): boolean => count >= MANY_TOOLS;
    const isOther =
      tools.length > among * 2 || tools.length < among / 2 || isMany(tools.length) !== isMany(among);
    const changed = tools.filter((tool) => indexed.get(tool.name) !== tool);
    if (!isOther && (await haveAll(changed, known, pause))) return;
    const terms = await commonTerms(tools, pause);
    if (terms.size > 0 || known.size > 0) {
      followed = undefined;
      indexed.clear();
      // A new index, because the previous one may still be cleaning up in the background.
      index = createWordIndex(terms);
    }
    common = { terms, among: tools.length };
  }

  /** Finds the terms. Those in `misspelt` match approximately; `swapped` are guesses at what they mean. */
  function search(terms: readonly string[], misspelt = NONE, swapped = NONE): SearchResult[] {
    const options: SearchOptions = {
      tokenize: () => [...terms],
      boost: WEIGHTS,
      prefix: (term) => !swapped.has(term) && mayBePrefix(term),
      fuzzy: (term) => misspelt.has(term) && EDITS.share,
      maxFuzzy: EDITS.most,
    };
    return index.search(terms.join(' '), options);
  }

  return {
    /** Brings the index up to the registry. Other work gets its turn in between; calls wait for each other. */
    follow(registry: Registry): Promise<void> {
      const run = (): Promise<void> => update(registry);
      following = following.then(run, run);
      return following;
    },

    /**
     * Names of tools, the best first. Of the words that tell something, each is looked for as it is, as the beginning of
     * a longer word and, if no tool has it, as misspelt. Tools that fit far less than the best one are left out.
     */
    find(query: string): string[] {
      const terms = queryTerms(query);
      if (terms.length === 0) return [];
      const exact = search(terms);
      const known = new Set(exact.flatMap(({ queryTerms: met }) => met));
      const misspelt = terms.filter((term) => !known.has(term) && !tellsNothing(term) && mayBeMisspelt(term));
      const swapped = new Set(misspelt.flatMap(swaps));
      const found =
        misspelt.length === 0 ? exact : search([...terms, ...swapped], new Set(misspelt), swapped);
      const everywhere = found.find(({ id }) => id === EVERY_TOOL)?.queryTerms ?? [];
      const results = found.filter(({ id }) => id !== EVERY_TOOL);
      return ranked(results, everywhere, indexed.keys());
    },
  };
}

/** Lets other work run whenever it has been delayed for long enough. */
function takingTurns(): Pause {
  let started = performance.now();
  return () => {
    if (performance.now() - started < SLICE_MS) return undefined;
    return nextTurn().then(() => {
      started = performance.now();
    });
  };
}

/**
 * Returns the names of results, the best first, without those that match far less. Every tool has the words
 * `everywhere`. If no tool has any other word, tools that have them in their name come first, then the others in
 * alphabetical order.
 */
function ranked(
  results: readonly SearchResult[],
  everywhere: readonly string[],
  all: Iterable<string>,
): string[] {
  // A result lists each matched word of the query once.
  const count = ({ queryTerms }: SearchResult): number =>
    queryTerms.reduce((sum, term) => (everywhere.includes(term) ? sum : sum + 1), everywhere.length);
  const most = results.reduce((found, result) => Math.max(found, count(result)), everywhere.length);
  const share = (result: SearchResult): number => count(result) / most;
  const rate = (result: SearchResult): number => result.score * share(result);
  const least = results.reduce((best, result) => Math.max(best, rate(result)), 0) * MIN_SCORE;
  // A common word finds many tools, so this creates no object for each.
  const kept = results.filter(
    (result) => share(result) === 1 || (share(result) >= MIN_SHARE && rate(result) >= least),
  );
  kept.sort((a, b) => rate(b) - rate(a) || (a.id < b.id ? -1 : 1));
  const names = kept.map(({ id }) => id as string);
  if (everywhere.length === 0 || most > everywhere.length) return names;
  return Array.from(new Set(names.concat(Array.from(all).sort())));
}
