import type { RegistryNote } from '../model/registry.ts';
import { closestMatches } from '../model/closest.ts';
import { globFits, isGlob } from './glob.ts';
import { namesOf } from './match.ts';
import { compare, type NamedTool, toolsByBareName } from './names.ts';
import { mergePresets, type PresetPart, presetParameters, restricting, type ToolPreset } from './presets.ts';
import { type Preset, type RegistryRules, settingOf } from './rules.ts';
import { listed } from './text.ts';

/** The preset of each tool that has one, and what is to be said of the others. */
export interface MatchedPresets {
  readonly byTool: ReadonlyMap<NamedTool, ToolPreset>;
  readonly notes: readonly RegistryNote[];
}

/**
 * Finds the presets of each tool: globs in the order of the file, then the one by its bare name, then the one by its
 * qualified name. Of two that say different things the later wins; `visible` are the tools that a bare name may mean.
 */
export function matchPresets(
  tools: readonly NamedTool[],
  visible: readonly NamedTool[],
  rules: RegistryRules,
): MatchedPresets {
  const entries = Object.entries(rules.presets);
  const notes: RegistryNote[] = [];
  if (entries.length === 0) return { byTool: new Map(), notes };
  const setting = (name: string): string => `${settingOf(rules, 'presets')}.${name}`;
  const note = (name: string, message: string): void => {
    notes.push({ name, message, setting: setting(name) });
  };
  const named = matchByName(entries, tools, visible, rules, setting, note);
  const globs = entries.filter(([name]) => isGlob(name));
  const used = new Map<string, Set<string>>();
  const merged = new Map<string, ToolPreset>();
  const byTool = new Map<NamedTool, ToolPreset>();
  for (const tool of tools) {
    const names = namesOf(tool, rules);
    const fitting = globs.filter(([glob]) => names.some((name) => globFits(glob, name)));
    for (const [glob] of fitting) {
      const parameters = used.get(glob) ?? new Set();
      for (const name of parameterNames(tool)) parameters.add(name);
      used.set(glob, parameters);
    }
    const parts: PresetPart[] = [
      ...fitting.map(([name, preset]) => ({ setting: setting(name), preset, by: 'glob' }) as const),
      ...(named.get(tool) ?? []),
    ];
    if (parts.length === 0) continue;
    const key = JSON.stringify(parts.map((part) => [part.setting, part.by]));
    const preset = merged.get(key) ?? mergePresets(parts);
    merged.set(key, preset);
    byTool.set(tool, preset);
  }
  for (const [glob, preset] of globs) {
    const parameters = used.get(glob);
    if (parameters === undefined) note(glob, 'There is a preset for tools of these names, but none fits.');
    for (const name of parameters === undefined ? [] : presetParameters(preset)) {
      if (!parameters?.has(name))
        note(glob, `The preset names a parameter "${name}", which no tool of its has.`);
    }
  }
  return { byTool, notes };
}

/** None for a declaration that cannot be read: whoever drafts the tool says so. */
function parameterNames({ tool }: NamedTool): string[] {
  try {
    return tool.parameters.map(({ name }) => name);
  } catch {
    return [];
  }
}

type Entry = readonly [string, Preset];

/**
 * The presets that are no globs: by qualified name, with bare names also by the bare name. Where several tools have
 * that, all of them are restricted as the one that is meant.
 */
function matchByName(
  entries: readonly Entry[],
  tools: readonly NamedTool[],
  visible: readonly NamedTool[],
  rules: RegistryRules,
  setting: (name: string) => string,
  note: (name: string, message: string) => void,
): ReadonlyMap<NamedTool, readonly PresetPart[]> {
  const qualified = new Map(tools.map((tool) => [tool.qualifiedName, tool]));
  const byBareName = toolsByBareName(rules.names === 'bare' ? visible : []);
  const own = new Map<NamedTool, PresetPart>();
  const named = new Map<NamedTool, PresetPart[]>();
  for (const [name, preset] of entries) {
    if (isGlob(name)) continue;
    const tool = qualified.get(name);
    const namesakes = (byBareName.get(name) ?? []).filter((other) => other !== tool);
    const count = namesakes.length + (tool === undefined ? 0 : 1);
    if (tool !== undefined) own.set(tool, { setting: setting(name), preset, by: 'name' });
    for (const other of namesakes) {
      const part: PresetPart =
        count === 1
          ? { setting: setting(name), preset, by: 'name' }
          : { setting: setting(name), preset: restricting(preset), by: 'shared' };
      named.set(other, [part]);
    }
    if (count === 0) note(name, unknownTool(name, tools, qualified));
    if (count > 1) note(name, severalTools(tool === undefined ? namesakes : [tool, ...namesakes]));
  }
  for (const [tool, part] of own) named.set(tool, [...(named.get(tool) ?? []), part]);
  return named;
}

function severalTools(tools: readonly NamedTool[]): string {
  const names = tools.map(({ qualifiedName }) => qualifiedName).sort(compare);
  const those = `${tools.length} have it: ${listed(names, 300)}`;
  return `There is a preset for a tool of this name, and ${those}. It restricts all of them until it names one.`;
}

function unknownTool(
  name: string,
  tools: readonly NamedTool[],
  qualified: ReadonlyMap<string, NamedTool>,
): string {
  const same = tools.filter((tool) => tool.bareName === name).map((tool) => tool.qualifiedName);
  const near = same.length > 0 ? same.sort(compare).slice(0, 5) : closestMatches(name, qualified.keys(), 3);
  const advice = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`;
  return `There is a preset for a tool of this name, but no such tool.${advice}`;
}
