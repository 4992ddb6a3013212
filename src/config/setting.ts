import * as z from 'zod';

/** The kind of a setting's value; decides how text from the environment is parsed. */
export type SettingKind =
  | 'text'
  | 'url'
  | 'uuid'
  | 'number'
  | 'boolean'
  | 'duration'
  | 'size'
  | 'choice'
  | 'list'
  | 'object';

interface SettingFacts {
  readonly kind: SettingKind;
  readonly description: string;
  /** The environment variable. A secret can also be in the file that `<env>_FILE` names. */
  readonly env?: string;
  readonly flag?: string;
  readonly secret?: true;
}

/** One row of the table that drives variable names, defaults, checks and the documentation. */
export interface Setting extends SettingFacts {
  /** Its path in the configuration file, such as `http.port`. */
  readonly path: string;
  /** As written in the file; absent if the setting has no default. */
  readonly default?: unknown;
}

/** The facts about each leaf of the schema. */
export const facts = z.registry<SettingFacts & { default?: unknown }>();

/** Returns a setting that may be absent. */
export function optional<T extends z.ZodType>(schema: T, about: SettingFacts): z.ZodExactOptional<T> {
  const leaf = z.exactOptional(schema).describe(about.description);
  facts.add(leaf, about);
  return leaf;
}

/** Returns a setting with a default, written as in the file. */
export function setting<T extends z.ZodType>(
  schema: T,
  value: z.input<T>,
  about: SettingFacts,
): z.ZodPrefault<T> {
  const leaf = schema.prefault(value as never).describe(about.description);
  facts.add(leaf, { ...about, default: value });
  return leaf;
}
