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
import { shadowedTools, toolList } from './tool-list.ts';

/** The bridge's own tools: Dify may list them, as those of an MCP server that is this bridge. */
const BRIDGE_TOOLS = [...SEARCH_TOOLS, ...CALL_TOOLS];

/** What decides what a view publishes. */
export interface ViewSettings {
  readonly config: ViewConfig;
  /** What was approved for the view; undefined where everything may be served. */
  readonly approval: Approval | undefined;
}

/** What a view is derived from besides the settings. */
export interface Sources {
  readonly listing: CatalogListing;
  /** The tools that clients know by name. */
  readonly heldBy: NameHolder;
  /** What `auto` decided before: it stays. */
  readonly decided: AutoMode | undefined;
  /** The tools for calls that were handed off; none where hand-off is off. */
  readonly callTools: readonly ListedTool[];
  /** What was derived before: whatever has not changed is taken from it. */
  readonly previous: Derived | undefined;
}

/** Everything that a view serves, derived from one listing and one configuration. */
export interface Derived {
  readonly listing: CatalogListing;
  /** All that the rules publish, before approval. */
  readonly built: BuiltRegistry;
  /** The part of it that may be served. */
  readonly registry: Registry;
  readonly mode: Mode;
  /** What `auto` has decided; undefined as long as it has not been asked. */
  readonly decided: AutoMode | undefined;
  /** What tools/list shows. */
  readonly list: ToolList;
  /** That of the list. */
  readonly fingerprint: string;
  /** Published tools that clients do not see because a tool of the bridge has their name. */
  readonly shadowed: readonly string[];
}

/** Derives what a view serves: builds the registry, approves, chooses the mode, lists. Depends on nothing else. */
export function derive(settings: ViewSettings, sources: Sources): Derived {
  const { config, approval } = settings;
  const { listing, callTools, previous } = sources;
  const built = build(settings, sources);
  const registry = approval?.approve(built, config, listing) ?? built;
  const decided = sources.decided ?? (config.mode === 'auto' ? modeBySize(registry, config.auto) : undefined);
  const mode = modeOf(config, decided);
  const isPinned = mode === 'search' ? pinnedIn(config, sources) : () => false;
  const parts = { registry, mode, isPinned, callTools, previous: previous?.list };
  const list = toolList(parts);
  const { fingerprint } = list;
  return { listing, built, registry, mode, decided, list, fingerprint, shadowed: shadowedTools(parts) };
}

/** The mode that a configuration asks for; `list` as long as `auto` has not decided. */
export function modeOf({ mode }: ViewConfig, decided: AutoMode | undefined): Mode {
  return mode === 'auto' ? (decided?.mode ?? 'list') : mode;
}

/** The registry before approval. */
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

/** Whether a tool stays listed by name. Rules go by facts of Dify's tool, such as its provider, not by the name alone. */
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
