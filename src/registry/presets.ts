import type { RegistryNote } from '../model/registry.ts';
import { globFits, isGlob } from './glob.ts';
import { namesOf } from './match.ts';
import { compare, type NamedTool, uniqueBareNames } from './names.ts';
import { ranked } from '../model/near.ts';
import { type Preset, type RegistryRules, settingOf } from './rules.ts';

/** All presets that fit one tool, as one. */
export interface ToolPreset extends Preset {
  /** What it is made of, the strongest last. */
  readonly parts: readonly PresetPart[];
  /** The one that names this very tool. */
  readonly exact?: Preset;
}

/** A preset and where it stands in the configuration. */
export interface PresetPart {
  readonly setting: string;
  readonly preset: Preset;
}

/** The preset of each tool that has one, and what is to be said of the others. */
export interface MatchedPresets {
  readonly byTool: ReadonlyMap<NamedTool, ToolPreset>;
  readonly notes: readonly RegistryNote[];
}

/** The parameters that a preset names. */
export function presetParameters({ parameters, publish = [], narrow = {} }: Preset): string[] {
  return [...new Set([...Object.keys(parameters), ...publish, ...Object.keys(narrow)])];
}

/** What an object has under a name, but for what every object has. */
export function own<T>(values: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Where the presets of a tool stand, the strongest last. */
export function presetSettings(preset: ToolPreset | undefined): string[] {
  return preset?.parts.map(({ setting }) => setting) ?? [];
}

/**
 * Finds the presets of each tool: globs in the order of the file, then the one by its name. Of two that say
 * different things the later wins; `visible` are the tools among which a bare name has to be unique.
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
  const named = matchByName(entries, tools, visible, rules, note);
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
    const exact = named.get(tool);
    const all = exact === undefined ? parts : [...parts, exact];
    if (all.length === 0) continue;
    const key = JSON.stringify(all.map(([name]) => name));
    const preset = merged.get(key) ?? mergePresets(all, exact?.[1], setting);
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

/** The presets that are no globs: by qualified name, with bare names also by a bare name that one tool has. */
function matchByName(
  entries: readonly Entry[],
  tools: readonly NamedTool[],
  visible: readonly NamedTool[],
  rules: RegistryRules,
  note: (name: string, message: string) => void,
): ReadonlyMap<NamedTool, Entry> {
  const byTool = new Map<NamedTool, Entry>();
  const qualified = new Map(tools.map((tool) => [tool.qualifiedName, tool]));
  const bare = rules.names === 'bare' ? uniqueBareNames(visible) : new Map<string, NamedTool>();
  const byBareName: [Entry, NamedTool][] = [];
  for (const entry of entries) {
    const [name] = entry;
    if (isGlob(name)) continue;
    const tool = qualified.get(name);
    const namesake = bare.get(name);
    if (tool !== undefined) byTool.set(tool, entry);
    else if (namesake !== undefined) byBareName.push([entry, namesake]);
    else note(name, unknownTool(name, tools, qualified));
  }
  for (const [entry, tool] of byBareName) {
    if (byTool.has(tool)) {
      note(entry[0], `This preset is not used: the tool has another one as ${tool.qualifiedName}.`);
    } else {
      byTool.set(tool, entry);
    }
  }
  return byTool;
}

function mergePresets(
  entries: readonly Entry[],
  exact: Preset | undefined,
  setting: (name: string) => string,
): ToolPreset {
  let merged: Preset = { parameters: {} };
  for (const [, preset] of entries) {
    const narrow = { ...merged.narrow };
    for (const [name, by] of Object.entries(preset.narrow ?? {})) {
      narrow[name] = { ...narrow[name], ...by };
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
  const parts = entries.map(([name, preset]) => ({ setting: setting(name), preset }));
  return Object.freeze({ ...merged, parts, ...(exact !== undefined && { exact }) });
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
