import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { PublishedTool } from '../model/registry.ts';
import type { Problem } from '../model/errors.ts';
import { excessOf } from './argument-limits.ts';
import { type Checked, checkerOf } from './check.ts';
import type { ToolInput } from './input.ts';
import { got, isIgnorable, toProblems } from './problems.ts';

/** The most unknown arguments that are ignored. Comparing each with all parameters takes time. */
const MAX_IGNORED = 100;

type CheckedArguments =
  | { readonly ok: true; readonly values: JsonObject; readonly ignored?: readonly string[] | undefined }
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
    if (!checked.ok) return checked;
    const parameters = { ...Object.fromEntries(input.fixed), ...checked.values };
    return { ok: true, parameters, ignored: checked.ignored };
  };
}

/**
 * Checks and coerces arguments. No arguments count as an empty object. Callers cannot set `reserved` parameters.
 *
 * An unknown argument that resembles a known one is a mistake. Any other is left out and reported as ignored, because some
 * clients add arguments of their own to every call.
 */
export function checkArguments(
  check: (input: unknown) => Checked,
  args: unknown,
  reserved: ReadonlySet<string> = new Set(),
): CheckedArguments {
  const given = args ?? {};
  if (!isJsonObject(given)) {
    const message = `expected the arguments as an object, got ${got(given, false)}`;
    return { ok: false, problems: [{ path: '', message }] };
  }
  const excess = excessOf(given);
  if (excess !== undefined) return { ok: false, problems: [excess] };
  const { value, issues } = check(given);
  const isFew = issues.length <= MAX_IGNORED;
  const ignored = issues.flatMap((issue) =>
    isFew && isIgnorable(issue, reserved) ? [issue.path.join('.')] : [],
  );
  if (ignored.length < issues.length) return { ok: false, problems: toProblems(issues, reserved) };
  // Arguments may be JSON texts of arrays and objects, so that the checked value can be larger than the given one.
  const grown = excessOf(value as JsonObject);
  if (grown !== undefined) return { ok: false, problems: [grown] };
  return { ok: true, values: value as JsonObject, ignored: ignored.length === 0 ? undefined : ignored };
}
