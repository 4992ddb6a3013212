import type { PublishedTool, RegistryNote, WithheldTool } from '../model/registry.ts';
import { closestMatches, didYouMean } from '../model/closest.ts';
import { type RegistryRules, settingOf } from './rules.ts';

/** Returns the tools by their old names, and notes on those without a tool. A published name stays its own tool's. */
export function resolveAliases(
  published: ReadonlyMap<string, PublishedTool>,
  withheld: readonly WithheldTool[],
  rules: RegistryRules,
) {
  const byName = new Map<string, PublishedTool>();
  const notes: RegistryNote[] = [];
  for (const [name, target] of Object.entries(rules.aliases ?? {})) {
    const note = (message: string): void => {
      notes.push({ name, message, setting: `${settingOf(rules, 'aliases')}.${name}` });
    };
    const tool = published.get(target);
    const known = withheld.find((item) => item.name === target);
    if (published.has(name)) note(`This alias is not used: a published tool has the name ${name}.`);
    else if (tool !== undefined) byName.set(name, tool);
    else if (known !== undefined)
      note(`The alias refers to ${target}, which is not published (${known.reason}).`);
    else {
      const advice = didYouMean(closestMatches(target, published.keys(), 3));
      note(`The alias refers to ${target}, but no published tool has that name.${advice}`);
    }
  }
  return { byName, notes };
}
