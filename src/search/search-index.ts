import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SearchOptions, SearchResult } from 'minisearch';
import type { PublishedTool, Registry } from '../model/registry.ts';
import { commonTerms, haveAll, MANY_TOOLS, type Pause } from './common-terms.ts';
import { type Query, queryOf } from './query.ts';
import { ranked } from './ranking.ts';
import { actionsOf, isConcept } from './synonyms.ts';
import { indexTerms, mayBePrefix } from './terms.ts';
import { toolText } from './tool-texts.ts';
import { createWordIndex, differ, WEIGHTS } from './word-index.ts';

/** How long indexing may delay other work, in milliseconds. */
const SLICE_MS = 5;

/** A typing error changes, adds or drops one letter in five, at most two, or swaps two neighbours. */
const EDITS = { share: 0.2, most: 2 };

const NONE: ReadonlySet<string> = new Set();

export type SearchIndex = ReturnType<typeof createSearchIndex>;

/** The most UTF-16 units of a tool's names and titles to read its actions from. */
const MAX_NAMES = 500;

interface IndexedTool {
  readonly tool: PublishedTool;
  /** What it does, by its name and title. */
  readonly actions: number;
}

export function createSearchIndex() {
  /** The words in the prose of every tool, and the number of tools. */
  let common = { terms: NONE, among: 0 };
  let index = createWordIndex(NONE);
  const indexed = new Map<string, IndexedTool>();
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
      const before = indexed.get(tool.name)?.tool;
      if (before === tool) continue;
      if (before === undefined) index.add(tool);
      else if (differ(before, tool)) index.replace(tool);
      const names = `${toolText(tool, 'name')} ${toolText(tool, 'title')}`;
      const actions = actionsOf(indexTerms(names.slice(0, MAX_NAMES)));
      indexed.set(tool.name, { tool, actions });
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
    const changed = tools.filter((tool) => indexed.get(tool.name)?.tool !== tool);
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

  function search({ terms, misspelt }: Query): SearchResult[] {
    const options: SearchOptions = {
      tokenize: () => [...terms.keys()],
      boost: WEIGHTS,
      boostTerm: (term) => terms.get(term)?.weight ?? 1,
      prefix: (term) => terms.get(term)?.isGuess !== true && !isConcept(term) && mayBePrefix(term),
      fuzzy: (term) => misspelt.has(term) && EDITS.share,
      maxFuzzy: EDITS.most,
    };
    return index.search('any', options);
  }

  return {
    /** Brings the index up to the registry. Other work gets its turn in between; calls wait for each other. */
    follow(registry: Registry): Promise<void> {
      const run = (): Promise<void> => update(registry);
      following = following.then(run, run);
      return following;
    },

    /**
     * Returns names of tools, the best first. Looks for each word as it is, as the beginning of a longer word and, if no
     * tool has it, as misspelt. Omits stop words, and tools that fit far less than the best one.
     */
    find(query: string): string[] {
      const plain = queryOf(query);
      if (plain.terms.size === 0) return [];
      const results = search(plain);
      const counts = new Map<string, number>();
      for (const { queryTerms } of results)
        for (const term of queryTerms) counts.set(term, (counts.get(term) ?? 0) + 1);
      const more = queryOf(query, counts);
      return more.terms.size === plain.terms.size && more.misspelt.size === 0
        ? ranked(results, plain, indexed)
        : ranked(search(more), more, indexed);
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
