import { zodToJsonSchema } from 'zod-to-json-schema';
import { z } from 'zod/v3';
import { argumentsError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { ListedTool } from '../model/registry.ts';
import { checkArguments } from './arguments.ts';
import { checkerOf } from './check.ts';
import { valueOfJsonSchema } from './json-schema.ts';
import { deepFreeze, publishSchema } from './publish-schema.ts';

/** Zod 3: for an object of zod 4, `zod-to-json-schema` returns an empty schema. */
export { z };

export interface BridgeTool<V> {
  readonly tool: ListedTool;
  /**
   * Returns the arguments, checked and coerced as those of Dify's tools, and the names of those that are ignored.
   * @throws BridgeError `invalid_arguments` with all problems and the hint.
   */
  parse(
    args: unknown,
    hint?: string,
  ): { readonly values: V; readonly ignored?: readonly string[] | undefined };
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
    parse(args, hint = 'Correct the arguments and call again.') {
      const checked = checkArguments(check, args);
      if (!checked.ok) throw argumentsError(name, checked.problems, hint);
      return { values: checked.values as z.output<A>, ignored: checked.ignored };
    },
  };
}

function schemaOf(input: z.AnyZodObject): JsonObject {
  // The round trip through JSON removes members that are undefined.
  return JSON.parse(JSON.stringify(zodToJsonSchema(input, { $refStrategy: 'none' }))) as JsonObject;
}
