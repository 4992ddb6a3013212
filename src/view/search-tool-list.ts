import type { Logger } from '../model/logger.ts';
import type {
  ListedTool,
  PublishedTool,
  Registry,
  RegistrySource,
  ToolList,
  ToolListSource,
} from '../model/registry.ts';
import { listFingerprint } from '../registry/fingerprint.ts';
import { effectsOf, type SplitEffects } from '../search/effects.ts';
import {
  callReadTool,
  callTool,
  callWriteTool,
  describeTool,
  OWN_NAMES,
  searchTools,
} from '../search/search-tools.ts';

export interface ToolListOptions {
  readonly pinned: (tool: PublishedTool) => boolean;
  readonly splitEffects: SplitEffects;
  readonly logger: Logger;
}

/**
 * What clients see in place of a registry: the own tools and those published ones that are pinned. A change of
 * the registry is a change of the list only where it changes one of these, or how tools are called.
 */
export function createToolList(registry: RegistrySource, options: ToolListOptions): ToolListSource {
  const shadowed = new Set<string>();
  const lists = new WeakMap<Registry, ToolList>();
  let latest: ToolList | undefined;
  let first: string | undefined;

  /** The same object for as long as clients see the same, so that what was derived from it stays good. */
  function listOf(snapshot: Registry): ToolList {
    let list = lists.get(snapshot);
    if (list === undefined) {
      list = buildList(snapshot, options);
      noteShadowed(snapshot);
      if (latest?.fingerprint === list.fingerprint) list = latest;
      lists.set(snapshot, list);
      latest = list;
    }
    return list;
  }

  function noteShadowed(snapshot: Registry): void {
    for (const name of OWN_NAMES) {
      if (shadowed.has(name) || snapshot.get(name)?.name !== name) continue;
      shadowed.add(name);
      options.logger.warn('A published tool has the name of one of the search tools, which goes before it', {
        tool: name,
      });
    }
  }

  function show(snapshot: Registry): ToolList {
    const list = listOf(snapshot);
    first ??= list.fingerprint;
    return list;
  }

  return {
    current() {
      const snapshot = registry.current();
      return snapshot && show(snapshot);
    },
    ready: async (signal) => show(await registry.ready(signal)),
    onChange(listener) {
      const snapshot = registry.current();
      let known = snapshot && listOf(snapshot).fingerprint;
      return registry.onChange((changed) => {
        const list = listOf(changed);
        // The registry does not tell of its first snapshot; what clients saw of it is what they know.
        const before = known ?? first;
        known = list.fingerprint;
        if (list.fingerprint !== before) listener(list);
      });
    },
  };
}

function buildList(registry: Registry, { pinned, splitEffects }: ToolListOptions): ToolList {
  const calls = effectsOf(registry, splitEffects).split ? [callReadTool, callWriteTool] : [callTool];
  const own = [searchTools, describeTool, ...calls].map(({ tool }) => tool);
  const published = registry.tools.filter((tool) => !OWN_NAMES.has(tool.name) && pinned(tool));
  const tools: ListedTool[] = [...own, ...published];
  tools.sort((a, b) => (a.name < b.name ? -1 : 1));
  return Object.freeze({ tools: Object.freeze(tools), fingerprint: listFingerprint(tools) });
}
