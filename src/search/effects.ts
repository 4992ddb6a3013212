import type { PublishedTool, Registry } from '../model/registry.ts';
import { callReadTool, callTool, callWriteTool } from './search-tools.ts';

/** Which of the bridge's tools calls a tool of one snapshot. */
export interface Effects {
  /** Whether `call_read_tool` calls read-only tools and `call_write_tool` all others. */
  readonly split: boolean;
  /** Returns the name of the bridge's tool that calls a tool. */
  callerOf(tool: PublishedTool): string;
}

/**
 * Returns how tools are called. As soon as one tool is declared read-only, `call_read_tool` and `call_write_tool`
 * apply.
 */
export function effectsOf(registry: Registry): Effects {
  const split = registry.tools.some(onlyReads);
  return {
    split,
    callerOf(tool) {
      if (!split) return callTool.tool.name;
      return (onlyReads(tool) ? callReadTool : callWriteTool).tool.name;
    },
  };
}

/** Returns whether the operator has declared a tool read-only. */
export function onlyReads({ annotations }: PublishedTool): boolean {
  return annotations['readOnlyHint'] === true;
}
