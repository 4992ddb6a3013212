import type { ListToolsResult } from '@modelcontextprotocol/server';
import type { ToolList } from '../model/registry.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { FULL_VOCABULARY, toSentTool, type Vocabulary } from './vocabulary.ts';

/** One snapshot as clients of one vocabulary get it. */
interface Listing {
  readonly tools: ListToolsResult['tools'];
  /** By the index of their first tool. */
  readonly pages: Map<number, ListToolsResult>;
}

/**
 * Answers tools/list from a snapshot: every tool at once, or pages of `pageSize`. A page is built once for each
 * snapshot and vocabulary, and shared by all who ask for it, so it is frozen. A cursor names the last tool that was
 * seen and thus stays good when the list changes.
 */
export function createToolPages(
  pageSize: number = Number.POSITIVE_INFINITY,
): (registry: ToolList, cursor: string | undefined, vocabulary?: Vocabulary) => ListToolsResult {
  const listings = new WeakMap<ToolList, Map<Vocabulary, Listing>>();

  function listingOf(registry: ToolList, vocabulary: Vocabulary): Listing {
    const known = listings.get(registry) ?? new Map<Vocabulary, Listing>();
    listings.set(registry, known);
    let listing = known.get(vocabulary);
    if (listing === undefined) {
      listing = { tools: registry.tools.map((tool) => toSentTool(tool, vocabulary)), pages: new Map() };
      known.set(vocabulary, listing);
    }
    return listing;
  }

  return (registry, cursor = '', vocabulary = FULL_VOCABULARY) => {
    const { tools, pages } = listingOf(registry, vocabulary);
    const after = decodeCursor(cursor);
    const found = after === '' ? 0 : tools.findIndex((tool) => tool.name > after);
    const start = found === -1 ? tools.length : found;
    let page = pages.get(start);
    if (page === undefined) {
      page = buildPage(tools, start, pageSize);
      pages.set(start, page);
    }
    return page;
  };
}

function buildPage(tools: ListToolsResult['tools'], start: number, pageSize: number): ListToolsResult {
  const page: ListToolsResult = { tools: tools.slice(start, start + pageSize) };
  Object.freeze(page.tools);
  const last = page.tools.at(-1);
  if (last !== undefined && start + page.tools.length < tools.length) {
    page.nextCursor = encodeCursor(last.name);
  }
  return Object.freeze(page);
}
