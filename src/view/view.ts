import type { Caller } from '../calls/caller.ts';
import type { ViewConfig } from '../config/views.ts';
import {
  type CallContext,
  type CallOutcome,
  LOCAL_PRINCIPAL,
  outcomeOfError,
  type ToolService,
} from '../model/call.ts';
import { asBridgeError, type BridgeError } from '../model/errors.ts';
import { logText } from '../model/log-text.ts';
import type { Logger } from '../model/logger.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { PublishedTool, Registry, RegistrySource, ToolListSource } from '../model/registry.ts';
import type { DetachedCalls } from '../model/task.ts';
import type { ToolRef } from '../model/tool.ts';
import { unknownTool } from '../registry/unknown-tool.ts';
import { SEARCH_TOOL_NAMES, SEARCH_DIRECTORY, SEARCH_INSTRUCTIONS } from '../search/search-tools.ts';
import { ToolSearch } from '../search/tool-search.ts';
import { CALL_TOOL_NAMES, HAND_OFF_INSTRUCTIONS } from '../tasks/call-tools.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { ViewTasks } from '../tasks/view-tasks.ts';
import { build, type Derived, derive, modeOf, type ViewSettings } from './derive.ts';
import type { AutoMode, Mode } from './mode.ts';
import { createNameHistory } from './name-history.ts';
import { Snapshot } from './snapshot.ts';

const BRIDGE_TOOL_NAMES: ReadonlySet<string> = new Set([...SEARCH_TOOL_NAMES, ...CALL_TOOL_NAMES]);

const INSTRUCTIONS =
  'The tools of one Dify workspace. Each tool runs in Dify and may take minutes. If a call fails, the error says ' +
  'what to do next.';

export interface ViewOptions {
  readonly name: string;
  /** Its name among the views of all workspaces: see `viewId`. */
  readonly id: string;
  readonly settings: ViewSettings;
  /** How long a client waits for the first catalogue, in milliseconds. */
  readonly waitMs: number;
  readonly caller: Pick<Caller, 'check' | 'call' | 'record'>;
  /** Runs calls that outlive their requests. */
  readonly tasks: Tasks;
  readonly logger: Logger;
}

/** A set of tools with rules, names and mode. A new listing or new settings replace all and notify clients once. */
export class View implements ToolService {
  readonly name: string;
  readonly id: string;
  /** The published tools. */
  readonly registry: RegistrySource;
  /** The published tools, or in mode `search` the search tools, and the hand-off tools. */
  readonly tools: ToolListSource;
  /** The calls of this view that outlive their requests. */
  readonly detached: DetachedCalls;
  readonly #caller: ViewOptions['caller'];
  readonly #logger: Logger;
  readonly #snapshot: Snapshot<Derived>;
  readonly #tasks: ViewTasks;
  readonly #history = createNameHistory();
  readonly #warnedOf = new Set<string>();
  #settings: ViewSettings;
  #decided: AutoMode | undefined;
  #search: ToolSearch | undefined;

  constructor({ name, id, settings, waitMs, caller, tasks, logger }: ViewOptions) {
    this.name = name;
    this.id = id;
    this.#settings = settings;
    this.#caller = caller;
    this.#logger = logger;
    this.#snapshot = new Snapshot(waitMs, logger);
    this.registry = this.#snapshot.select(({ registry }) => registry);
    this.tools = this.#snapshot.select(({ list }) => list);
    this.#tasks = new ViewTasks({ view: id, tasks, caller });
    this.detached = this.#tasks;
  }

  get settings(): ViewSettings {
    return this.#settings;
  }

  get config(): ViewConfig {
    return this.#settings.config;
  }

  /** The mode; `list` until `auto` has decided. */
  get mode(): Mode {
    return this.#snapshot.current()?.mode ?? modeOf(this.config, this.#decided);
  }

  get instructions(): string {
    const main = this.mode === 'search' ? SEARCH_INSTRUCTIONS : INSTRUCTIONS;
    return this.config.handOff.after === 'off' ? main : `${main} ${HAND_OFF_INSTRUCTIONS}`;
  }

  async callTool(name: string, args: unknown, context: CallContext): Promise<CallOutcome> {
    try {
      return await this.#dispatch(name, args, context);
    } catch (thrown) {
      return outcomeOfError(thrown);
    }
  }

