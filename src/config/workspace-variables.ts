import { isJsonObject } from '../model/json.ts';
import { type Environment, readEnvironment } from './environment.ts';
import type { Entry, Reading } from './layers.ts';
import type { Setting } from './setting.ts';

const PREFIX = 'DIFY_BRIDGE_WORKSPACES_';

/** The settings under `dify` of one workspace, each with the variable that sets it there. */
export function workspaceVariables(name: string, table: readonly Setting[]): readonly Setting[] {
  const own = `${PREFIX}${name.toUpperCase().replaceAll('-', '_')}_`;
  return table
    .filter(({ path, env }) => path.startsWith('dify.') && env !== undefined)
    .map((setting) => ({ ...setting, env: setting.env?.replace(/^DIFY_/, own) }));
}

/**
 * Reads the variables of the workspaces in the configuration file, so that their keys need not be in it. Returns them as
 * one reading whose only entry is the workspaces of the file, completed.
 */
export function readWorkspaceVariables(
  file: Entry | undefined,
  env: Environment,
  table: readonly Setting[],
): Reading {
  const workspaces = file?.value;
  if (file === undefined || !isJsonObject(workspaces)) return { entries: [], problems: [], literals: [] };
  const sources = new Map<string, string>();
  const readings = Object.keys(workspaces).map((name) => {
    const reading = readEnvironment(env, workspaceVariables(name, table));
    for (const { path, source } of reading.entries) sources.set(`workspaces.${name}.${path}`, source);
    return [name, reading] as const;
  });
  const value = Object.fromEntries(
    readings.map(([name, { entries }]) => {
      const own = workspaces[name];
      if (entries.length === 0 || !isJsonObject(own)) return [name, own];
      const dify = Object.fromEntries(
        entries.map((entry) => [entry.path.slice('dify.'.length), entry.value]),
      );
      return [name, { ...own, dify: { ...(own['dify'] as object | undefined), ...dify } }];
    }),
  );
  const sourceOf = (parts: readonly PropertyKey[]): string =>
    sources.get(parts.slice(0, 4).join('.')) ?? file.sourceOf?.(parts) ?? file.source;
  const under = (name: string, path: string): string => `workspaces.${name}.${path}`;
  return {
    entries: sources.size === 0 ? [] : [{ ...file, value, sourceOf }],
    problems: readings.flatMap(([name, { problems }]) =>
      problems.map((problem) => ({ ...problem, path: under(name, problem.path ?? '') })),
    ),
    literals: readings.flatMap(([name, { literals }]) =>
      literals.map((literal) => ({ ...literal, path: under(name, literal.path) })),
    ),
  };
}
