import type * as z from 'zod';

/** What zod knows of a schema, as far as a path leads through it. */
interface Opened {
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  unwrap?(): z.ZodType;
}

/** The issues that a reader can act on: see `leavesOf`. What follows from a misspelt key is left out. */
export function actionable(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const leaves = issues.flatMap(leavesOf);
  const at = ({ path }: z.core.$ZodIssue): string => JSON.stringify(path);
  const misspelt = new Set(leaves.filter(({ code }) => code === 'unrecognized_keys').map(at));
  return leaves.filter((issue) => issue.code !== 'custom' || !misspelt.has(at(issue)));
}

/**
 * An issue as those that a reader can act on: of the alternatives of a union the one that the value was meant
 * to be, and of a key that is not allowed the reason.
 */
function leavesOf(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code === 'invalid_key') {
    const [reason] = issue.issues;
    return [{ ...issue, message: reason?.message ?? issue.message }];
  }
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.find(
    (alternative) => !alternative.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  if (meant === undefined) return [issue];
  return meant.flatMap((inner) => leavesOf({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** The keys that an object of the configuration may have at a place. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const opened = unwrapped(schema);
  const [step, ...rest] = path;
  if (opened.options !== undefined) return opened.options.flatMap((option) => keysAt(option, path));
  if (step === undefined) return Object.keys(opened.shape ?? {});
  const next = opened.shape?.[String(step)] ?? opened.element ?? opened.valueType;
  return next === undefined ? [] : keysAt(next, rest);
}

/** Without what makes it optional or gives it a default. */
function unwrapped(schema: z.ZodType): Opened {
  let current = schema as z.ZodType & Opened;
  // A list has an unwrap of its own, which answers its element.
  while (current.unwrap !== undefined && current.element === undefined) {
    current = current.unwrap();
  }
  return current;
}
