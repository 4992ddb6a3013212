import type { Registry } from '../model/registry.ts';
import type { ToolRef } from '../model/tool.ts';

/** The most names to remember. Beyond that, the oldest are forgotten. */
const CAPACITY = 2_000;

/** Remembers which tool had a name that is no longer published. */
export function createNameHistory(capacity: number = CAPACITY) {
  const gone = new Map<string, ToolRef>();
  return {
    /** The last tool of each name that is no longer published. */
    gone: gone as ReadonlyMap<string, ToolRef>,
    /** Follows a change of the registry: adds the names that disappeared and removes those that came back. */
    record(before: Registry | undefined, after: Registry): void {
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
  };
}
