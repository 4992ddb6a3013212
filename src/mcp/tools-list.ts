import type { ListToolsResult } from '@modelcontextprotocol/server';
import type { ToolList } from '../model/registry.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { FULL_VOCABULARY, toSentTool, type Vocabulary } from './vocabulary.ts';

/** One list for clients of one vocabulary. */
interface Listing {
  readonly of: ToolList;
  readonly tools: ListToolsResult['tools'];
  /** The pages by the index of their first tool. */
  readonly pages: Map<number, ListToolsResult>;
}

/**
 * Answers tools/list with every tool at once, or with pages of `pageSize`. All clients of a vocabulary share the cached
 * pages of the latest list, so the pages are frozen. A cursor names the last tool seen, so it stays valid when the list
 * changes.
 */
export class ToolPages {
  readonly #pageSize: number;
  readonly #latest = new Map<Vocabulary, Listing>();

  constructor(pageSize: number = Number.POSITIVE_INFINITY) {
    this.#pageSize = pageSize;
  }

  /**
   * Returns the page after the cursor.
   * @throws BridgeError `invalid_cursor`.
   */
  page(list: ToolList, cursor = '', vocabulary: Vocabulary = FULL_VOCABULARY): ListToolsResult {
    const { tools, pages } = this.#listing(list, vocabulary);
    const after = decodeCursor(cursor);
    const found = after === '' ? 0 : tools.findIndex((tool) => tool.name > after);
    const start = found === -1 ? tools.length : found;
    let page = pages.get(start);
    if (page === undefined) {
      page = buildPage(tools, start, this.#pageSize);
      pages.set(start, page);
    }
    return page;
  }

  #listing(list: ToolList, vocabulary: Vocabulary): Listing {
    const known = this.#latest.get(vocabulary);
    if (known?.of === list) return known;
    const tools = list.tools.map((tool) => toSentTool(tool, vocabulary));
    const listing = { of: list, tools, pages: new Map() };
    this.#latest.set(vocabulary, listing);
    return listing;
  }
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
