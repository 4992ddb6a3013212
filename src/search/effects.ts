import type { PublishedTool, Registry } from '../model/registry.ts';
import { callReadTool, callTool, callWriteTool } from './search-tools.ts';

/** How the tools of one snapshot are called. */
export type Effects = ReturnType<typeof effectsOf>;

/** Returns how the tools of a registry are called: as soon as one only reads, such tools have a caller of their own. */
export function effectsOf(registry: Registry) {
  const split = registry.tools.some(onlyReads);
  return {
    /** Whether `call_read_tool` calls the tools that only read, and `call_write_tool` all others. */
    split,
    callerOf(tool: PublishedTool): string {
      if (!split) return callTool.tool.name;
      return (onlyReads(tool) ? callReadTool : callWriteTool).tool.name;
    },
  };
}

export function onlyReads({ annotations }: PublishedTool): boolean {
  return annotations['readOnlyHint'] === true;
}
