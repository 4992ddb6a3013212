import { createLiveRegistry } from './catalog/live-registry.ts';
import { createNameHistory } from './catalog/name-history.ts';
import { createPresentation, type Mode } from './app-mode.ts';
import type { ViewConfig } from './config/views.ts';
import type { CallContext, CallTool } from './model/call.ts';
import type { ToolResult } from './model/content.ts';
import type { BridgeError } from './model/errors.ts';
import type { Logger } from './model/logger.ts';
import type { CatalogListing } from './model/ports.ts';
import type { PublishedTool, Registry, RegistrySource, ToolListSource } from './model/registry.ts';
import { buildRegistry } from './registry/build.ts';
import { fits } from './registry/match.ts';
import { type NamedTool, nameTools } from './registry/names.ts';
import { unknownTool } from './registry/unknown-tool.ts';
import { OWN_TOOLS, SEARCH_DIRECTORY } from './search/own-tools.ts';

/** A set of tools with rules, names and a mode of its own. */
export interface View {
  readonly name: string;
  /** All that is published. */
  readonly registry: RegistrySource;
  /** What tools/list shows: the registry, or in mode `search` what stands for it. */
  readonly tools: ToolListSource;
  readonly callTool: CallTool;
  readonly mode: Mode;
}

/** A view with what keeps it up to date. */
export interface LiveView extends View {
  readonly config: ViewConfig;
  /** What is published but for approval: see `ViewOptions.approve`. Undefined before the first load. */
  built(): Registry | undefined;
  begin(): void;
  update(listing: CatalogListing): void;
  fail(error: BridgeError): void;
  /**
   * Goes over to other settings, and to another listing where one is given, at once. Clients hear of the outcome
   * once, if it differs for them.
   */
  apply(config: ViewConfig, listing: CatalogListing | undefined): void;
}

export interface ViewOptions {
  readonly name: string;
  readonly config: ViewConfig;
  /** Milliseconds that a client waits for the first catalogue. */
  readonly waitMs: number;
  /** What of a registry may be served. */
  readonly approve: (registry: Registry, config: ViewConfig, listing: CatalogListing) => Registry;
  /** Calls a tool. */
  readonly run: (tool: PublishedTool, args: unknown, context: CallContext) => Promise<ToolResult>;
  readonly logger: Logger;
}

/** A view without tools yet. */
export function createView(options: ViewOptions): LiveView {
  const { name, waitMs, approve, run, logger } = options;
  const history = createNameHistory();
  let { config } = options;
  let source: CatalogListing | undefined;
  let built: Registry | undefined;

  const live = createLiveRegistry({
    build(listing) {
      const { providers, credentials } = listing;
      built = buildRegistry(providers, config, {
        ...(credentials === undefined ? {} : { credentials }),
        ...(built === undefined ? {} : { previous: built }),
        // Dify may list them, as those of an MCP server that is this bridge.
        ownTools: OWN_TOOLS,
      });
      source = listing;
      return approve(built, config, listing);
    },
    waitMs,
    logger,
  });

  function change(work: () => void): void {
    const before = live.current();
    work();
    const after = live.current();
    if (after !== undefined) history.record(before, after);
  }

  const whyUnknown = (registry: Registry, asked: string): BridgeError =>
    unknownTool(registry, asked, history.gone, presentation.mode === 'search' ? SEARCH_DIRECTORY : undefined);

  const callPublished: CallTool = async (asked, args, context) => {
    const registry = live.current() ?? (await live.ready(context.signal));
    const tool = registry.get(asked);
    if (tool !== undefined) return run(tool, args, context);
    throw whyUnknown(registry, asked);
  };

  /** The tools of the present listing by their identity, for rules on their facts. */
  let named: { readonly of: CatalogListing; readonly tools: ReadonlyMap<string, NamedTool> } | undefined;
  function namedTool({ ref }: PublishedTool): NamedTool | undefined {
    if (source === undefined) return undefined;
    if (named?.of !== source) {
      const { tools } = nameTools(source.providers, config.maxNameLength);
      named = { of: source, tools: new Map(tools.map((tool) => [identity(tool), tool])) };
    }
    return named.tools.get(identity({ ref }));
  }

  const presentation = createPresentation({
    view: name,
    config,
    registry: live,
    callTool: callPublished,
    pinned(tool) {
      if (config.pinned.length === 0) return false;
      const facts = namedTool(tool);
      return facts !== undefined && config.pinned.some((matcher) => fits(matcher, facts, config));
    },
    unknownTool: whyUnknown,
    logger,
  });

  return {
    name,
    registry: live,
    tools: presentation.tools,
    callTool: presentation.callTool,
    get mode() {
      return presentation.mode;
    },
    get config() {
      return config;
    },
    built: () => built,
    begin: () => live.begin(),
    fail: (error) => live.fail(error),
    update(listing) {
      change(() => live.update(listing));
      presentation.settle();
    },
    apply(next, listing = source) {
      presentation.apply(next, () => {
        config = next;
        named = undefined;
        if (listing !== undefined) change(() => live.rebuild(listing));
      });
      presentation.settle();
    },
  };
}

function identity({ ref }: Pick<NamedTool, 'ref'>): string {
  return JSON.stringify([ref.providerType, ref.providerId, ref.tool]);
}
