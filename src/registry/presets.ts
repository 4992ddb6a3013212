import type { RegistryNote } from '../model/registry.ts';
import { type NamedTool, uniqueBareNames } from './names.ts';
import { ranked } from './near.ts';
import type { Preset, RegistryRules } from './rules.ts';

/** The preset of each tool that has one, and what is to be said of the others. */
export interface MatchedPresets {
  readonly byTool: ReadonlyMap<NamedTool, Preset>;
  readonly notes: readonly RegistryNote[];
}

/** Finds the tool of each preset: by qualified name, with bare names also by a bare name that one tool has. */
export function matchPresets(tools: readonly NamedTool[], rules: RegistryRules): MatchedPresets {
  const byTool = new Map<NamedTool, Preset>();
  const notes: RegistryNote[] = [];
  const entries = Object.entries(rules.presets);
  if (entries.length === 0) return { byTool, notes };
  const qualified = new Map(tools.map((tool) => [tool.qualifiedName, tool]));
  const visible = tools.filter(({ provider }) => provider.authorized || rules.unauthorized === 'publish');
  const bare = rules.names === 'bare' ? uniqueBareNames(visible) : new Map<string, NamedTool>();
  const byBareName: [string, Preset, NamedTool][] = [];
  for (const [name, preset] of entries) {
    const tool = qualified.get(name);
    const namesake = bare.get(name);
    if (tool !== undefined) byTool.set(tool, preset);
    else if (namesake !== undefined) byBareName.push([name, preset, namesake]);
    else notes.push({ name, message: unknownTool(name, tools, qualified) });
  }
  for (const [name, preset, tool] of byBareName) {
    if (byTool.has(tool)) {
      notes.push({
        name,
        message: `This preset is not used: the tool has another one as ${tool.qualifiedName}.`,
      });
    } else {
      byTool.set(tool, preset);
    }
  }
  return { byTool, notes };
}

function unknownTool(
  name: string,
  tools: readonly NamedTool[],
  qualified: ReadonlyMap<string, NamedTool>,
): string {
  const same = tools.filter((tool) => tool.bareName === name).map((tool) => tool.qualifiedName);
  const near = same.length > 0 ? same.slice(0, 5) : ranked(name, qualified.keys(), 3);
  const advice = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`;
  return `There is a preset for a tool of this name, but no such tool.${advice}`;
}
