import { errorResult, type ToolResult } from '../model/content.ts';
import { BridgeError } from '../model/errors.ts';
import type { PublishedTool, Registry } from '../model/registry.ts';
import type { ToolRef } from '../model/tool.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import { definitionOf } from '../model/tool-definition.ts';
import { wrongArguments } from '../registry/bridge-tool.ts';
import { unknownTool } from '../registry/unknown-tool.ts';
import { effectsOf, onlyReads } from './effects.ts';
import { searchAnswer } from './search-answer.ts';
import { createSearchIndex } from './search-index.ts';
import * as tools from './search-tools.ts';

export interface SearchScope {
  readonly registry: Registry;
  /** Names of all tools of the bridge itself: `call_tool` does not call those. */
  readonly bridgeTools: ReadonlySet<string>;
  /** The tools that were published under names of before. */
  readonly previousNames: ReadonlyMap<string, ToolRef>;
}

/** A result, or the published tool that is to be called with which arguments. */
export type SearchOutcome =
  | { readonly kind: 'result'; readonly result: ToolResult }
  | { readonly kind: 'call'; readonly tool: PublishedTool; readonly args: unknown };

const CALL_HINT =
  'The arguments of the tool itself go into "arguments": {"name": "…", "arguments": {"…": "…"}}. Correct them and ' +
  'call again.';

/**
 * Answers the tools that search, describe and call the published tools of one view. Mistakes in their use are results
 * with `isError`. The index is kept from one registry to the next and reads only what has changed.
 */
export class ToolSearch {
  readonly #index = createSearchIndex();

  async answer(name: string, args: unknown, scope: SearchScope): Promise<SearchOutcome> {
    if (name === tools.searchTools.tool.name) return result(await this.#search(args, scope));
    if (name === tools.describeTool.tool.name) return result(describe(args, scope));
    const others = [tools.callReadTool, tools.callWriteTool];
    return target(others.find(({ tool }) => tool.name === name) ?? tools.callTool, args, scope);
  }

  async #search(args: unknown, { registry }: SearchScope): Promise<ToolResult> {
    const parsed = tools.searchTools.parse(args);
    if (!parsed.ok) return wrongArguments(tools.searchTools.tool, parsed.problems);
    await this.#index.follow(registry);
    return searchAnswer(parsed.values, registry, this.#index, effectsOf(registry));
  }
}

function describe(args: unknown, scope: SearchScope): ToolResult {
  const parsed = tools.describeTool.parse(args);
  if (!parsed.ok) return wrongArguments(tools.describeTool.tool, parsed.problems);
  const { registry } = scope;
  const { name } = parsed.values;
  const found = registry.get(name);
  if (found === undefined) return missing(name, scope);
  const definition = { ...definitionOf(found), callWith: effectsOf(registry).callerOf(found) };
  return { content: [{ type: 'text', text: wellFormedJson(definition) }], structuredContent: definition };
}

/** The tool that one of the calling tools is to call. */
function target(caller: typeof tools.callTool, args: unknown, scope: SearchScope): SearchOutcome {
  const parsed = caller.parse(args);
  if (!parsed.ok) return result(wrongArguments(caller.tool, parsed.problems, CALL_HINT));
  const { registry } = scope;
  const { name, arguments: given = {} } = parsed.values;
  const found = registry.get(name);
  if (found === undefined) return result(missing(name, scope));
  const fitting = effectsOf(registry).callerOf(found);
  // call_tool calls every tool, and call_write_tool does while call_tool is the listed one: a client may have its list
  // from before the tools were split, or from before they were joined again.
  const fits =
    caller.tool.name === fitting ||
    caller === tools.callTool ||
    (caller === tools.callWriteTool && fitting === tools.callTool.tool.name);
  return fits ? { kind: 'call', tool: found, args: given } : result(wrongCaller(found, fitting));
}

/** The tool is called by another tool of the bridge: `caller`. */
function wrongCaller(tool: PublishedTool, caller: string): ToolResult {
  const kind = onlyReads(tool) ? 'only reads' : 'is not known to only read';
  const hint = `It was not called. Call it with ${caller} and the same arguments.`;
  return errorResult(new BridgeError('invalid_arguments', `The tool ${tool.name} ${kind}.`, { hint }));
}

/** Why no published tool has that name. It is a result, since a model can put it right by itself. */
function missing(name: string, { registry, bridgeTools, previousNames }: SearchScope): ToolResult {
  if (!bridgeTools.has(name)) {
    return errorResult(unknownTool(registry, name, previousNames, tools.SEARCH_DIRECTORY));
  }
  const hint = 'Call it directly, by its own name.';
  return errorResult(new BridgeError('tool_not_found', `${name} is a tool of the bridge itself.`, { hint }));
}

function result(made: ToolResult): SearchOutcome {
  return { kind: 'result', result: made };
}
