import * as z from 'zod';

/** How the value of a setting is written; decides how text from the environment is read. */
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
  /** The environment variable; a secret is read from the file named in `<env>_FILE` as well. */
  readonly env?: string;
  readonly flag?: string;
  readonly secret?: true;
}

/** One row of the table that drives variable names, defaults, checks and the documentation. */
export interface Setting extends SettingFacts {
  /** Its place in the configuration file, such as `http.port`. */
  readonly path: string;
  /** As it would be written in the file; absent where there is none. */
  readonly default?: unknown;
}

/** What is known of each leaf of the schema. */
export const facts = z.registry<SettingFacts & { default?: unknown }>();

/** A setting that may be absent. */
export function optional<T extends z.ZodType>(schema: T, about: SettingFacts): z.ZodExactOptional<T> {
  const leaf = z.exactOptional(schema).describe(about.description);
  facts.add(leaf, about);
  return leaf;
}

/** A setting with a default, written as in the file. */
export function setting<T extends z.ZodType>(
  schema: T,
  value: z.input<T>,
  about: SettingFacts,
): z.ZodPrefault<T> {
  const leaf = schema.prefault(value as never).describe(about.description);
  facts.add(leaf, { ...about, default: value });
  return leaf;
}
