import type { PublishedTool, RegistryNote, WithheldTool } from '../model/registry.ts';
import { closestMatches } from '../model/closest.ts';
import { type RegistryRules, settingOf } from './rules.ts';

/** The tools by their old names, and notes on old names that lead to no tool. */
export interface ResolvedAliases {
  readonly byName: ReadonlyMap<string, PublishedTool>;
  readonly notes: readonly RegistryNote[];
}

/** Returns old names with their current tools. A published tool takes precedence over an alias of the same name. */
export function resolveAliases(
  published: ReadonlyMap<string, PublishedTool>,
  withheld: readonly WithheldTool[],
  rules: RegistryRules,
): ResolvedAliases {
  const byName = new Map<string, PublishedTool>();
  const notes: RegistryNote[] = [];
  for (const [name, target] of Object.entries(rules.aliases ?? {})) {
    const tool = published.get(target);
    const note = (message: string): void => {
      notes.push({ name, message, setting: `${settingOf(rules, 'aliases')}.${name}` });
    };
    if (published.has(name)) {
      note(`This alias is not used: a published tool has the name ${name}.`);
    } else if (tool !== undefined) {
      byName.set(name, tool);
    } else {
      const known = withheld.find((item) => item.name === target);
      const near = closestMatches(target, published.keys(), 3);
      const advice = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`;
      note(
        known === undefined
          ? `The alias refers to ${target}, but no published tool has that name.${advice}`
          : `The alias refers to ${target}, which is not published (${known.reason}).`,
      );
    }
  }
  return { byName, notes };
}
