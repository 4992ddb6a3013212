import { dirname, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { BridgeError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';

/** The files of `--file PARAMETER=PATH`, as arguments of the call and as folders that they lie in. */
export interface NamedFiles {
  /** One file, or a list where the parameter was named several times. */
  readonly args: JsonObject;
  readonly folders: readonly string[];
}

/** Throws `usage` for an option that is not `PARAMETER=PATH`. */
export function readFileOptions(given: readonly string[]): NamedFiles {
  const paths = new Map<string, string[]>();
  for (const option of given) {
    const [, parameter, path] = /^([^=]+)=(.+)$/s.exec(option) ?? [];
    if (parameter === undefined || path === undefined) {
      throw new BridgeError('usage', `--file expects PARAMETER=PATH, got ${JSON.stringify(option)}.`, {
        hint: 'For example: --file document=notes.txt',
      });
    }
    paths.set(parameter, [...(paths.get(parameter) ?? []), resolve(path)]);
  }
  const args = [...paths].map(([parameter, all]) => {
    const files = all.map((path) => ({ path }));
    return [parameter, files.length === 1 ? (files[0] ?? null) : files] as const;
  });
  return { args: Object.fromEntries(args), folders: [...paths.values()].flat().map((path) => dirname(path)) };
}

/** The configuration of a person who names files by hand: besides the allowed folders, the working one and these. */
export function withFolders(config: Config, folders: readonly string[]): Config {
  const { files } = config;
  return { ...config, files: { ...files, allowedPaths: [...files.allowedPaths, resolve(), ...folders] } };
}
