import type { ViewConfig } from '../config/views.ts';
import type { ListedTool, PublishedTool, Registry, ToolList } from '../model/registry.ts';
import { listFingerprint } from '../model/tool-definition.ts';
import { deepFreeze } from '../registry/publish-schema.ts';
import { effectsOf } from '../search/effects.ts';
import * as search from '../search/search-tools.ts';
import type { Mode } from './mode.ts';

const NO_ARGUMENTS = deepFreeze({ type: 'object', properties: {} });

export interface ListParts {
  readonly registry: Registry;
  /** The registry's tools as clients see them. */
  readonly published: readonly ListedTool[];
  readonly mode: Mode;
  /** Whether a tool stays listed by name in mode `search`. */
  readonly isPinned: (tool: PublishedTool) => boolean;
  /** The hand-off tools; none if hand-off is off. */
  readonly callTools: readonly ListedTool[];
  /** The previous list, returned again if clients see no difference, so that values derived from it stay valid. */
  readonly previous: ToolList | undefined;
}

/** Returns the list for clients: all published tools, or in mode `search` the pinned ones and the search tools. */
export function toolList({ registry, published, mode, isPinned, callTools, previous }: ListParts): ToolList {
  const own = [...(mode === 'search' ? searchToolsFor(registry) : []), ...callTools];
  const reserved = reservedNames(mode, callTools);
  const pinned = new Set(mode === 'list' ? [] : registry.tools.filter(isPinned).map(({ name }) => name));
  const shown = published.filter(({ name }) => !reserved.has(name) && (mode === 'list' || pinned.has(name)));
  const tools: ListedTool[] = [...own, ...shown];
  if (own.length > 0) tools.sort((a, b) => (a.name < b.name ? -1 : 1));
  const isRegistry = own.length === 0 && published === registry.tools;
  const fingerprint = isRegistry ? registry.fingerprint : listFingerprint(tools);
  if (previous?.fingerprint === fingerprint) return previous;
  return Object.freeze({ tools: Object.freeze(tools), fingerprint });
}

/** Returns the published tools that clients do not see because one of the bridge's own tools has their name. */
export function shadowedTools({ registry, mode, callTools }: ListParts): readonly string[] {
  return [...reservedNames(mode, callTools)].filter((name) => registry.get(name)?.name === name);
}

function reservedNames(mode: Mode, callTools: readonly ListedTool[]): ReadonlySet<string> {
  return new Set([
    ...(mode === 'search' ? search.SEARCH_TOOL_NAMES : []),
    ...callTools.map(({ name }) => name),
  ]);
}

function searchToolsFor(registry: Registry): ListedTool[] {
  const { searchTools, describeTool, callTool, callReadTool, callWriteTool } = search;
  const callers = effectsOf(registry).split ? [callReadTool, callWriteTool] : [callTool];
  return [searchTools, describeTool, ...callers].map(({ tool }) => tool);
}

/** Returns the published tools as clients see them. A brief one cannot work yet, and would take up much of the list. */
export function listedTools(
  { tools }: Registry,
  { unauthorized }: Pick<ViewConfig, 'unauthorized'>,
): readonly (ListedTool | PublishedTool)[] {
  return unauthorized === 'brief' ? tools.map((tool) => (tool.authorized ? tool : brief(tool))) : tools;
}

function brief({ name, title, providerLabel }: PublishedTool): ListedTool {
  const description = `Not usable yet: ${providerLabel} has no credentials in this Dify workspace.`;
  return Object.freeze({ name, title, description, inputSchema: NO_ARGUMENTS, annotations: {} });
}
