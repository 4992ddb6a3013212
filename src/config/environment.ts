import { readFileSync } from 'node:fs';
import { systemErrorCode } from '../model/errors.ts';
import { type Entry, fromText, isLiteral, type Literal, type Reading, type SourceProblem } from './layers.ts';
import type { Setting } from './setting.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the environment of this process. Only this function reads it. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Variables of the bridge that are not settings. */
export const OTHER_VARIABLES = ['DIFY_BRIDGE_CONFIG'] as const;

/** An empty variable counts as unset; `X` and `X_FILE` exclude each other. */
export function readEnvironment(env: Environment, table: readonly Setting[]): Reading {
  const entries: Entry[] = [];
  const problems: SourceProblem[] = [];
  const literals: Literal[] = [];

  const valueOf = (name: string, path: string): string | undefined => {
    const value = env[name];
    if (value === undefined || value.trim() === '') return undefined;
    if (!isLiteral(value)) return value;
    literals.push({ path, source: `env ${name}` });
    return undefined;
  };

  for (const setting of table) {
    const { path, env: name } = setting;
    if (name === undefined) continue;
    const value = valueOf(name, path);
    const file = setting.secret ? valueOf(`${name}_FILE`, path) : undefined;
    const source = `env ${name}`;
    if (value !== undefined && file !== undefined) {
      problems.push({ path, source, message: `${name} and ${name}_FILE are both set: unset one of them` });
    } else if (value !== undefined) entries.push({ path, value: fromText(value, setting), source });
    else if (file !== undefined) {
      const secret = readSecret(file);
      if ('message' in secret) problems.push({ path, source: `${source}_FILE`, message: secret.message });
      else if (isLiteral(secret.value)) literals.push({ path, source: `${source}_FILE` });
      else entries.push({ path, value: secret.value, source: `${source}_FILE` });
    }
  }
  return { entries, problems, literals };
}

/** Returns variables that look like the bridge's own but are unknown: most likely misspelt. */
export function unknownVariables(env: Environment, table: readonly Setting[]): readonly string[] {
  const known = new Set<string>(OTHER_VARIABLES);
  for (const { env: name } of table) if (name !== undefined) known.add(name).add(`${name}_FILE`);
  // Kubernetes adds DIFY_BRIDGE_SERVICE_… and DIFY_BRIDGE_PORT_… for a Service called dify-bridge.
  return Object.keys(env)
    .filter((name) => name.startsWith('DIFY_BRIDGE_') && !known.has(name))
    .filter((name) => !/^DIFY_BRIDGE_(SERVICE|PORT)_/.test(name))
    .sort();
}

function readSecret(path: string): { readonly value: string } | { readonly message: string } {
  let content: string;
  try {
    const bytes = readFileSync(path);
    // Windows PowerShell writes UTF-16. Decoding removes the byte order mark.
    const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
    content = new TextDecoder(encoding).decode(bytes);
  } catch (error) {
    const code = systemErrorCode(error);
    return { message: `the file ${path} cannot be read (${code})` };
  }
  const value = content.replace(/[\r\n]+$/, '');
  return value.trim() === '' ? { message: `the file ${path} is empty` } : { value };
}
