import { readFileSync } from 'node:fs';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import {
  type Entry,
  isLiteral,
  type Literal,
  noSuchSetting,
  type Reading,
  type SourceProblem,
} from './layers.ts';
import type { Setting } from './setting.ts';
import type { YamlFile } from './yaml-file.ts';

/** Reads a configuration file. Throws `config_invalid` if it cannot be read. */
export async function loadConfigFile(path: string, table: readonly Setting[]): Promise<Reading> {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const code = systemErrorCode(error);
    throw new BridgeError('config_invalid', `The configuration file ${path} cannot be read (${code}).`, {
      hint:
        code === 'EACCES'
          ? 'Only its owner can read it, as it holds secrets: run the bridge as the user who wrote it.'
          : 'Name an existing file with --config or DIFY_BRIDGE_CONFIG, or omit both. With a stored login, no file is needed: run dify-mcp-bridge login.',
    });
  }
  const { readYaml } = await import('./yaml-file.ts');
  const yaml = readYaml(content, { references: true });
  if ('problems' in yaml) {
    const problems = yaml.problems.map(({ line, message }) => ({ source: `file ${path}:${line}`, message }));
    return { entries: [], problems, literals: [], unreadable: true };
  }
  return readTree(yaml, path, table);
}

function readTree(yaml: YamlFile, file: string, table: readonly Setting[]): Reading {
  const entries: Entry[] = [];
  const problems: SourceProblem[] = [];
  const literals: Literal[] = [];
  const sourceOf = (parts: readonly PropertyKey[]): string =>
    `file ${file}:${yaml.lineOf(parts)} ${parts.map(String).join('.')}`.trimEnd();
  const settingsAt = (value: unknown, parts: readonly string[]): [string, unknown][] => {
    if (value === null || value === undefined) return [];
    if (typeof value === 'object' && !Array.isArray(value)) return Object.entries(value);
    problems.push({ source: sourceOf(parts), message: 'expected settings, each as "name: value"' });
    return [];
  };

  const groups = grouped(table);
  for (const [group, members] of settingsAt(yaml.value, [])) {
    const known = groups.get(group);
    if (known === undefined) {
      problems.push({ source: sourceOf([group]), message: noSuchSetting(group, [...groups.keys()]) });
      continue;
    }
    if (known.length === 0) {
      const value = Object.fromEntries(settingsAt(members, [group]).map(([key, part]) => [key, part ?? {}]));
      entries.push({ path: group, value, source: sourceOf([group]), sourceOf });
      continue;
    }
    for (const [key, value] of settingsAt(members, [group])) {
      const source = sourceOf([group, key]);
      if (!known.includes(key)) problems.push({ source, message: noSuchSetting(key, known) });
      else if (isLiteral(value)) literals.push({ path: `${group}.${key}`, source });
      else if (value !== null) entries.push({ path: `${group}.${key}`, value, source, sourceOf });
    }
  }
  return { entries, problems, literals };
}

/** Returns the names of the settings by group; no names for a group that is one setting. */
function grouped(table: readonly Setting[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const { path } of table) {
    const [group = '', ...key] = path.split('.');
    groups.set(group, [...(groups.get(group) ?? []), ...key]);
  }
  return groups;
}
