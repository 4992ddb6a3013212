import { errorResult, type ToolResult } from '../model/content.ts';
import { BridgeError } from '../model/errors.ts';
import type { PublishedTool, Registry } from '../model/registry.ts';
import { similarNames } from '../registry/explain.ts';
import { onlyReads } from './effects.ts';
import { SEARCH_DIRECTORY } from './search-tools.ts';

// A model can correct its own mistakes with these tools. So they are results that it reads, whereas a wrong name in
// tools/call is a protocol error.

/** Returns the error for the name of one of the bridge's own tools: only published tools can be called. */
export function bridgeToolName(name: string): ToolResult {
  const hint = 'Call it directly by its name.';
  return errorResult(
    new BridgeError('tool_not_found', `${name} is one of the bridge's own tools.`, { hint }),
  );
}

/** Returns the error for an unpublished name: the reason (`error`), similar names, and how to find the right one. */
export function unknownName(name: string, registry: Registry, error: BridgeError): ToolResult {
  const isWithheld = registry.withheld.some((tool) => tool.name === name);
  const similar = similarNames(registry, name).filter((other) => registry.get(other) !== undefined);
  // The rest of the error's advice is for clients that have all names from tools/list.
  const advice = isWithheld ? error.hint : similar.length > 0 && `Similar names: ${similar.join(', ')}.`;
  // Advice of several lines ends with an excerpt of a configuration.
  const separator = typeof advice === 'string' && advice.includes('\n') ? '\n' : ' ';
  const hint = [advice, SEARCH_DIRECTORY.others].filter(Boolean).join(separator);
  return errorResult(new BridgeError('tool_not_found', error.message, { hint }));
}

/** Returns the error for a tool that `caller`, another of the bridge's tools, must call. */
export function wrongCaller(tool: PublishedTool, caller: string): ToolResult {
  const kind = onlyReads(tool) ? 'is read-only' : 'is not known to be read-only';
  const hint = `It was not called. Call it with ${caller} and the same arguments.`;
  return errorResult(new BridgeError('invalid_arguments', `The tool ${tool.name} ${kind}.`, { hint }));
}
