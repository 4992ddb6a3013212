import { closestMatches, didYouMean } from '../model/closest.ts';
import type { RegistryNote } from '../model/registry.ts';
import { globFits, isGlob } from './glob.ts';
import { namesOf } from './match.ts';
import { compare } from '../model/compare.ts';
import type { NamedTool } from './names.ts';
import { mergePresets, type PresetPart, presetParameters, type ToolPreset } from './presets.ts';
import { type RegistryRules, settingOf } from './rules.ts';

/**
 * Returns the preset of each tool that has one, and notes on presets that fit none. Globs come first, in the order of
 * the file, then the preset by its bare name, then the one by its qualified name: of two that say different things the
 * later wins. A preset applies to every tool that its key fits.
 */
export function matchPresets(tools: readonly NamedTool[], rules: RegistryRules) {
  const keys = new Map<string, PresetPart>();
  for (const [key, preset] of Object.entries(rules.presets)) {
    keys.set(key, { setting: `${settingOf(rules, 'presets')}.${key}`, preset, isExact: !isGlob(key) });
  }
  const globs = [...keys].filter(([, { isExact }]) => !isExact);
  const parameters = new Map<PresetPart, Set<string>>();
  const merged = new Map<string, ToolPreset>();
  const byTool = new Map<NamedTool, ToolPreset>();
  for (const tool of keys.size === 0 ? [] : tools) {
    const names = namesOf(tool, rules);
    const parts = [
      ...globs.filter(([glob]) => names.some((name) => globFits(glob, name))).map(([, part]) => part),
      ...names.toReversed().flatMap((name) => (isGlob(name) ? [] : (keys.get(name) ?? []))),
    ];
    if (parts.length === 0) continue;
    for (const part of parts) {
      const known = parameters.get(part) ?? new Set();
      parameters.set(part, known);
      for (const name of parameterNames(tool)) known.add(name);
    }
    const key = JSON.stringify(parts.map(({ setting }) => setting));
    const preset = merged.get(key) ?? mergePresets(parts);
    merged.set(key, preset);
    byTool.set(tool, preset);
  }
  const notes = [...keys].flatMap(([name, part]) =>
    messages(name, part, parameters.get(part), tools).map(
      (message): RegistryNote => ({ name, message, setting: part.setting }),
    ),
  );
  return { byTool, notes };
}

/** Returns no parameters if the declaration cannot be read; the draft of the tool reports that. */
function parameterNames({ tool }: NamedTool): string[] {
  try {
    return tool.parameters.map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Returns the problems of a preset as a whole. `known` are the parameters of the tools that it matches. */
function messages(
  name: string,
  { preset, isExact }: PresetPart,
  known: ReadonlySet<string> | undefined,
  tools: readonly NamedTool[],
): string[] {
  if (known === undefined && isExact) return [unknownTool(name, tools)];
  if (known === undefined) return ['The preset matches no tool.'];
  if (isExact) return [];
  const unknown = presetParameters(preset).filter((parameter) => !known.has(parameter));
  return unknown.map(
    (parameter) => `The preset names a parameter "${parameter}", which none of its tools has.`,
  );
}

function unknownTool(name: string, tools: readonly NamedTool[]): string {
  const same = tools.filter((tool) => tool.bareName === name).map((tool) => tool.qualifiedName);
  const names = tools.map((tool) => tool.qualifiedName);
  const near = same.length > 0 ? same.sort(compare).slice(0, 5) : closestMatches(name, names, 3);
  return `The preset is for a tool that does not exist.${didYouMean(near)}`;
}
