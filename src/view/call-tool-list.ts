import type { Logger } from '../model/logger.ts';
import type { ListedTool, ToolList, ToolListSource } from '../model/registry.ts';
import { listFingerprint } from '../registry/fingerprint.ts';

export interface CallToolListOptions {
  readonly source: ToolListSource;
  /** The tools to add at present; none where hand-off is off. */
  readonly own: () => readonly ListedTool[];
  readonly logger: Logger;
}

/** A list with further tools of the bridge in it. */
export interface CallToolList {
  readonly tools: ToolListSource;
  /** Runs a change of the source or of `own`; listeners hear of the outcome once, if it differs for them. */
  apply(change: () => void): void;
}

/** Adds the bridge's own tools to a list. A listed tool with the name of one of them is not shown. */
export function createCallToolList({ source, own, logger }: CallToolListOptions): CallToolList {
  const listeners = new Set<(list: ToolList) => void>();
  const warned = new Set<string>();
  let latest:
    | { readonly of: ToolList; readonly own: readonly ListedTool[]; readonly list: ToolList }
    | undefined;
  let isChanging = false;

  /** The same object for as long as it says the same, so that what was derived from it stays good. */
  function listOf(list: ToolList): ToolList {
    const added = own();
    if (added.length === 0) return list;
    if (latest?.of === list && latest.own === added) return latest.list;
    const names = new Set(added.map(({ name }) => name));
    const shown = list.tools.filter(({ name }) => !names.has(name));
    if (shown.length < list.tools.length) warnOfShadowed(list, names);
    const tools = [...added, ...shown].sort((a, b) => (a.name < b.name ? -1 : 1));
    latest = {
      of: list,
      own: added,
      list: Object.freeze({ tools: Object.freeze(tools), fingerprint: listFingerprint(tools) }),
    };
    return latest.list;
  }

  function warnOfShadowed(list: ToolList, names: ReadonlySet<string>): void {
    for (const { name } of list.tools) {
      if (!names.has(name) || warned.has(name)) continue;
      warned.add(name);
      logger.warn('A published tool has the name of one of the call tools, which goes before it', {
        tool: name,
      });
    }
  }

  function current(): ToolList | undefined {
    const list = source.current();
    return list && listOf(list);
  }

  function notify(list: ToolList): void {
    for (const listener of listeners) listener(list);
  }

  source.onChange((list) => {
    if (!isChanging) notify(listOf(list));
  });

  return {
    tools: {
      current,
      ready: async (signal) => listOf(await source.ready(signal)),
      onChange(listener) {
        // A wrapper of its own, so that a function registered twice is two listeners.
        const own = (list: ToolList): void => listener(list);
        listeners.add(own);
        return () => void listeners.delete(own);
      },
    },

    apply(change) {
      const before = current()?.fingerprint;
      isChanging = true;
      try {
        change();
      } finally {
        isChanging = false;
      }
      const after = current();
      if (before !== undefined && after !== undefined && before !== after.fingerprint) notify(after);
    },
  };
}
