import type { ViewConfig } from '../config/views.ts';
import type { CallTool } from '../model/call.ts';
import type { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { PublishedTool, Registry, RegistrySource, ToolList, ToolListSource } from '../model/registry.ts';
import { totalCost } from '../registry/cost.ts';
import { createSearchView } from './search-view.ts';

/** How clients come to the tools: `list` shows them all, `search` shows tools that find and call them. */
export type Mode = 'list' | 'search';

/** What clients of a view see and call. */
export interface Presentation {
  readonly tools: ToolListSource;
  readonly callTool: CallTool;
  /** `list` as long as `auto` has not decided. */
  readonly mode: Mode;
  /** The first registry may be there: `auto` decides now, if it has not before. */
  settle(): void;
  /**
   * Goes over to other settings while `change` changes the registry; clients hear of the outcome once, if it
   * differs for them. What `auto` has decided stays.
   */
  apply(config: ViewConfig, change: () => void): void;
}

export interface PresentationOptions {
  readonly view: string;
  readonly config: ViewConfig;
  readonly registry: RegistrySource;
  /** Calls a published tool by its name. */
  readonly callTool: CallTool;
  /** Whether a tool stays listed by name in mode `search`. */
  readonly pinned: (tool: PublishedTool) => boolean;
  /** Why a registry has no tool of a name. */
  readonly unknownTool: (registry: Registry, name: string) => BridgeError;
  /** Names of tools that are listed beside these in either mode. */
  readonly otherOwnNames: ReadonlySet<string>;
  readonly logger: Logger;
}

interface Shown {
  readonly mode: Mode;
  readonly tools: ToolListSource;
  readonly callTool: CallTool;
}

/** Shows a registry in the mode that the settings ask for. */
export function createPresentation(options: PresentationOptions): Presentation {
  const { view, registry, callTool, pinned, unknownTool, otherOwnNames, logger } = options;
  const listeners = new Set<(list: ToolList) => void>();
  const asList: Shown = { mode: 'list', tools: registry, callTool };
  let { config } = options;
  let decided: Mode | undefined;
  let shown: Shown | undefined;
  let isChanging = false;
  let detach = (): void => undefined;
  attach();

  /** Shows what the settings ask for, as soon as there is a registry to go by where `auto` needs one. */
  function attach(): void {
    detach();
    shown = undefined;
    if (config.mode !== 'auto' || decided !== undefined || registry.current() !== undefined) {
      show();
      return;
    }
    // The first registry is a change for clients that were turned away before: see `createLiveRegistry`.
    detach = registry.onChange(() => notify(show().tools.current()));
  }

  function notify(list: ToolList | undefined): void {
    if (list !== undefined && !isChanging) for (const listener of listeners) listener(list);
  }

  /** What is shown at present; the first time with a registry to go by, for `auto`. */
  function show(): Shown {
    if (shown !== undefined) return shown;
    const mode = config.mode === 'auto' ? decide() : config.mode;
    const next: Shown =
      mode === 'list'
        ? asList
        : {
            mode,
            ...createSearchView({
              registry,
              callTool,
              pinned,
              splitEffects: 'auto',
              otherOwnNames,
              unknownTool,
              logger,
            }),
          };
    shown = next;
    detach();
    detach = next.tools.onChange(notify);
    return next;
  }

  function decide(): Mode {
    if (decided !== undefined) return decided;
    const snapshot: Registry | undefined = registry.current();
    if (snapshot === undefined) return 'list';
    const [tools, { tokens }] = [snapshot.tools.length, totalCost(snapshot.tools)];
    const { auto } = config;
    decided = tools > auto.tools || tokens > auto.tokens ? 'search' : 'list';
    logger.info('The mode of a view was decided by its size, and stays until the bridge is restarted', {
      view,
      mode: decided,
      tools,
      maxTools: auto.tools,
      tokens,
      maxTokens: auto.tokens,
    });
    return decided;
  }

  async function settled(signal: AbortSignal | undefined): Promise<Shown> {
    if (shown === undefined) await registry.ready(signal);
    return show();
  }

  return {
    tools: {
      current: () => (registry.current() === undefined ? undefined : show().tools.current()),
      ready: async (signal) => (await settled(signal)).tools.ready(signal),
      onChange(listener) {
        // A wrapper of its own, so that a function registered twice is two listeners.
        const own = (list: ToolList): void => listener(list);
        listeners.add(own);
        return () => void listeners.delete(own);
      },
    },

    callTool: async (name, args, context) => (await settled(context.signal)).callTool(name, args, context),

    get mode() {
      return shown?.mode ?? 'list';
    },

    settle() {
      if (shown === undefined && registry.current() !== undefined) show();
    },

    apply(next, change) {
      const before = shown?.tools.current()?.fingerprint;
      isChanging = true;
      try {
        config = next;
        change();
        // Anew in any case: what is pinned may be another.
        attach();
      } finally {
        isChanging = false;
      }
      const list = shown?.tools.current();
      if (before !== undefined && before !== list?.fingerprint) notify(list);
    },
  };
}
