import type { ListToolsResult } from '@modelcontextprotocol/server';
import type { ListedTool, ToolList } from '../model/registry.ts';
import { definitionOf } from '../model/tool-definition.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';

/** The pages of one snapshot by the index of their first tool. */
interface Listing {
  readonly tools: ListToolsResult['tools'];
  readonly pages: Map<number, ListToolsResult>;
}

/**
 * Answers tools/list from a snapshot: every tool at once, or pages of `pageSize`. A page is built once for each
 * snapshot and shared by all who ask for it, so it is frozen. A cursor names the last tool that was seen and thus
 * stays good when the list changes.
 */
export function createToolPages(
  pageSize: number = Number.POSITIVE_INFINITY,
): (registry: ToolList, cursor: string | undefined) => ListToolsResult {
  const listings = new WeakMap<ToolList, Listing>();

  return (registry, cursor = '') => {
    let listing = listings.get(registry);
    if (listing === undefined) {
      listing = { tools: registry.tools.map(describeTool), pages: new Map() };
      listings.set(registry, listing);
    }
    const { tools, pages } = listing;
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

function describeTool(tool: ListedTool): ListToolsResult['tools'][number] {
  // The registry builds object schemas and plain annotations; the SDK's types want that spelled out.
  return Object.freeze(definitionOf(tool)) as ListToolsResult['tools'][number];
}
