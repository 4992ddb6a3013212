import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { PublishedTool } from '../model/registry.ts';
import type { Problem } from '../model/errors.ts';
import { type Checked, checkerOf } from './check.ts';
import type { ToolInput } from './input.ts';
import { got, toProblems } from './problems.ts';

/** Arguments that passed, or everything that is wrong with them. */
export type CheckedArguments<V> =
  | { readonly ok: true; readonly values: V }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Checks and coerces the arguments of one tool. Calls `inputOf` late: most tools are never called. */
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

/** Checks and coerces arguments; none at all are none given. `reserved` are parameters that callers do not set. */
export function checkArguments(
  check: (input: unknown) => Checked,
  args: unknown,
  reserved: ReadonlySet<string> = new Set(),
): CheckedArguments<JsonObject> {
  const given = args ?? {};
  if (!isJsonObject(given)) {
    const message = `the arguments are expected as an object, got ${got(given, false)}`;
    return { ok: false, problems: [{ path: '', message }] };
  }
  const checked = check(given);
  if (!checked.ok) return { ok: false, problems: toProblems(checked.issues, reserved) };
  return { ok: true, values: checked.value as JsonObject };
}

function toParameters({ names, fixed }: ToolInput, values: JsonObject): JsonObject {
  const given = Object.entries(values).map(([argument, value]) => [names.get(argument) ?? argument, value]);
  return Object.fromEntries([...fixed, ...given]) as JsonObject;
}
