import { closest } from '../model/closest.ts';
import type { Setting } from './setting.ts';

/** One source's value for one setting. */
export interface Entry {
  /** The setting, such as `http.port`. */
  readonly path: string;
  readonly value: unknown;
  /** Where an operator finds it: `env DIFY_API_URL`, `file bridge.yaml:12 http.port`, `flag --port`. */
  readonly source: string;
  /** Returns the source of a part of the value, for values that are objects. */
  readonly sourceOf?: (parts: readonly PropertyKey[]) => string;
}

export interface SourceProblem {
  /** The setting concerned; absent if the problem concerns no setting. */
  readonly path?: string;
  readonly source: string;
  readonly message: string;
}

export interface Reading {
  readonly entries: readonly Entry[];
  readonly problems: readonly SourceProblem[];
  /** Values that still look like `${…}`: nobody replaced them, so they count as missing. */
  readonly literals: readonly Literal[];
  /** True if the source could not be read, so its settings are unknown. */
  readonly unreadable?: true;
}

export type Literal = Pick<Entry, 'path' | 'source'>;

/** The sandbox's sets of tools; the chosen one replaces everything under `dify`. */
export const SANDBOX_SETS = ['demo', 'files', 'long'] as const;

export type SandboxSet = (typeof SANDBOX_SETS)[number];

/** Values of the command line, by setting; undefined if the flag is absent. */
export type FlagValues = Readonly<Record<string, string | undefined>>;

export function readFlags(values: FlagValues, table: readonly Setting[]): Reading {
  const entries = table.flatMap((setting): Entry[] => {
    const value = values[setting.path];
    if (value === undefined || setting.flag === undefined) return [];
    return [{ path: setting.path, value: fromText(value, setting), source: `flag ${setting.flag}` }];
  });
  return { entries, problems: [], literals: [] };
}

/** Returns for each setting the entry of the first source that has one. */
export function merge(readings: readonly Reading[]): ReadonlyMap<string, Entry> {
  const merged = new Map<string, Entry>();
  for (const { entries } of readings) {
    for (const entry of entries) if (!merged.has(entry.path)) merged.set(entry.path, entry);
  }
  return merged;
}

/** Clients pass `${user_config.key}` and `${KEY}` unchanged if nobody replaced them. */
export function isLiteral(value: unknown): boolean {
  return typeof value === 'string' && /^\s*\$\{[^]*\}\s*$/.test(value);
}

/** Converts a text to the setting's kind of value. Text that does not fit stays text and fails validation. */
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

/** Returns the message for an unknown key, with the key that was most likely meant. */
export function noSuchSetting(key: string, known: readonly string[]): string {
  const close = closest(key, known);
  return `no such setting; ${close === undefined ? `known here: ${known.join(', ')}` : `did you mean ${close}?`}`;
}
