import type { CallContext, CallTool } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import type { BridgeError } from '../model/errors.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import type { PublishedTool, Registry, RegistrySource, ToolListSource } from '../model/registry.ts';
import { definitionOf } from '../model/tool-definition.ts';
import { unknownTool } from '../registry/unknown-tool.ts';
import { effectsOf, type SplitEffects } from '../search/effects.ts';
import * as own from '../search/search-tools.ts';
import { ownName, unknownName, wrongArguments, wrongCaller } from '../search/search-errors.ts';
import { searchAnswer } from '../search/search-answer.ts';
import { createSearchIndex } from '../search/search-index.ts';
import { createToolList } from './search-tool-list.ts';

export interface SearchViewOptions {
  /** All that is published. */
  readonly registry: RegistrySource;
  /** Calls what is published. */
  readonly callTool: CallTool;
  /** True for a tool that clients see by name, besides the own ones. */
  readonly pinned: (tool: PublishedTool) => boolean;
  readonly splitEffects: SplitEffects;
  /** Names of further tools of the bridge itself, which are listed beside these. */
  readonly otherOwnNames?: ReadonlySet<string>;
  /** Why a registry has no tool of a name; what the registry itself knows unless given. */
  readonly unknownTool?: (registry: Registry, name: string) => BridgeError;
  readonly logger?: Logger;
}

/** What the protocol side serves in place of the registry. */
export interface SearchView {
  readonly tools: ToolListSource;
  readonly callTool: CallTool;
}

const CALL_HINT =
  'The arguments of the tool itself go into "arguments": {"name": "…", "arguments": {"…": "…"}}. Correct them and ' +
  'call again.';

/**
 * A large registry as a few tools: clients see the pinned tools and those that search, describe and call. All other
 * published tools can be called by name as well, for clients that know one.
 *
 * The own tools answer mistakes with `isError`; only a missing catalogue rejects. What a called tool answers,
 * reports and throws passes unchanged. Should a published tool have the name of an own one, the own one goes before
 * it in tools/list and tools/call; `call_tool` still reaches the published one.
 */
export function createSearchView(options: SearchViewOptions): SearchView {
  const { registry, callTool, pinned, splitEffects, logger = silentLogger } = options;
  const explain = options.unknownTool ?? unknownTool;
  const index = createSearchIndex();

  async function snapshotFor({ signal }: CallContext): Promise<Registry> {
    return registry.current() ?? registry.ready(signal);
  }

  function missing(snapshot: Registry, name: string): ToolResult {
    if (own.OWN_NAMES.has(name) || options.otherOwnNames?.has(name)) return ownName(name);
    return unknownName(name, snapshot, explain(snapshot, name));
  }

  async function search(args: unknown, context: CallContext): Promise<ToolResult> {
    const parsed = own.searchTools.parse(args);
    if (!parsed.ok) return wrongArguments(own.searchTools.tool, parsed.problems);
    const snapshot = await snapshotFor(context);
    await index.follow(snapshot);
    return searchAnswer(parsed.values, snapshot, index, effectsOf(snapshot, splitEffects));
  }

  async function describe(args: unknown, context: CallContext): Promise<ToolResult> {
    const parsed = own.describeTool.parse(args);
    if (!parsed.ok) return wrongArguments(own.describeTool.tool, parsed.problems);
    const snapshot = await snapshotFor(context);
    const { name } = parsed.values;
    const found = snapshot.get(name);
    if (found === undefined) return missing(snapshot, name);
    const callWith = effectsOf(snapshot, splitEffects).callerOf(found);
    const definition = { ...definitionOf(found), callWith };
    return {
      content: [{ type: 'text', text: JSON.stringify(definition) }],
      structuredContent: definition,
    };
  }

  async function call(caller: typeof own.callTool, args: unknown, context: CallContext): Promise<ToolResult> {
    const parsed = caller.parse(args);
    if (!parsed.ok) return wrongArguments(caller.tool, parsed.problems, CALL_HINT);
    const { name, arguments: given = {} } = parsed.values;
    const snapshot = await snapshotFor(context);
    const found = snapshot.get(name);
    if (found === undefined) return missing(snapshot, name);
    const fitting = effectsOf(snapshot, splitEffects).callerOf(found);
    // call_tool is good for all, and while it is the listed one call_write_tool is as well: a client may have its
    // list from before the tools were split, or are no longer.
    const fits =
      caller.tool.name === fitting ||
      caller === own.callTool ||
      (caller === own.callWriteTool && fitting === own.callTool.tool.name);
    if (!fits) return wrongCaller(found, fitting);
    return callTool(found.name, given, context);
  }

  return {
    tools: createToolList(registry, { pinned, splitEffects, logger }),
    async callTool(name, args, context) {
      switch (name) {
        case own.searchTools.tool.name:
          return search(args, context);
        case own.describeTool.tool.name:
          return describe(args, context);
        case own.callTool.tool.name:
          return call(own.callTool, args, context);
        case own.callReadTool.tool.name:
          return call(own.callReadTool, args, context);
        case own.callWriteTool.tool.name:
          return call(own.callWriteTool, args, context);
        default:
          return callTool(name, args, context);
      }
    },
  };
}
