import type { RegistryNote } from '../model/registry.ts';
import { restricts } from './narrow.ts';
import { type Preset, type RegistryRules, settingOf } from './rules.ts';

/** All presets that fit one tool, as one. */
export interface ToolPreset extends Preset {
  /** What it is made of, the strongest last. */
  readonly parts: readonly PresetPart[];
}

/** A preset and its place in the configuration. */
export interface PresetPart {
  readonly setting: string;
  readonly preset: Preset;
  /** True when its key is a name and not a glob. */
  readonly isExact: boolean;
}

/** Something about a tool that an operator should know; `setting` is the one at fault, if any. */
export type ToolNote = Omit<RegistryNote, 'name'>;

/** What of a tool's presets cannot be done. */
export interface PresetProblem {
  readonly message: string;
  /** The preset that asks for it. */
  readonly setting: string;
}

/** A problem of the strongest preset that asks for what cannot be done. */
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

/** The value of a property of the object's own. */
export function own<T>(values: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}

/** True when a preset takes something of a parameter from callers. */
export function bindsParameter({ overridable, publish, parameters, narrow }: Preset, name: string): boolean {
  const isFixed = overridable !== true && publish?.includes(name) !== true && Object.hasOwn(parameters, name);
  return isFixed || restricts(own(narrow, name));
}

/** All presets of one tool as one. Of two that say different things the later wins. */
export function mergePresets(parts: readonly PresetPart[]): ToolPreset {
  let merged: Preset = { parameters: {} };
  for (const { preset } of parts) {
    const { credential, credentialId, readOnly, destructive, results } = preset;
    let { narrow = {} } = merged;
    for (const [name, by] of Object.entries(preset.narrow ?? {})) {
      // A computed key makes a property of any name.
      narrow = { ...narrow, [name]: { ...own(narrow, name), ...by } };
    }
    merged = {
      ...merged,
      // Both name the credential, and readOnly and destructive are answers to one question.
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
