import { restricts } from './narrow.ts';
import type { Preset } from './rules.ts';

/** All presets that fit one tool, as one. */
export interface ToolPreset extends Preset {
  /** What it is made of, the strongest last. */
  readonly parts: readonly PresetPart[];
}

/** A preset and where it stands in the configuration. */
export interface PresetPart {
  readonly setting: string;
  readonly preset: Preset;
  /** By a glob, by the tool's own name, or by a bare name that other tools have as well. */
  readonly by: 'glob' | 'name' | 'shared';
}

/** The parameters that a preset names. */
export function presetParameters({ parameters, publish = [], narrow = {} }: Preset): string[] {
  return [...new Set([...Object.keys(parameters), ...publish, ...Object.keys(narrow)])];
}

/** What an object has under a name, but for what every object has. */
export function own<T>(values: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}

/**
 * What is left of a preset of which it is not known which tool it is meant for: all that it takes from callers, and
 * nothing that it gives them.
 */
export function restricting(preset: Preset): Preset {
  const { readOnly, destructive, idempotent, ...rest } = preset;
  return {
    ...rest,
    overridable: false,
    publish: [],
    ...(readOnly === false && { readOnly }),
    ...(destructive === true && { destructive }),
    ...(idempotent === false && { idempotent }),
  };
}

/** Where the presets of a tool stand, the strongest last. */
export function presetSettings(preset: ToolPreset | undefined): string[] {
  return preset?.parts.map(({ setting }) => setting) ?? [];
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
    let { narrow = {} } = merged;
    // A computed key makes a property of any name.
    for (const [name, by] of Object.entries(preset.narrow ?? {})) {
      narrow = { ...narrow, [name]: { ...own(narrow, name), ...by } };
    }
    // Both name the credential, and readOnly and destructive are answers to one question.
    const { credential, credentialId, readOnly, destructive, ...before } = merged;
    merged = {
      ...before,
      ...(preset.credential === undefined &&
        preset.credentialId === undefined && {
          ...(credential !== undefined && { credential }),
          ...(credentialId !== undefined && { credentialId }),
        }),
      ...(readOnly !== undefined && preset.destructive !== true && { readOnly }),
      ...(destructive !== undefined && preset.readOnly !== true && { destructive }),
      ...preset,
      parameters: { ...merged.parameters, ...preset.parameters },
      ...(merged.results !== undefined && { results: { ...merged.results, ...preset.results } }),
      narrow,
    };
  }
  return Object.freeze({ ...merged, parts });
}
