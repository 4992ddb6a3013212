import { createLiveRegistry } from './live-registry.ts';
import { createNameHistory } from './name-history.ts';
import { createPresentation, type Mode } from './mode.ts';
import type { ViewConfig } from '../config/views.ts';
import type { Jobs } from '../tasks/tasks.ts';
import { CALL_TOOL_NAMES, CALL_TOOLS } from '../tasks/call-tools.ts';
import { createCallToolList } from './call-tool-list.ts';
import { createViewCalls } from '../tasks/view-calls.ts';
import type { CallContext, CallTool } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import type { BridgeError } from '../model/errors.ts';
import type { DetachedCalls } from '../model/task.ts';
import type { Logger } from '../model/logger.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { PublishedTool, Registry, RegistrySource, ToolListSource } from '../model/registry.ts';
import { identityOf, type ToolRef } from '../model/tool.ts';
import { buildRegistry } from '../registry/build.ts';
import { fits } from '../registry/match.ts';
import { type NamedTool, nameTools } from '../registry/names.ts';
import { unknownTool } from '../registry/unknown-tool.ts';
import { OWN_TOOLS, SEARCH_DIRECTORY } from '../search/search-tools.ts';

/** The bridge's own tools: Dify may list them, as those of an MCP server that is this bridge. */
const ALL_OWN_TOOLS = [...OWN_TOOLS, ...CALL_TOOLS];

/** A set of tools with rules, names and a mode of its own. */
export interface View {
  readonly name: string;
  /** All that is published. */
  readonly registry: RegistrySource;
  /** What tools/list shows: the registry, or in mode `search` what stands for it, and the tools for hand-off. */
  readonly tools: ToolListSource;
  readonly callTool: CallTool;
  readonly mode: Mode;
}

/** A view with what keeps it up to date. */
export interface LiveView extends View {
  readonly config: ViewConfig;
  /** Its calls that go on apart from their requests. */
  readonly detached: DetachedCalls;
  /** Nobody of that principal can ask for results any more: ends its calls that go on. */
  abandon(principal: string): void;
  /**
   * What is published but for approval (see `ViewOptions.approve`), as any process would publish it: without files of
   * the machine that this one runs on. Undefined before the first load.
   */
  comparable(): Registry | undefined;
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
  /** The tools that count for bare names and maxTools, by `identityOf`; all where undefined. */
  readonly counted: () => ReadonlySet<string> | undefined;
  /** Calls a tool. */
  readonly run: (tool: PublishedTool, args: unknown, context: CallContext) => Promise<ToolResult>;
  /** Where its calls live that are handed off. */
  readonly jobs: Jobs;
  readonly logger: Logger;
}

/** A view without tools yet. */
export function createView(options: ViewOptions): LiveView {
  const { name, waitMs, approve, counted, run, jobs, logger } = options;
  const history = createNameHistory();
  let { config } = options;
  let source: CatalogListing | undefined;
  let built: Registry | undefined;

  /** The tool that clients know by a name, from now or from before. */
  function heldBy(asked: string): ToolRef | undefined {
    const tool = live.current()?.get(asked);
    return tool?.name === asked ? tool.ref : history.gone.get(asked);
  }

  function build(
    { providers, credentials }: CatalogListing,
    rules: ViewConfig,
    previous?: Registry,
  ): Registry {
    const some = counted();
    return buildRegistry(providers, rules, {
      ...(some === undefined ? {} : { counted: some }),
      ...(credentials === undefined ? {} : { credentials }),
      ...(previous === undefined ? {} : { previous }),
      ownTools: ALL_OWN_TOOLS,
      heldBy,
    });
  }

  const live = createLiveRegistry({
    build(listing) {
      built = build(listing, config, built);
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

  const calls = createViewCalls({ view: name, jobs, rules: () => config });

  const callPublished: CallTool = async (asked, args, context) => {
    const registry = live.current() ?? (await live.ready(context.signal));
    const tool = registry.get(asked);
    if (tool === undefined) throw whyUnknown(registry, asked);
    const work = (own: Pick<CallContext, 'signal' | 'observer'>): Promise<ToolResult> =>
      run(tool, args, { ...context, ...own });
    return calls.call({ tool, args, context, work });
  };

  /** The tools of the present listing by their identity, for rules on their facts. */
  let named: { readonly of: CatalogListing; readonly tools: ReadonlyMap<string, NamedTool> } | undefined;
  function namedTool({ ref }: PublishedTool): NamedTool | undefined {
    if (source === undefined) return undefined;
    if (named?.of !== source) {
      const { tools } = nameTools(source.providers, config.maxNameLength, heldBy);
      named = { of: source, tools: new Map(tools.map((tool) => [tool.key, tool])) };
    }
    return named.tools.get(identityOf(ref));
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
    otherOwnNames: CALL_TOOL_NAMES,
    logger,
  });

  const list = createCallToolList({ source: presentation.tools, own: () => calls.ownTools(), logger });

  return {
    name,
    registry: live,
    tools: list.tools,
    callTool: calls.withCallTools(presentation.callTool),
    detached: calls.detached,
    abandon: (principal) => calls.abandon(principal),
    get mode() {
      return presentation.mode;
    },
    get config() {
      return config;
    },
    comparable() {
      const { fileSources = [] } = config;
      if (source === undefined || !fileSources.includes('path')) return built;
      return build(source, { ...config, fileSources: fileSources.filter((way) => way !== 'path') });
    },
    begin: () => live.begin(),
    fail: (error) => live.fail(error),
    update(listing) {
      const work = (): void => {
        change(() => live.update(listing));
        presentation.settle();
      };
      // What is pinned may go by facts that no client sees, and so change where the registry looks the same.
      if (live.current() === undefined) work();
      else list.apply(work);
    },
    apply(next, listing = source) {
      list.apply(() => {
        presentation.apply(next, () => {
          config = next;
          named = undefined;
          if (listing !== undefined) change(() => live.rebuild(listing));
        });
        presentation.settle();
      });
    },
  };
}
