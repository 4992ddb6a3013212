import type { ViewConfig } from '../config/views.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { ListedTool, PublishedTool, Registry, ToolList } from '../model/registry.ts';
import { identityOf } from '../model/tool.ts';
import { type BuiltRegistry, buildRegistry } from '../registry/build.ts';
import { fits } from '../registry/match.ts';
import { type NameHolder, nameTools } from '../registry/names.ts';
import { CALL_TOOLS } from '../tasks/call-tools.ts';
import { SEARCH_TOOLS } from '../search/search-tools.ts';
import type { Approval } from './approval.ts';
import { type AutoMode, type Mode, modeBySize } from './mode.ts';
import { listedTools, shadowedTools, toolList } from './tool-list.ts';

/** The bridge's own tools. Dify lists them too if this bridge is registered there as an MCP server. */
const BRIDGE_TOOLS = [...SEARCH_TOOLS, ...CALL_TOOLS];

/** The settings that decide which tools a view publishes. */
export interface ViewSettings {
  readonly config: ViewConfig;
  /** The approved tools; undefined if every tool may be served. */
  readonly approval: Approval | undefined;
}

export interface Sources {
  readonly listing: CatalogListing;
  /** Finds the tool that clients know by a name. */
  readonly heldBy: NameHolder;
  /** The earlier decision of `auto`, which stays in force. */
  readonly decided: AutoMode | undefined;
  /** The hand-off tools; none if hand-off is off. */
  readonly callTools: readonly ListedTool[];
  /** The previous value. Its unchanged parts are reused. */
  readonly previous: Derived | undefined;
}

/** What a view serves, derived from one listing and one configuration. */
export interface Derived {
  readonly listing: CatalogListing;
  /** The tools that the rules publish, before approval. */
  readonly built: BuiltRegistry;
  /** The part of `built` that may be served. */
  readonly registry: Registry;
  readonly mode: Mode;
  /** The decision of `auto`; undefined before the first one. */
  readonly decided: AutoMode | undefined;
  readonly list: ToolList;
  readonly fingerprint: string;
  /** The published tools that clients do not see because one of the bridge's own tools has their name. */
  readonly shadowed: readonly string[];
}

/** Derives what a view serves: builds the registry, approves, chooses the mode, lists. Depends on nothing else. */
export function derive(settings: ViewSettings, sources: Sources): Derived {
  const { config, approval } = settings;
  const { listing, callTools, previous } = sources;
  const built = build(settings, sources);
  const registry = approval?.approve(built, config, listing) ?? built;
  const published = listedTools(registry, config);
  const decided =
    sources.decided ?? (config.mode === 'auto' ? modeBySize(published, config.auto) : undefined);
  const mode = modeOf(config, decided);
  const isPinned = mode === 'search' ? pinnedIn(config, sources) : () => false;
  const parts = { registry, published, mode, isPinned, callTools, previous: previous?.list };
  const list = toolList(parts);
  const { fingerprint } = list;
  return { listing, built, registry, mode, decided, list, fingerprint, shadowed: shadowedTools(parts) };
}

/** Returns the mode that a configuration asks for; `list` until `auto` has decided. */
export function modeOf({ mode }: ViewConfig, decided: AutoMode | undefined): Mode {
  return mode === 'auto' ? (decided?.mode ?? 'list') : mode;
}

/** Returns the registry before approval. */
export function build(
  { config, approval }: ViewSettings,
  { listing, heldBy, previous }: Pick<Sources, 'listing' | 'heldBy'> & Partial<Pick<Sources, 'previous'>>,
): BuiltRegistry {
  const { providers, credentials } = listing;
  return buildRegistry(providers, config, {
    counted: approval?.counted,
    credentials,
    previous: previous?.built,
    bridgeTools: BRIDGE_TOOLS,
    heldBy,
  });
}

/** Returns a test for pinned tools. It needs Dify's facts of a tool, because rules also match its provider. */
function pinnedIn(config: ViewConfig, { listing, heldBy }: Sources): (tool: PublishedTool) => boolean {
  const { pinned, maxNameLength } = config;
  if (pinned.length === 0) return () => false;
  const { tools } = nameTools(listing.providers, maxNameLength, heldBy);
  const named = new Map(tools.map((tool) => [tool.key, tool]));
  return ({ ref }) => {
    const facts = named.get(identityOf(ref));
    return facts !== undefined && pinned.some((matcher) => fits(matcher, facts, config));
  };
}