  // The hand-off tools come first because they need no catalogue.
  async #dispatch(name: string, args: unknown, context: CallContext): Promise<CallOutcome> {
    const { origin, principal } = context;
    const call = { args, view: this.name, origin, principal };
    const bridgeTool = { tool: name, isBridgeTool: true };
    const answered = this.#tasks.answer(name, args, context, this.config.handOff);
    if (answered !== undefined) {
      const end = this.#caller.record(bridgeTool, call);
      const ended = (error: unknown): void => end(asBridgeError(error).code);
      answered.then(() => end('ok'), ended);
      return answered;
    }
    const { registry, mode } = await this.#snapshot.ready(context.signal);
    if (this.#search !== undefined && SEARCH_TOOL_NAMES.has(name)) {
      const scope = { registry, bridgeTools: BRIDGE_TOOL_NAMES, previousNames: this.#history.gone };
      const outcome = await this.#search.answer(name, args, scope);
      if (outcome.kind === 'call') {
        return this.#call(outcome.tool, outcome.args, context, outcome.ignored);
      }
      this.#caller.record(bridgeTool, call)(outcome.error?.code ?? 'ok');
      return outcome;
    }
    const tool = registry.get(name);
    if (tool === undefined) {
      const directory = mode === 'search' ? SEARCH_DIRECTORY : undefined;
      this.#caller.record({ tool: logText(name) ?? '' }, call)('tool_not_found');
      throw unknownTool(registry, name, this.#history.gone, directory);
    }
    return this.#call(tool, args, context);
  }

  /** Makes a call. Checks the arguments first, before the call takes a task or a slot. */
  #call(
    tool: PublishedTool,
    args: unknown,
    context: CallContext,
    ignoredBefore: readonly string[] = [],
  ): Promise<CallOutcome> {
    const { origin, principal = LOCAL_PRINCIPAL } = context;
    const { parameters, ignored = [] } = this.#checked(tool, args, context);
    const request = {
      tool,
      args,
      parameters,
      ignored: ignoredBefore.length === 0 ? ignored : [...new Set([...ignoredBefore, ...ignored])],
      principal,
      view: { name: this.name, ...this.config.limits },
      origin,
      limits: this.config,
    };
    return this.#tasks.call(request, context, this.config.handOff);
  }

  #checked(
    tool: PublishedTool,
    args: unknown,
    { origin, principal, observer }: CallContext,
  ): ReturnType<Caller['check']> {
    try {
      const call = { args, view: this.name, origin, principal };
      return this.#caller.check(tool, call, this.config.limits.maxArgumentBytes);
    } catch (thrown) {
      observer?.failed?.(asBridgeError(thrown));
      throw thrown;
    }
  }

  begin(): void {
    this.#snapshot.begin();
  }

  /** Ends a load of the catalogue that failed: the served tools stay. */
  fail(error: BridgeError): void {
    this.#snapshot.fail(error);
  }

  /** Applies a listing and settings; without a listing, the previous one stays. Notifies clients at most once. */
  update(listing: CatalogListing | undefined, settings = this.#settings): void {
    const before = this.#snapshot.current();
    const next = listing ?? before?.listing;
    const known = before?.listing;
    const isSameListing = known?.providers === next?.providers && known?.credentials === next?.credentials;
    const isSame = settings === this.#settings && before !== undefined && isSameListing;
    this.#settings = settings;
    if (next === undefined) return;
    const after = isSame ? before : this.#derive(next, before);
    if (after === undefined) return;
    if (after !== before) this.#follow(after, before);
    this.#snapshot.set(after);
  }

  /** Returns the registry before approval and without `path` arguments: the same on every machine. */
  comparable(): Registry | undefined {
    const current = this.#snapshot.current();
    const { fileSources = [] } = this.config;
    if (current === undefined || !fileSources.includes('path')) return current?.built;
    const config = { ...this.config, fileSources: fileSources.filter((source) => source !== 'path') };
    return build({ ...this.#settings, config }, { listing: current.listing, heldBy: this.#heldBy });
  }

  /** Cancels the running calls of a principal, or all of them, because nobody can fetch their results any longer. */
  abandon(principal?: string): void {
    this.#tasks.abandon(principal);
  }

  #derive(listing: CatalogListing, previous: Derived | undefined): Derived | undefined {
    try {
      return derive(this.#settings, {
        listing,
        heldBy: this.#heldBy,
        decided: this.#decided,
        callTools: this.#tasks.toolsFor(this.config.handOff),
        previous,
      });
    } catch (thrown) {
      this.#logger.error('Could not build the registry from the tools that Dify listed', { error: thrown });
      this.#snapshot.fail(asBridgeError(thrown));
      return undefined;
    }
  }

  /** Updates the name history and the search index, and logs the decision of `auto` and shadowed tools. */
  #follow(after: Derived, before: Derived | undefined): void {
    this.#history.record(before?.registry, after.registry);
    if (after.mode === 'list') this.#search = undefined;
    else this.#search ??= new ToolSearch();
    if (this.#decided === undefined && after.decided !== undefined) this.#logDecision(after.decided);
    this.#decided = after.decided;
    for (const tool of after.shadowed.filter((name) => !this.#warnedOf.has(name))) {
      this.#warnedOf.add(tool);
      const message = "A published tool is not listed because one of the bridge's own tools has its name";
      this.#logger.warn(message, { tool });
    }
  }

  #logDecision({ mode, tools, tokens }: AutoMode): void {
    const { tools: maxTools, tokens: maxTokens } = this.config.auto;
    const message = 'The size of a view decided its mode, which stays until the bridge restarts';
    this.#logger.info(message, { view: this.name, mode, tools, maxTools, tokens, maxTokens });
  }

  /** Returns the tool that has a name now, or had it last. */
  readonly #heldBy = (name: string): ToolRef | undefined => {
    const tool = this.#snapshot.current()?.registry.get(name);
    return tool?.name === name ? tool.ref : this.#history.gone.get(name);
  };
}
