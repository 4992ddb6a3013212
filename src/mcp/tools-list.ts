import type { ListToolsResult } from '@modelcontextprotocol/server';
import type { ListedTool, ToolList } from '../model/registry.ts';
import { definitionOf } from '../model/tool-definition.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';

/** The pages of one list by the index of their first tool. */
interface Listing {
  readonly of: ToolList;
  readonly tools: ListToolsResult['tools'];
  readonly pages: Map<number, ListToolsResult>;
}

/**
 * Answers tools/list: every tool at once, or pages of `pageSize`. The pages of the list that was asked for last are
 * kept and shared by all clients, so they are frozen. A cursor names the last tool that was seen and thus stays valid
 * when the list changes.
 */
export class ToolPages {
  readonly #pageSize: number;
  #latest: Listing | undefined;

  constructor(pageSize: number = Number.POSITIVE_INFINITY) {
    this.#pageSize = pageSize;
  }

  /** @throws BridgeError `invalid_cursor`. */
  page(list: ToolList, cursor = ''): ListToolsResult {
    const { tools, pages } = this.#listing(list);
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

  #listing(list: ToolList): Listing {
    if (this.#latest?.of !== list) {
      this.#latest = { of: list, tools: list.tools.map(describeTool), pages: new Map() };
    }
    return this.#latest;
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

function describeTool(tool: ListedTool): ListToolsResult['tools'][number] {
  // The registry builds object schemas and plain annotations; the SDK's types want that spelled out.
  return Object.freeze(definitionOf(tool)) as ListToolsResult['tools'][number];
}
