import { setImmediate as nextTurn } from 'node:timers/promises';
import MiniSearch, { type SearchOptions, type SearchResult } from 'minisearch';
import type { PublishedTool, Registry } from '../model/registry.ts';
import { commonTerms } from './common-terms.ts';
import { indexTerms, mayBeMisspelt, mayBePrefix, queryTerms, swaps, tellsNothing } from './terms.ts';
import { type TextOfTool, toolText } from './tool-texts.ts';

/** How long reading tools into the index holds up other work, in milliseconds. */
const SLICE_MS = 5;

/** What a hit in each text of a tool weighs. */
const WEIGHTS: Readonly<Record<TextOfTool, number>> = {
  name: 4,
  title: 4,
  provider: 2,
  description: 1.5,
  parameters: 0.5,
};

/** A slip changes, adds or drops one letter in five, and no more than two, or swaps two neighbours. */
const EDITS = { share: 0.2, most: 2 };

/** A result that has not all the words found together elsewhere needs this share of them, */
const MIN_SHARE = 0.5;
/** and this share of the best one's score. */
const MIN_SCORE = 0.08;

const FIELDS = Object.keys(WEIGHTS) as TextOfTool[];

/** Terms to look for: as they are, and of which some may be misspelt or have been mended by a guess. */
interface Wanted {
  readonly terms: readonly string[];
  readonly misspelt: ReadonlySet<string>;
  readonly swapped: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** Finds tools by words. */
export interface SearchIndex {
  /**
   * Brings the index up to the registry: all of it at first, later what has changed. Other work gets its turn
   * in between; calls that come meanwhile wait for those before them.
   */
  follow(registry: Registry): Promise<void>;
  /**
   * Names of tools, the best first. Of the words that tell something, each is looked for as it is, as the
   * beginning of a longer word and, if no tool has it, as misspelt. Tools that fit far less than the best one
   * are left out.
   */
  find(query: string): string[];
}

/** An empty index. */
export function createSearchIndex(): SearchIndex {
  const index = new MiniSearch<PublishedTool>({
    fields: FIELDS,
    // Texts are made one by one: what is made for thousands of tools, and holds on to more, may outlive its use.
    extractField: (tool, field) => (field === 'id' ? tool.name : toolText(tool, field as TextOfTool)),
    tokenize: indexTerms,
    // They are in nearly every sentence, so that they would take half of the memory; in a name they may tell.
    processTerm: (term, field) => (isProse(field) && isEmpty(term) ? null : term),
  });
  /** Words that tell nothing in this workspace, and how many tools it had when they were looked for. */
  let common = { terms: NONE, among: 0 };
  const isEmpty = (term: string): boolean => tellsNothing(term) || common.terms.has(term);
  const indexed = new Map<string, PublishedTool>();
  let followed: Registry | undefined;
  let following: Promise<void> = Promise.resolve();

  async function update(registry: Registry): Promise<void> {
    if (registry === followed) return;
    const pause = takingTurns();
    const { length } = registry.tools;
    if (length > common.among * 2 || length < common.among / 2) {
      index.removeAll();
      indexed.clear();
      common = { terms: await commonTerms(registry.tools, pause), among: length };
    }
    for (const name of indexed.keys()) {
      // A name of before may still lead to a tool, as an alias.
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

  return {
    follow(registry) {
      const run = (): Promise<void> => update(registry);
      following = following.then(run, run);
      return following;
    },

    find(query) {
      const terms = queryTerms(query, isEmpty);
      if (terms.length === 0) return [];
      const exact = search({ terms, misspelt: NONE, swapped: NONE });
      // What stands in the prose of nearly every tool finds them all, unless a name has it.
      if (exact.length === 0 && terms.every((term) => common.terms.has(term)))
        return followed?.tools.map(({ name }) => name) ?? [];
      const known = new Set<string>();
      for (const { queryTerms: met } of exact) for (const term of met) known.add(term);
      const misspelt = terms.filter((term) => !known.has(term) && !isEmpty(term) && mayBeMisspelt(term));
      return ranked(misspelt.length === 0 ? exact : search(guessed(terms, misspelt)));
    },
  };

  function search({ terms, misspelt, swapped }: Wanted): SearchResult[] {
    const options: SearchOptions = {
      tokenize: () => [...terms],
      boost: WEIGHTS,
      prefix: (term) => !swapped.has(term) && mayBePrefix(term),
      fuzzy: (term) => misspelt.has(term) && EDITS.share,
      maxFuzzy: EDITS.most,
    };
    return index.search(terms.join(' '), options);
  }
}

/** Lets other work have its turn whenever it has been held up long enough. */
function takingTurns(): () => Promise<void> | undefined {
  let started = performance.now();
  return () => {
    if (performance.now() - started < SLICE_MS) return undefined;
    return nextTurn().then(() => {
      started = performance.now();
    });
  };
}

function isProse(field: string | undefined): boolean {
  return field === 'description' || field === 'parameters';
}

/** The terms with what the unknown ones may be slips of. */
function guessed(terms: readonly string[], misspelt: readonly string[]): Wanted {
  const swapped = new Set(misspelt.flatMap(swaps));
  return { terms: [...terms, ...swapped], misspelt: new Set(misspelt), swapped };
}

/** The names of results, the best first, without those that are far behind it. */
function ranked(results: readonly SearchResult[]): string[] {
  // A word of the query is named once among those that a result was found by.
  const most = results.reduce((count, { queryTerms }) => Math.max(count, queryTerms.length), 0);
  const share = ({ queryTerms }: SearchResult): number => queryTerms.length / most;
  const rate = (result: SearchResult): number => result.score * share(result);
  const least = results.reduce((best, result) => Math.max(best, rate(result)), 0) * MIN_SCORE;
  // A common word finds a large part of all tools: these are kept as they are, without anything made for each.
  const kept = results.filter(
    (result) => share(result) === 1 || (share(result) >= MIN_SHARE && rate(result) >= least),
  );
  kept.sort((a, b) => rate(b) - rate(a) || (a.id < b.id ? -1 : 1));
  return kept.map(({ id }) => id as string);
}

function differ(a: PublishedTool, b: PublishedTool): boolean {
  return FIELDS.some((field) => toolText(a, field) !== toolText(b, field));
}
