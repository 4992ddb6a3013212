import { existsSync } from 'node:fs';
import { BridgeError, type Problem } from '../model/errors.ts';
import { missingSettings, NO_DIFY_HINT } from './connection.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { browserUrl } from './fields.ts';
import { loadConfigFile } from './file.ts';
import {
  type Entry,
  type FlagValues,
  type Literal,
  merge,
  type Reading,
  readFlags,
  SANDBOX_SETS,
  type SandboxSet,
  type SourceProblem,
} from './layers.ts';
import { cacheFolder, configFilePath, defaultKeysFile } from './places.ts';
import type { Config } from './schema.ts';
import { chooseLogin, loginSettings, type StoredLogins } from './stored-logins.ts';
import type { Setting } from './setting.ts';
import { settingsTable } from './settings.ts';
import { closest } from '../model/closest.ts';
import { validate } from './validate.ts';
import { configWarnings } from './warnings.ts';
import { withLogins, workspaceProblems } from './workspace-logins.ts';
import { readWorkspaceVariables } from './workspace-variables.ts';

export interface ConfigSources {
  readonly env: Environment;
  /** Flags by setting, such as `{ 'http.port': '8080' }`. */
  readonly flags?: FlagValues;
  readonly file?: string | undefined;
  /** `--sandbox`: a set's name, or true for the first set. It replaces everything under `dify`. */
  readonly sandbox?: string | true | undefined;
  /** The stored logins; one of them is used if nothing else says how to reach Dify. */
  readonly logins?: StoredLogins | undefined;
  /** False if the configuration need not have a connection to Dify. */
  readonly needsDify: boolean;
}

export interface EffectiveSetting {
  readonly setting: Setting;
  /** As written in its source; undefined if no source has one. */
  readonly value: unknown;
  /** `default`, `unset`, `sandbox`, or the entry's source. */
  readonly source: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly settings: readonly EffectiveSetting[];
  readonly warnings: readonly Problem[];
  readonly file: string | undefined;
}

/**
 * Reads flags, environment and file, in this order of precedence, and checks the result. Throws
 * `config_invalid` with every problem of every source.
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const table = settingsTable();
  const sandbox = sandboxSet(sources.sandbox);
  const { path: place, named } = configFilePath(sources.file, sources.env);
  const exists = existsSync(place);
  // A stored login works without a configuration file.
  const isMissed = !exists && named && ((await sources.logins?.read()) ?? []).length === 0;
  const file = exists || isMissed ? place : undefined;
  const fromFile = file === undefined ? [] : [await loadConfigFile(file, table)];
  const workspaceEntry = fromFile[0]?.entries.find(({ path }) => path === 'workspaces');
  const all = [
    readFlags(sources.flags ?? {}, table),
    readEnvironment(sources.env, table),
    readWorkspaceVariables(workspaceEntry, sources.env, table),
    ...fromFile,
  ];
  const readings = sandbox === undefined ? all : all.map(withoutDify);
  const given = merge(readings);
  // The sandbox brings its own connection.
  const logins = sandbox === undefined ? sources.logins : undefined;
  const needsDify = sources.needsDify && sandbox === undefined;
  const login = await chooseLogin((path) => difyValue(given, path), logins);
  const merged = login === undefined ? given : merge([...readings, loginSettings(login)]);
  const literals = readings.flatMap((reading) => reading.literals);
  const validated = validate(merged, table);

  const problems = readings.flatMap((reading) => reading.problems);
  if (!validated.ok) problems.push(...validated.problems);
  const reported = new Set(problems.map(({ path }) => path));
  const missing =
    needsDify && !readings.some(({ unreadable }) => unreadable)
      ? missingSettings(
          (path) => (path === 'login' ? login !== undefined : merged.has(path) || reported.has(path)),
          merged.get('dify.road')?.value,
        )
      : [];
  if (!validated.ok || problems.length > 0 || missing.length > 0) {
    const unread = file === undefined ? place : undefined;
    const isUntouched = ![...merged.keys()].some((path) => path.startsWith('dify.'));
    throw configError(problems, missing, literals, unread, isUntouched);
  }
  const workspaces = await withLogins(validated.settings, logins);
  const lacking = needsDify ? workspaceProblems(validated.settings, workspaces) : [];
  if (lacking.length > 0) {
    throw new BridgeError('config_invalid', 'A workspace is not configured.', { problems: lacking });
  }
  const config: Config = freeze({
    ...validated.settings,
    workspaces,
    keysFile: validated.settings.http.keysFile ?? defaultKeysFile(place),
    cacheDir: cacheFolder(sources.env, process.platform),
    sandbox,
    login,
  });
  return {
    config,
    settings: table.map((setting) => effective(setting, merged, sandbox)),
    warnings: configWarnings(config, literals, sources.env, table),
    file,
  };
}

/** Returns a setting as the schema reads it: an address is compared without its page. */
function difyValue(merged: ReadonlyMap<string, Entry>, path: string): unknown {
  const value = merged.get(path)?.value;
  return path === 'dify.url' ? (browserUrl.safeParse(value).data ?? value) : value;
}

function sandboxSet(value: string | true | undefined): SandboxSet | undefined {
  if (value === undefined) return undefined;
  if (value === true) return SANDBOX_SETS[0];
  const set = SANDBOX_SETS.find((name) => name === value);
  if (set !== undefined) return set;
  const close = closest(value, SANDBOX_SETS);
  throw new BridgeError('usage', `--sandbox has no set of tools called ${JSON.stringify(value)}.`, {
    hint: close === undefined ? `Choose one of ${SANDBOX_SETS.join(', ')}.` : `Did you mean ${close}?`,
  });
}

/** Returns a reading without everything under `dify`. */
function withoutDify({ entries, problems, literals, ...rest }: Reading): Reading {
  return {
    ...rest,
    entries: entries.filter(({ path }) => !path.startsWith('dify.')),
    problems: problems.filter(({ path }) => path?.startsWith('dify.') !== true),
    literals: literals.filter(({ path }) => !path.startsWith('dify.')),
  };
}

function configError(
  wrong: readonly SourceProblem[],
  missing: readonly Problem[],
  literals: readonly Literal[],
  unread: string | undefined,
  /** Nothing about Dify is configured: then how to begin says more than all that could be set. */
  isUntouched: boolean,
): BridgeError {
  const listed = isUntouched ? [] : missing;
  const problems = [...wrong.map(({ source, message }) => ({ path: source, message })), ...listed];
  const hints: string[] = [];
  if (missing.length > 0) {
    hints.push(NO_DIFY_HINT);
    // Another user, or a client with another home, looks elsewhere than the user who wrote the file.
    if (unread !== undefined) hints.push(`The configuration file ${unread} does not exist.`);
    const places = literals.map(({ source }) => source).join(', ');
    if (places !== '') hints.push(`Placeholders that nobody replaced count as missing: ${places}.`);
  }
  const message =
    wrong.length === 0
      ? 'The connection to Dify is not configured.'
      : `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}.`;
  return new BridgeError('config_invalid', message, { problems, hint: hints.join('\n') || undefined });
}

function effective(
  setting: Setting,
  merged: ReadonlyMap<string, Entry>,
  sandbox: SandboxSet | undefined,
): EffectiveSetting {
  const entry = merged.get(setting.path);
  if (entry !== undefined) return { setting, value: entry.value, source: entry.source };
  if (sandbox !== undefined && setting.path.startsWith('dify.')) {
    return { setting, value: undefined, source: 'sandbox' };
  }
  const source = setting.default === undefined ? 'unset' : 'default';
  return { setting, value: setting.default, source };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}
