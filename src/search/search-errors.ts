import { errorResult, type ToolResult } from '../model/content.ts';
import { BridgeError } from '../model/errors.ts';
import type { PublishedTool, Registry } from '../model/registry.ts';
import { similarNames } from '../registry/explain.ts';
import { onlyReads } from './effects.ts';
import { SEARCH_DIRECTORY } from './search-tools.ts';

// What a model gets wrong with these tools it can put right by itself: so all of this is results that it reads,
// where a wrong name in tools/call would be a protocol error.

/** The name is that of a tool of the bridge, which calls only published ones. */
export function bridgeToolName(name: string): ToolResult {
  const hint = 'Call it directly, by its own name.';
  return errorResult(new BridgeError('tool_not_found', `${name} is a tool of the bridge itself.`, { hint }));
}

/** No published tool has that name: why (`error`), which are similar, and how to find the right one. */
export function unknownName(name: string, registry: Registry, error: BridgeError): ToolResult {
  const isWithheld = registry.withheld.some((tool) => tool.name === name);
  const similar = similarNames(registry, name).filter((other) => registry.get(other) !== undefined);
  // What else the error advises is for clients that have all names from tools/list.
  const advice = isWithheld ? error.hint : similar.length > 0 && `Similar names: ${similar.join(', ')}.`;
  // Advice of several lines ends with some of a configuration.
  const separator = typeof advice === 'string' && advice.includes('\n') ? '\n' : ' ';
  const hint = [advice, SEARCH_DIRECTORY.others].filter(Boolean).join(separator);
  return errorResult(new BridgeError('tool_not_found', error.message, { hint }));
}

/** The tool is called by another tool of the bridge: `caller`. */
export function wrongCaller(tool: PublishedTool, caller: string): ToolResult {
  const kind = onlyReads(tool) ? 'only reads' : 'is not known to only read';
  const hint = `It was not called. Call it with ${caller} and the same arguments.`;
  return errorResult(new BridgeError('invalid_arguments', `The tool ${tool.name} ${kind}.`, { hint }));
}
