import type { PublishedTool, Registry } from '../model/registry.ts';
import { callReadTool, callTool, callWriteTool } from './search-tools.ts';

/** `auto`: as soon as a published tool is declared to only read, such tools are called by a tool of their own. */
export type SplitEffects = 'auto' | 'never';

/** How the tools of one snapshot are called. */
export interface Effects {
  /** Tools that only read are called by `call_read_tool`, all others by `call_write_tool`. */
  readonly split: boolean;
  /** The name of the own tool by which a tool is called. */
  callerOf(tool: PublishedTool): string;
}

/** How the tools of a registry are called. */
export function effectsOf(registry: Registry, splitEffects: SplitEffects): Effects {
  const split = splitEffects === 'auto' && registry.tools.some(onlyReads);
  return {
    split,
    callerOf(tool) {
      if (!split) return callTool.tool.name;
      return (onlyReads(tool) ? callReadTool : callWriteTool).tool.name;
    },
  };
}

/** True for a tool of which the operator has declared that it changes nothing. */
export function onlyReads({ annotations }: PublishedTool): boolean {
  return annotations['readOnlyHint'] === true;
}
