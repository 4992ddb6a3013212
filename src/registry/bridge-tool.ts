import { zodToJsonSchema } from 'zod-to-json-schema';
import { z } from 'zod/v3';
import { errorResult, type ToolResult } from '../model/content.ts';
import { BridgeError, type Problem } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { ListedTool } from '../model/registry.ts';
import { type CheckedArguments, checkArguments } from './arguments.ts';
import { checkerOf } from './check.ts';
import { valueOfJsonSchema } from './json-schema.ts';
import { deepFreeze } from './publish-schema.ts';

/** Zod 3: for an object of zod 4, `zod-to-json-schema` returns an empty schema. */
export { z };

/** The definition of one of the bridge's own tools. */
export interface BridgeToolDefinition<A extends z.AnyZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: A;
  readonly annotations: JsonObject;
}

/** One of the bridge's own tools. */
export interface BridgeTool<V> {
  /** The tool as clients see it. */
  readonly tool: ListedTool;
  /** Checks and coerces arguments, with the same messages as for Dify's tools. */
  parse(args: unknown): CheckedArguments<V>;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Returns one of the bridge's own tools. Its published schema is read like any other JSON Schema, so that its arguments
 * are checked in the same way.
 */
export function defineBridgeTool<A extends z.AnyZodObject>(
  definition: BridgeToolDefinition<A>,
): BridgeTool<Readonly<z.output<A>>> {
  const { name, title, description, input, annotations } = definition;
  const inputSchema = schemaOf(input);
  const check = checkerOf(valueOfJsonSchema({ ...inputSchema, additionalProperties: false }));
  return {
    tool: deepFreeze({ name, title, description, inputSchema, annotations: { ...annotations } }),
    parse(args) {
      const checked = checkArguments(check, args, NONE);
      return checked.ok ? { ...checked, values: checked.values as z.output<A> } : checked;
    },
  };
}

/** Returns the error for wrong arguments of one of the bridge's own tools. */
export function wrongArguments(
  tool: ListedTool,
  problems: readonly Problem[],
  hint = 'Correct the arguments and call again.',
): ToolResult {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const message = `The arguments do not fit the tool ${tool.name}: ${count}.`;
  return errorResult(new BridgeError('invalid_arguments', message, { problems, hint }));
}

function schemaOf(input: z.AnyZodObject): JsonObject {
  const { $schema: _, ...schema } = zodToJsonSchema(input, {
    $refStrategy: 'none',
    // As for Dify's tools, unknown arguments are refused although the schema does not say so.
    rejectedAdditionalProperties: undefined,
  });
  // The round trip through JSON removes members that are undefined.
  return JSON.parse(JSON.stringify(schema)) as JsonObject;
}
