import type { RegistryNote } from '../model/registry.ts';
import { restricts } from './narrow.ts';
import { type Preset, type RegistryRules, settingOf } from './rules.ts';

export interface ToolPreset extends Preset {
  /** The presets that were merged, the strongest last. */
  readonly parts: readonly PresetPart[];
}

/** A preset and its path in the configuration. */
export interface PresetPart {
  readonly setting: string;
  readonly preset: Preset;
  /** Whether its key is a name rather than a glob. */
  readonly isExact: boolean;
}

/** A note for the operator about a tool. `setting` is the setting that causes it, if any. */
export type ToolNote = Omit<RegistryNote, 'name'>;

/** A part of a tool's presets that cannot be applied. */
export interface PresetProblem {
  readonly message: string;
  /** The preset that contains it. */
  readonly setting: string;
}

/** Returns a problem of the strongest preset that contains a part that cannot be applied. */
export function presetProblem(
  message: string,
  { preset, rules }: { readonly preset: ToolPreset | undefined; readonly rules: RegistryRules },
  says: (preset: Preset, isExact: boolean) => boolean,
): PresetProblem {
  const part = preset?.parts.findLast((each) => says(each.preset, each.isExact));
  return { message, setting: part?.setting ?? settingOf(rules, 'presets') };
}

export function presetParameters({ parameters, publish = [], narrow = {} }: Preset): string[] {
  return [...new Set([...Object.keys(parameters), ...publish, ...Object.keys(narrow)])];
}

/** Returns the value of an own property. */
export function own<T>(values: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Returns whether a preset restricts what callers can set for a parameter. */
export function bindsParameter({ overridable, publish, parameters, narrow }: Preset, name: string): boolean {
  const isFixed = overridable !== true && publish?.includes(name) !== true && Object.hasOwn(parameters, name);
  return isFixed || restricts(own(narrow, name));
}

/** Merges all presets of one tool. Later ones override earlier ones. */
export function mergePresets(parts: readonly PresetPart[]): ToolPreset {
  let merged: Preset = { parameters: {} };
  for (const { preset } of parts) {
    const { credential, credentialId, readOnly, destructive, results } = preset;
    let { narrow = {} } = merged;
    for (const [name, by] of Object.entries(preset.narrow ?? {})) {
      // A computed key creates an own property even for `__proto__`.
      narrow = { ...narrow, [name]: { ...own(narrow, name), ...by } };
    }
    merged = {
      ...merged,
      // These pairs exclude each other: two names for the credential, and readOnly and destructive.
      ...((credential ?? credentialId) !== undefined && { credential: undefined, credentialId: undefined }),
      ...(readOnly === true && { destructive: undefined }),
      ...(destructive === true && { readOnly: undefined }),
      ...preset,
      parameters: { ...merged.parameters, ...preset.parameters },
      results: results === undefined ? merged.results : { ...merged.results, ...results },
      narrow,
    };
  }
  return Object.freeze({ ...merged, parts });
}
