import { setImmediate as nextTurn } from 'node:timers/promises';
import MiniSearch, { type SearchOptions, type SearchResult } from 'minisearch';
import type { PublishedTool, Registry } from '../model/registry.ts';
import { indexTerms, mayBeMisspelt, mayBePrefix, queryTerms, swaps, tellsNothing } from './terms.ts';
import { type ToolTexts, toolTexts } from './tool-texts.ts';

/** How long reading tools into the index holds up other work, in milliseconds. */
const SLICE_MS = 5;

/** What a hit in each text of a tool weighs. */
const WEIGHTS: Readonly<Record<keyof ToolTexts, number>> = {
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

const FIELDS = Object.keys(WEIGHTS) as (keyof ToolTexts)[];

interface Entry extends ToolTexts {
  readonly id: string;
}

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
  const index = new MiniSearch<Entry>({
    fields: FIELDS,
    tokenize: indexTerms,
    // They are in nearly every sentence, so that they would take a third of the memory; in a name they may tell.
    processTerm: (term, field) => (isProse(field) && tellsNothing(term) ? null : term),
  });
  const indexed = new Map<string, PublishedTool>();
  let followed: Registry | undefined;
  let following: Promise<void> = Promise.resolve();

  async function update(registry: Registry): Promise<void> {
    if (registry === followed) return;
    for (const name of indexed.keys()) {
      // A name of before may still lead to a tool, as an alias.
      if (registry.get(name)?.name === name) continue;
      index.discard(name);
      indexed.delete(name);
    }
    let started = performance.now();
    for (const tool of registry.tools) {
      const before = indexed.get(tool.name);
      if (before === tool) continue;
      const texts = toolTexts(tool);
      if (before === undefined) index.add({ id: tool.name, ...texts });
      else if (differ(toolTexts(before), texts)) index.replace({ id: tool.name, ...texts });
      indexed.set(tool.name, tool);
      if (performance.now() - started < SLICE_MS) continue;
      await nextTurn();
      started = performance.now();
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
      const terms = queryTerms(query);
      if (terms.length === 0) return [];
      const exact = search({ terms, misspelt: NONE, swapped: NONE });
      const known = new Set(exact.flatMap(({ queryTerms }) => queryTerms));
      const misspelt = terms.filter((term) => !known.has(term) && !tellsNothing(term) && mayBeMisspelt(term));
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
  const counts = results.map(({ queryTerms }) => new Set(queryTerms).size);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  const rated = results.map(({ id, score }, index) => {
    const share = (counts[index] ?? 0) / most;
    return { name: id as string, share, score: score * share };
  });
  rated.sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
  const least = (rated[0]?.score ?? 0) * MIN_SCORE;
  const kept = rated.filter(({ share, score }) => share === 1 || (share >= MIN_SHARE && score >= least));
  return kept.map(({ name }) => name);
}

function differ(a: ToolTexts, b: ToolTexts): boolean {
  return FIELDS.some((field) => a[field] !== b[field]);
}
