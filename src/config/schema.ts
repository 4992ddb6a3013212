import * as z from 'zod';
import type { JsonObject } from '../model/json.ts';
import type { SandboxSet } from './layers.ts';
import { settingsSchema } from './settings.ts';

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** The settings alone. */
export type Settings = DeepReadonly<z.output<typeof settingsSchema>>;

/**
 * The whole configuration, frozen. Durations are milliseconds, sizes bytes. With `sandbox`, everything under
 * `dify` is left at its default: the sandbox brings its own (see `connection.ts` for the other case).
 */
export type Config = Settings & {
  readonly sandbox?: SandboxSet | undefined;
  /** Where the bridge may keep what can be made again, if nobody names another place. */
  readonly cacheDir: string;
};

/** JSON Schema (draft 7, which editors understand) of the configuration file. */
export function configFileSchema(): JsonObject {
  const schema = z.toJSONSchema(settingsSchema, { io: 'input', target: 'draft-7' });
  return { title: 'Configuration of dify-mcp-bridge', ...(schema as JsonObject) };
}
