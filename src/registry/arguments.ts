import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { ParsedArguments, PublishedTool } from '../model/registry.ts';
import { type ArgumentSchema, argumentSchema, check } from './argument-schema.ts';
import type { ToolInput } from './input.ts';
import { got, toProblems } from './problems.ts';

/**
 * The function that checks and coerces the arguments of one tool. `inputSchema` is what it publishes, `inputOf` says
 * what that was made of: it is asked at the first call, since most tools of a workspace are never called, and what
 * is needed to check arguments is far larger than a schema.
 */
export function argumentParser(
  inputOf: () => ToolInput,
  inputSchema: JsonObject,
): PublishedTool['parseArguments'] {
  let made: ReturnType<typeof madeOf> | undefined;
  return (args) => {
    const given = args ?? {};
    if (!isJsonObject(given)) {
      const message = `the arguments are expected as an object, got ${got(given, false)}`;
      return { ok: false, problems: [{ path: '', message }] };
    }
    made ??= madeOf(inputOf());
    const { input, schema } = made;
    const checked = check(schema, given);
    if (!checked.ok) {
      return { ok: false, problems: toProblems(checked.issues, given, inputSchema, input.reserved) };
    }
    return { ok: true, parameters: toParameters(input, checked.value as JsonObject) };
  };
}

function madeOf(input: ToolInput): { readonly input: ToolInput; readonly schema: ArgumentSchema } {
  return { input, schema: argumentSchema(input.value) };
}

function toParameters(
  input: ToolInput,
  values: JsonObject,
): Extract<ParsedArguments, { ok: true }>['parameters'] {
  const given: [string, Json][] = [];
  for (const [argument, value] of Object.entries(values)) {
    if (value !== undefined) given.push([input.names.get(argument) ?? argument, value]);
  }
  return Object.fromEntries([...input.fixed, ...given]);
}
