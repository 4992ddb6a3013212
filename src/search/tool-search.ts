import { errorResult, type ToolResult, withIgnored } from '../model/content.ts';
import { argumentsError, BridgeError } from '../model/errors.ts';
import type { PublishedTool, Registry } from '../model/registry.ts';
import type { ToolRef } from '../model/tool.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import { definitionOf } from '../model/tool-definition.ts';
import { unknownTool } from '../registry/unknown-tool.ts';
import { effectsOf, onlyReads } from './effects.ts';
import { searchAnswer } from './search-answer.ts';
import { createSearchIndex } from './search-index.ts';
import * as tools from './search-tools.ts';

export interface SearchScope {
  readonly registry: Registry;
  /** The names of the bridge's own tools, which `call_tool` does not call. */
  readonly bridgeTools: ReadonlySet<string>;
  /** Finds the tools that were published under earlier names. */
  readonly previousNames: ReadonlyMap<string, ToolRef>;
}

/** A result, or the published tool to call and its arguments. */
export type SearchOutcome =
  | { readonly kind: 'result'; readonly result: ToolResult; readonly error?: BridgeError | undefined }
  | {
      readonly kind: 'call';
      readonly tool: PublishedTool;
      readonly args: unknown;
      /** Arguments of the search tool that it does not have: the result names them. */
      readonly ignored?: readonly string[] | undefined;
    };

const CALL_HINT =
  'Put the arguments of the tool itself into "arguments": {"name": "…", "arguments": {"…": "…"}}. Correct them and ' +
  'call again.';

/**
 * Answers the tools that search, describe and call the published tools of one view. Mistakes in their use are results
 * with `isError`. The index survives a change of the registry and reads only what has changed.
 */
export class ToolSearch {
  readonly #index = createSearchIndex();

  async answer(name: string, args: unknown, scope: SearchScope): Promise<SearchOutcome> {
    try {
      if (name === tools.searchTools.tool.name) return result(await this.#search(args, scope));
      if (name === tools.describeTool.tool.name) return result(describe(args, scope));
      const others = [tools.callReadTool, tools.callWriteTool];
      return target(others.find(({ tool }) => tool.name === name) ?? tools.callTool, args, scope);
    } catch (error) {
      if (error instanceof BridgeError) return { kind: 'result', result: errorResult(error), error };
      throw error;
    }
  }

  async #search(args: unknown, { registry }: SearchScope): Promise<ToolResult> {
    const { values, ignored } = tools.searchTools.parse(args);
    await this.#index.follow(registry);
    return withIgnored(searchAnswer(values, registry, this.#index, effectsOf(registry)), ignored);
  }
}

function describe(args: unknown, scope: SearchScope): ToolResult {
  const { values, ignored } = tools.describeTool.parse(args);
  const { registry } = scope;
  const { name } = values;
  const found = registry.get(name);
  if (found === undefined) throw missing(name, scope);
  const definition = { ...definitionOf(found), callWith: effectsOf(registry).callerOf(found) };
  const text = wellFormedJson(definition);
  return withIgnored({ content: [{ type: 'text', text }], structuredContent: definition }, ignored);
}

function target(caller: typeof tools.callTool, args: unknown, scope: SearchScope): SearchOutcome {
  const { values, ignored } = caller.parse(args, CALL_HINT);
  const { registry } = scope;
  const { name, arguments: given } = values;
  if (given === undefined && ignored !== undefined) {
    // They may be meant for the tool, which must not run without them.
    const problems = ignored.map((key) => ({ path: `/${key}`, message: 'unknown argument' }));
    throw argumentsError(caller.tool.name, problems, CALL_HINT);
  }
  const found = registry.get(name);
  if (found === undefined) throw missing(name, scope);
  const fitting = effectsOf(registry).callerOf(found);
  // call_tool calls every tool, and so does call_write_tool while call_tool is listed: a client's list may be older
  // than the last change between them.
  const fits =
    caller.tool.name === fitting ||
    caller === tools.callTool ||
    (caller === tools.callWriteTool && fitting === tools.callTool.tool.name);
  if (!fits) throw wrongCaller(found, fitting);
  return { kind: 'call', tool: found, args: given ?? {}, ignored };
}

/** Returns the error for a tool that `caller`, another of the bridge's tools, must call. */
function wrongCaller(tool: PublishedTool, caller: string): BridgeError {
  const kind = onlyReads(tool) ? 'is read-only' : 'is not known to be read-only';
  const hint = `It was not called. Call it with ${caller} and the same arguments.`;
  return new BridgeError('invalid_arguments', `The tool ${tool.name} ${kind}.`, { hint });
}

/** Returns why no published tool has that name. It becomes a result, which a model reads and can correct by itself. */
function missing(name: string, { registry, bridgeTools, previousNames }: SearchScope): BridgeError {
  if (!bridgeTools.has(name)) return unknownTool(registry, name, previousNames, tools.SEARCH_DIRECTORY);
  const hint = 'Call it directly by its name.';
  return new BridgeError('tool_not_found', `${name} is one of the bridge's own tools.`, { hint });
}

function result(made: ToolResult): SearchOutcome {
  return { kind: 'result', result: made };
}
