import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { ParsedArguments, PublishedTool } from '../model/registry.ts';
import type { Problem } from '../model/errors.ts';
import { type Checked, checkerOf } from './check.ts';
import type { ToolInput } from './input.ts';
import { got, toProblems } from './problems.ts';

/** Checked arguments, or all their problems. */
export type CheckedArguments<V> =
  | { readonly ok: true; readonly values: V }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Returns the function that checks and coerces the arguments of one tool. Calls `inputOf` only at the first call,
 * because most tools of a workspace are never called.
 */
export function argumentParser(inputOf: () => ToolInput): PublishedTool['parseArguments'] {
  let made: { readonly input: ToolInput; readonly check: (input: unknown) => Checked } | undefined;
  return (args) => {
    if (made === undefined) {
      const input = inputOf();
      made = { input, check: checkerOf(input.value) };
    }
    const { input, check } = made;
    const checked = checkArguments(check, args, input.reserved);
    return checked.ok ? { ok: true, parameters: toParameters(input, checked.values) } : checked;
  };
}

/** Checks and coerces arguments. No arguments count as an empty object. Callers cannot set `reserved` parameters. */
export function checkArguments(
  check: (input: unknown) => Checked,
  args: unknown,
  reserved: ReadonlySet<string>,
): CheckedArguments<JsonObject> {
  const given = args ?? {};
  if (!isJsonObject(given)) {
    const message = `expected the arguments as an object, got ${got(given, false)}`;
    return { ok: false, problems: [{ path: '', message }] };
  }
  const checked = check(given);
  if (!checked.ok) return { ok: false, problems: toProblems(checked.issues, reserved) };
  return { ok: true, values: checked.value as JsonObject };
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
