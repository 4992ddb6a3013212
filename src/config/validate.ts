import { cutText } from '../model/cut-text.ts';
import type * as z from 'zod';
import { type Entry, noSuchSetting, type SourceProblem } from './layers.ts';
import type { Settings } from './schema.ts';
import type { Setting, SettingKind } from './setting.ts';
import { settingsSchema } from './settings.ts';
import { writeJson } from '../model/well-formed.ts';

/** Kinds whose wrong value a message may quote: nobody pastes a key into one of these. */
const SHOWN: readonly SettingKind[] = ['number', 'boolean', 'duration', 'size', 'choice'];

export type Validated =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly SourceProblem[] };

/** Checks merged values against the schema. Every problem names the source of the value. */
export function validate(merged: ReadonlyMap<string, Entry>, table: readonly Setting[]): Validated {
  const tree: Record<string, unknown> = {};
  for (const { path, value } of merged.values()) {
    const [group = '', key] = path.split('.');
    tree[group] = key === undefined ? value : { ...(tree[group] as object | undefined), [key]: value };
  }
  const result = settingsSchema.safeParse(tree);
  if (result.success) return { ok: true, settings: result.data };
  return {
    ok: false,
    problems: actionable(result.error.issues).flatMap((issue) => toProblems(issue, merged, table)),
  };
}

function toProblems(
  issue: z.core.$ZodIssue,
  merged: ReadonlyMap<string, Entry>,
  table: readonly Setting[],
): SourceProblem[] {
  const whole = table.find((setting) => setting.path === issue.path[0]);
  const path = whole?.path ?? issue.path.slice(0, 2).join('.');
  const entry = merged.get(path);
  const depth = path.split('.').length;
  const sourceOf = (parts: readonly PropertyKey[]): string =>
    (parts.length > depth ? entry?.sourceOf?.(parts) : undefined) ?? entry?.source ?? path;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(settingsSchema, issue.path);
    return issue.keys.map((key) => ({
      path,
      source: sourceOf([...issue.path, key]),
      message: noSuchSetting(key, known),
    }));
  }
  const kind = table.find((setting) => setting.path === path)?.kind;
  const shown = kind !== undefined && SHOWN.includes(kind);
  const message = shown
    ? `${issue.message}, got ${show(entry?.value)}${note(path, entry?.value)}`
    : issue.message;
  return [{ path, source: sourceOf(issue.path), message }];
}

function show(value: unknown): string {
  return cutText(writeJson(value) ?? String(value), 60);
}

function note(path: string, value: unknown): string {
  if (path !== 'http.port' || typeof value !== 'string' || !value.startsWith('tcp://')) return '';
  return ' (Kubernetes sets this variable for a Service called dify-bridge: set enableServiceLinks to false)';
}

/** Returns the problems that a reader can act on, without consequences of a misspelt key. */
function actionable(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const leaves = issues.flatMap(leavesOf);
  const at = ({ path }: z.core.$ZodIssue): string => JSON.stringify(path);
  const misspelt = new Set(leaves.filter(({ code }) => code === 'unrecognized_keys').map(at));
  return leaves.filter((issue) => issue.code !== 'custom' || !misspelt.has(at(issue)));
}

/**
 * Splits an issue into those that a reader can act on: in a union, the alternative that the value was
 * meant to be; for a key that is not allowed, the reason.
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

/** Returns the keys that an object of the configuration may have at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const opened = unwrapped(schema);
  const [step, ...rest] = path;
  if (opened.options !== undefined) return opened.options.flatMap((option) => keysAt(option, path));
  if (step === undefined) return Object.keys(opened.shape ?? {});
  const next = opened.shape?.[String(step)] ?? opened.element ?? opened.valueType;
  return next === undefined ? [] : keysAt(next, rest);
}

/** Returns the schema without its wrappers for optional values and defaults. */
function unwrapped(schema: z.ZodType): Opened {
  let current = schema as z.ZodType & Opened;
  // A list has its own unwrap, which returns its element.
  while (current.unwrap !== undefined && current.element === undefined) {
    current = current.unwrap();
  }
  return current;
}

/** The parts of a zod schema that a path passes through. */
interface Opened {
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  unwrap?(): z.ZodType;
}
