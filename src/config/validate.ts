import type * as z from 'zod';
import { actionable, keysAt } from './issues.ts';
import type { Entry, SourceProblem } from './layers.ts';
import { type Settings, settingsSchema } from './schema.ts';
import type { Setting, SettingKind } from './setting.ts';
import { noSuchSetting } from './suggest.ts';

/** Kinds whose wrong value may stand in a message: nobody pastes a key into one of these. */
const SHOWN: readonly SettingKind[] = ['number', 'boolean', 'duration', 'size', 'choice'];

/** The checked settings, or everything that is wrong with them. */
export type Validated =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly SourceProblem[] };

/** Checks merged values against the schema; every problem is told with the source of the value. */
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
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function note(path: string, value: unknown): string {
  if (path !== 'http.port' || typeof value !== 'string' || !value.startsWith('tcp://')) return '';
  return ' (Kubernetes sets this variable for a Service called dify-bridge: set enableServiceLinks to false)';
}
