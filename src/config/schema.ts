import * as z from 'zod';
import type { JsonObject } from '../model/json.ts';
import type { SandboxSet } from './layers.ts';
import type { ChosenLogin } from './stored-logins.ts';
import { settingsSchema } from './settings.ts';

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

export type Settings = DeepReadonly<z.output<typeof settingsSchema>>;

interface WithLogin {
  /** The stored login that reaches the workspace, if one does. */
  readonly login?: ChosenLogin | undefined;
}

/**
 * The whole configuration, frozen. Durations are in milliseconds, sizes in bytes. With `sandbox`,
 * everything under `dify` has its default, because the sandbox brings its own connection (otherwise see
 * `connection.ts`).
 */
export type Config = Omit<Settings, 'workspaces'> & {
  /** The further workspaces, as far as they differ: see `workspacesOf`. */
  readonly workspaces: Readonly<Record<string, Settings['workspaces'][string] & WithLogin>>;
} & WithLogin & {
    readonly sandbox?: SandboxSet | undefined;
    /** In the configuration of a further workspace: its path in the file, and what it sets itself under `tools` and `dify`. */
    readonly own?: { readonly path: string; readonly tools: object; readonly dify: object } | undefined;
    /** The default folder for data that can be recreated. */
    readonly cacheDir: string;
    /** The file of API keys: http.keysFile, or keys.json in the folder of the configuration file. */
    readonly keysFile: string;
  };

/** Returns the JSON Schema of the configuration file (draft 7, which editors support). */
export function configFileSchema(): JsonObject {
  const schema = z.toJSONSchema(settingsSchema, { io: 'input', target: 'draft-7' });
  return { title: 'Configuration of dify-mcp-bridge', ...(schema as JsonObject) };
}
