import type { Registry } from '../model/registry.ts';
import type { ToolRef } from '../model/tool.ts';

/** Names that are remembered at most; the ones that went first are forgotten first. */
const CAPACITY = 2_000;

/** Which tool a name meant that is no longer published. */
export interface NameHistory {
  /** The registry has changed: remembers the names that went, and forgets those that came back. */
  record(before: Registry | undefined, after: Registry): void;
  /** The tools that last had the names which are published no longer. */
  readonly gone: ReadonlyMap<string, ToolRef>;
}

export function createNameHistory(capacity: number = CAPACITY): NameHistory {
  const gone = new Map<string, ToolRef>();
  return {
    record(before, after) {
      if (before === undefined || before === after) return;
      for (const { name } of after.tools) gone.delete(name);
      for (const { name, ref } of before.tools) {
        if (after.get(name) !== undefined) continue;
        gone.delete(name);
        gone.set(name, ref);
      }
      const names = gone.keys();
      for (let excess = gone.size - capacity; excess > 0; excess -= 1) gone.delete(names.next().value ?? '');
    },
    gone,
  };
}
