import { closest } from '../model/closest.ts';
import type { Setting } from './setting.ts';

/** Where a value may come from; an earlier one wins. */
export type Layer = 'flag' | 'environment' | 'file' | 'default';

/** The value that one source gives to one setting. */
export interface Entry {
  /** The setting, such as `http.port`. */
  readonly path: string;
  readonly value: unknown;
  readonly layer: Layer;
  /** As an operator would look for it: `env DIFY_API_URL`, `file bridge.yaml:12 http.port`, `flag --port`. */
  readonly source: string;
  /** The source of a part of the value, for values that are objects. */
  readonly sourceOf?: (parts: readonly PropertyKey[]) => string;
}

/** Something wrong in one source. */
export interface SourceProblem {
  /** The setting it concerns; absent where it concerns none. */
  readonly path?: string;
  readonly source: string;
  readonly message: string;
}

/** What one source says. */
export interface Reading {
  readonly entries: readonly Entry[];
  readonly problems: readonly SourceProblem[];
  /** Values that still look like `${…}`: nobody put anything in, so they count as missing. */
  readonly literals: readonly Literal[];
  /** True when nothing in the source could be read, so that what it says of a setting is unknown. */
  readonly unreadable?: true;
}

/** A placeholder in place of a value. */
export interface Literal {
  readonly path: string;
  readonly source: string;
}

/** The sets of tools that the sandbox offers; one of them takes the place of everything under `dify`. */
export const SANDBOX_SETS = ['demo', 'files', 'long'] as const;

/** A set of tools of the sandbox. */
export type SandboxSet = (typeof SANDBOX_SETS)[number];

/** Values given on the command line, by setting; undefined where the flag was not given. */
export type FlagValues = Readonly<Record<string, string | undefined>>;

/** The flags of the command line, as a source. */
export function readFlags(values: FlagValues, table: readonly Setting[]): Reading {
  const entries = table.flatMap((setting): Entry[] => {
    const value = values[setting.path];
    if (value === undefined || setting.flag === undefined) return [];
    return [
      {
        path: setting.path,
        value: fromText(value, setting),
        layer: 'flag',
        source: `flag ${setting.flag}`,
      },
    ];
  });
  return { entries, problems: [], literals: [] };
}

/** For each setting the entry of the first source that gives one. */
export function merge(readings: readonly Reading[]): ReadonlyMap<string, Entry> {
  const merged = new Map<string, Entry>();
  for (const { entries } of readings) {
    for (const entry of entries) if (!merged.has(entry.path)) merged.set(entry.path, entry);
  }
  return merged;
}

/** True for a placeholder that nobody replaced: hosts leave `${user_config.key}` and `${KEY}` as they are. */
export function isLiteral(value: unknown): boolean {
  return typeof value === 'string' && /^\s*\$\{[^]*\}\s*$/.test(value);
}

/** Text of a flag or a variable as the setting's kind of value; what does not fit stays text, to be refused. */
export function fromText(text: string, setting: Setting): unknown {
  const trimmed = text.trim();
  switch (setting.kind) {
    case 'number':
      return /^-?\d+$/.test(trimmed) ? Number(trimmed) : text;
    case 'boolean':
      if (/^(true|1|yes|on)$/i.test(trimmed)) return true;
      return /^(false|0|no|off)$/i.test(trimmed) ? false : text;
    case 'size':
      return /^\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
    case 'list':
      return trimmed
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'text':
      return text;
    default:
      return trimmed;
  }
}

/** The message about a key that does not exist, with the key that was most likely meant. */
export function noSuchSetting(key: string, known: readonly string[]): string {
  const close = closest(key, known);
  return `no such setting; ${close === undefined ? `known here: ${known.join(', ')}` : `did you mean ${close}?`}`;
}
