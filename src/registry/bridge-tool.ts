import { zodToJsonSchema } from 'zod-to-json-schema';
import { z } from 'zod/v3';
import { argumentsError, type BridgeError, type Problem } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { ListedTool } from '../model/registry.ts';
import { type CheckedArguments, checkArguments } from './arguments.ts';
import { checkerOf } from './check.ts';
import { valueOfJsonSchema } from './json-schema.ts';
import { deepFreeze, publishSchema } from './publish-schema.ts';

/** Zod 3: for an object of zod 4, `zod-to-json-schema` returns an empty schema. */
export { z };

export interface BridgeTool<V> {
  readonly tool: ListedTool;
  /** Checks and coerces arguments, with the same messages as for Dify's tools. */
  parse(args: unknown): CheckedArguments<V>;
}

/** Returns a tool of the bridge. Its schema is read and published as that of any other tool. */
export function defineBridgeTool<A extends z.AnyZodObject>({
  input,
  ...listed
}: Omit<ListedTool, 'inputSchema' | 'outputSchema'> & { readonly input: A }): BridgeTool<
  Readonly<z.output<A>>
> {
  const { name, title, description, annotations } = listed;
  const value = valueOfJsonSchema(schemaOf(input));
  const check = checkerOf(value);
  const inputSchema = publishSchema(value);
  return {
    tool: deepFreeze({ name, title, description, inputSchema, annotations }),
    parse(args) {
      const checked = checkArguments(check, args);
      return checked.ok ? { ...checked, values: checked.values as z.output<A> } : checked;
    },
  };
}

/** Returns the error for arguments that do not fit a tool of the bridge. */
export function wrongArguments(
  tool: ListedTool,
  problems: readonly Problem[],
  hint = 'Correct the arguments and call again.',
): BridgeError {
  return argumentsError(tool.name, problems, hint);
}

function schemaOf(input: z.AnyZodObject): JsonObject {
  // The round trip through JSON removes members that are undefined.
  return JSON.parse(JSON.stringify(zodToJsonSchema(input, { $refStrategy: 'none' }))) as JsonObject;
}
