import type { ToolPreset } from './presets.ts';
import { type Preset, type RegistryRules, settingOf } from './rules.ts';

/** What of a tool's presets cannot be done. */
export interface PresetFault {
  readonly message: string;
  /** Where the preset stands that says it. */
  readonly setting: string;
}

/** A fault of the strongest preset that says what cannot be done. */
export function presetFault(
  message: string,
  { preset, rules }: { readonly preset: ToolPreset | undefined; readonly rules: RegistryRules },
  says: (preset: Preset, isExact: boolean) => boolean,
): PresetFault {
  const part = preset?.parts.findLast((each) => says(each.preset, each.by !== 'glob'));
  return { message, setting: part?.setting ?? settingOf(rules, 'presets') };
}
