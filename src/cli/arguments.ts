import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { Config } from '../config/schema.ts';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import { parseJson } from '../model/exact-json.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { TextSource } from './io.ts';

/** Returns the arguments in JSON, in `@file`, or for `-` on standard input. Throws `usage`. */
export async function readArguments(given: string | undefined, stdin: TextSource): Promise<JsonObject> {
  if (given === undefined) return {};
  const { text, source } = await readText(given, stdin);
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BridgeError('usage', `${source} is not JSON: ${reason}.`, { hint: EXAMPLE });
  }
  if (isJsonObject(value)) return value;
  throw new BridgeError('usage', `${source} must be a JSON object.`, { hint: EXAMPLE });
}

/** Returns the error for words after the name of a tool, where many programs take arguments. */
export function misplaced(words: readonly string[]): BridgeError {
  const message = `"${words.join(' ')}" follows the name of the tool: pass its arguments with --args.`;
  return new BridgeError('usage', message, { hint: EXAMPLE });
}

const EXAMPLE = `For example: --args '{"city":"Oslo"}', --args @arguments.json or --args - to read standard input.`;

async function readText(given: string, stdin: TextSource): Promise<{ text: string; source: string }> {
  if (given === '-') return { text: await readAll(stdin), source: 'Standard input' };
  if (!given.startsWith('@')) return { text: given, source: 'The value of --args' };
  const path = given.slice(1);
  try {
    return { text: readFileSync(path, 'utf8'), source: `The file ${path}` };
  } catch (error) {
    throw new BridgeError('usage', `The file ${path} of --args cannot be read (${systemErrorCode(error)}).`);
  }
}

/** The files of `--file PARAMETER=PATH`: as arguments of the call, and the folders that contain them. */
export interface FileArguments {
  /** One file per parameter, or a list if the parameter was given several times. */
  readonly args: JsonObject;
  readonly folders: readonly string[];
}

/** Returns the files of `--file` options. Throws `usage` for an option that is not `PARAMETER=PATH`. */
export function readFileOptions(given: readonly string[]): FileArguments {
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

/** Returns the configuration that also allows files in the working folder and these folders. */
export function withFolders(config: Config, folders: readonly string[]): Config {
  const { files } = config;
  return { ...config, files: { ...files, allowedPaths: [...files.allowedPaths, resolve(), ...folders] } };
}
