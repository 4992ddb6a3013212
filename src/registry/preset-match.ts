import type { RegistryNote } from '../model/registry.ts';
import { ranked } from '../model/near.ts';
import { globFits, isGlob } from './glob.ts';
import { namesOf } from './match.ts';
import { compare, type NamedTool, uniqueBareNames } from './names.ts';
import type { PresetFault } from './preset-fault.ts';
import { bindsParameter, mergePresets, presetParameters, type ToolPreset } from './presets.ts';
import { type Preset, type RegistryRules, settingOf } from './rules.ts';
import { listed } from './text.ts';

/** The preset of each tool that has one, and what is to be said of the others. */
export interface MatchedPresets {
  readonly byTool: ReadonlyMap<NamedTool, ToolPreset>;
  /** Presets that may be meant for a tool, or for another of its bare name. */
  readonly unclear: ReadonlyMap<NamedTool, readonly PresetFault[]>;
  readonly notes: readonly RegistryNote[];
}

/**
 * Finds the presets of each tool: globs in the order of the file, then the one by its bare name, then the
 * one by its qualified name. Of two that say different things the later wins; `visible` are the tools among which a bare name has to be unique.
 */
export function matchPresets(
  tools: readonly NamedTool[],
  visible: readonly NamedTool[],
  rules: RegistryRules,
): MatchedPresets {
  const entries = Object.entries(rules.presets);
  const notes: RegistryNote[] = [];
  if (entries.length === 0) return { byTool: new Map(), unclear: new Map(), notes };
  const setting = (name: string): string => `${settingOf(rules, 'presets')}.${name}`;
  const note = (name: string, message: string): PresetFault => {
    const fault = { message, setting: setting(name) };
    notes.push({ name, ...fault });
    return fault;
  };
  const { named, unclear } = matchByName(entries, tools, visible, rules, note);
  const globs = entries.filter(([name]) => isGlob(name));
  const used = new Map<string, Set<string>>();
  const merged = new Map<string, ToolPreset>();
  const byTool = new Map<NamedTool, ToolPreset>();
  for (const tool of tools) {
    const names = namesOf(tool, rules);
    const parts = globs.filter(([glob]) => names.some((name) => globFits(glob, name)));
    for (const [glob] of parts) {
      const parameters = used.get(glob) ?? new Set();
      for (const name of parameterNames(tool)) parameters.add(name);
      used.set(glob, parameters);
    }
    const exact = named.get(tool) ?? [];
    if (parts.length + exact.length === 0) continue;
    const key = JSON.stringify([parts, exact].map((some) => some.map(([name]) => name)));
    const preset =
      merged.get(key) ??
      mergePresets([
        ...parts.map(([name, each]) => ({ setting: setting(name), preset: each, isExact: false })),
        ...exact.map(([name, each]) => ({ setting: setting(name), preset: each, isExact: true })),
      ]);
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
  return { byTool, unclear, notes };
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

interface NamedPresets {
  /** The weakest first. */
  readonly named: ReadonlyMap<NamedTool, readonly Entry[]>;
  readonly unclear: ReadonlyMap<NamedTool, readonly PresetFault[]>;
}

/** The presets that are no globs: by qualified name, with bare names also by a bare name that one tool has. */
function matchByName(
  entries: readonly Entry[],
  tools: readonly NamedTool[],
  visible: readonly NamedTool[],
  rules: RegistryRules,
  note: (name: string, message: string) => PresetFault,
): NamedPresets {
  const exact = entries.filter(([name]) => !isGlob(name));
  const qualified = new Map(tools.map((tool) => [tool.qualifiedName, tool]));
  const bare = rules.names === 'bare' ? uniqueBareNames(visible) : new Map<string, NamedTool>();
  const named = new Map<NamedTool, Entry[]>();
  const unclear = new Map<NamedTool, PresetFault[]>();
  const byQualifiedName: [NamedTool, Entry][] = [];
  const presets = new Set(exact.map(([name]) => name));
  for (const entry of exact) {
    const [name, preset] = entry;
    const tool = qualified.get(name);
    const namesake = bare.get(name);
    if (tool !== undefined) byQualifiedName.push([tool, entry]);
    else if (namesake !== undefined) named.set(namesake, [entry]);
    else {
      const same = rules.names === 'bare' ? visible.filter(({ bareName }) => bareName === name) : [];
      const fault = note(name, same.length === 0 ? unknownTool(name, tools, qualified) : severalTools(same));
      // It is not known which of them it was to restrict; one with a preset of its own has been thought of.
      for (const each of restrictsCalls(preset) ? same : []) {
        if (presets.has(each.qualifiedName)) continue;
        unclear.set(each, [fault]);
      }
    }
  }
  for (const [tool, entry] of byQualifiedName) named.set(tool, [...(named.get(tool) ?? []), entry]);
  return { named, unclear };
}

/** True for a preset whose loss would let calls do more. */
function restrictsCalls(preset: Preset): boolean {
  const { credential, credentialId } = preset;
  if (credential !== undefined || credentialId !== undefined) return true;
  return presetParameters(preset).some((name) => bindsParameter(preset, name));
}

function severalTools(tools: readonly NamedTool[]): string {
  const names = tools.map(({ qualifiedName }) => qualifiedName).sort(compare);
  return `There is a preset for a tool of this name, and ${tools.length} have it: ${listed(names, 300)}. Name one of them.`;
}

function unknownTool(
  name: string,
  tools: readonly NamedTool[],
  qualified: ReadonlyMap<string, NamedTool>,
): string {
  const same = tools.filter((tool) => tool.bareName === name).map((tool) => tool.qualifiedName);
  const near = same.length > 0 ? same.sort(compare).slice(0, 5) : ranked(name, qualified.keys(), 3);
  const advice = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`;
  return `There is a preset for a tool of this name, but no such tool.${advice}`;
}
