import type { ToolProvider } from '../model/tool.ts';
import { globFits } from './glob.ts';
import type { NamedTool } from './names.ts';
import type { FactMatcher, Matcher, RegistryRules } from './rules.ts';

/** The facts of a tool that rules use. */
export type Matchable = Pick<NamedTool, 'provider' | 'tool' | 'qualifiedName' | 'wholeNames' | 'bareName'>;

/** Returns the names by which rules and presets can refer to a tool. */
export function namesOf(
  { qualifiedName, wholeNames, bareName }: Matchable,
  { names }: Pick<RegistryRules, 'names'>,
): string[] {
  return [...new Set([qualifiedName, ...wholeNames, ...(names === 'bare' ? [bareName] : [])])];
}

export function fits(matcher: Matcher, tool: Matchable, rules: Pick<RegistryRules, 'names'>): boolean {
  const facts: FactMatcher = typeof matcher === 'string' ? { name: matcher } : matcher;
  const fitsOne = (glob: string | undefined, values: Iterable<string>): boolean =>
    glob === undefined || [...values].some((value) => globFits(glob, value));
  const { provider } = tool;
  return (
    (facts.type === undefined || facts.type === provider.type) &&
    fitsOne(facts.name, namesOf(tool, rules)) &&
    fitsOne(facts.provider, [provider.id, provider.name]) &&
    fitsOne(facts.tool, [tool.tool.name]) &&
    (facts.label === undefined || fitsOne(facts.label.toLowerCase(), labelsOf(tool)))
  );
}

/** Formats a rule for a person: `"web_*"`, or `type mcp and tool "delete_*"`. */
export function matcherText(matcher: Matcher): string {
  if (typeof matcher === 'string') return JSON.stringify(matcher);
  return Object.entries(matcher)
    .map(([key, value]) => `${key} ${key === 'type' ? String(value) : JSON.stringify(value)}`)
    .join(' and ');
}

/** Returns whether a rule names a provider by its exact ID, so that it matches no other. */
export function namesProvider(matcher: Matcher, { id }: ToolProvider): boolean {
  return typeof matcher !== 'string' && matcher.provider === id;
}

function labelsOf({ provider, tool }: Matchable): string[] {
  const labels = [...Object.values(tool.label), ...Object.values(provider.label), ...(provider.tags ?? [])];
  return labels.map((label) => label.toLowerCase());
}
