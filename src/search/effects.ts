import type { PublishedTool, Registry } from '../model/registry.ts';
import { callReadTool, callTool, callWriteTool } from './search-tools.ts';

/** How the tools of one snapshot are called. */
export interface Effects {
  /** Tools that only read are called by `call_read_tool`, all others by `call_write_tool`. */
  readonly split: boolean;
  /** The name of the tool of the bridge by which a tool is called. */
  callerOf(tool: PublishedTool): string;
}

/** How the tools of a registry are called: as soon as one is declared to only read, such tools have a caller of their own. */
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

/** True for a tool that the operator has declared to change nothing. */
export function onlyReads({ annotations }: PublishedTool): boolean {
  return annotations['readOnlyHint'] === true;
}
