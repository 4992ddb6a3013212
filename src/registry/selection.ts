import type { RegistryNote } from '../model/registry.ts';
import { isGlob } from './glob.ts';
import { fits, type Matchable, matcherText } from './match.ts';
import { compare } from '../model/compare.ts';
import { type Matcher, type RegistryRules, settingOf } from './rules.ts';

export interface Selection {
  /** The rules that decided, as lines for a person. */
  readonly lines: readonly string[];
  /** The rule that withholds the tool, and what would publish it; absent if no rule does. */
  readonly hidden?: string;
}

/** Applies `deny`, then `allow`: the first two rules, which depend only on what identifies a tool. */
export function selectTool(tool: Matchable, rules: RegistryRules): Selection {
  const [deny, allow] = [settingOf(rules, 'deny'), settingOf(rules, 'allow')];
  const denied = rules.deny.find((matcher) => fits(matcher, tool, rules));
  if (denied !== undefined) {
    return {
      lines: [`${deny}: ${matcherText(denied)} matches`],
      hidden: `The rule ${matcherText(denied)} of ${deny} matches it. Remove the rule, or make it match less.`,
    };
  }
  const passed = rules.deny.length === 0 ? [] : [`${deny}: no rule matches`];
  if (rules.allow.length === 0) return { lines: passed };
  const allowed = rules.allow.find((matcher) => fits(matcher, tool, rules));
  if (allowed !== undefined) return { lines: [...passed, `${allow}: ${matcherText(allowed)} matches`] };
  return {
    lines: [...passed, `${allow}: no rule matches`],
    hidden: `No rule of ${allow} matches it. Add ${JSON.stringify(tool.qualifiedName)} there.`,
  };
}

interface Rank {
  readonly line: string;
  readonly hidden?: string;
}

/** Applies the last rule, maxTools, by the names that tools are to have: pinned ones first, then by name. */
export function rankTools<T>(
  candidates: readonly { readonly item: T; readonly name: string; readonly tool: Matchable }[],
  rules: RegistryRules,
): ReadonlyMap<T, Rank> {
  const { maxTools, pinned = [] } = rules;
  if (maxTools === undefined) return new Map();
  const setting = settingOf(rules, 'maxTools');
  const isPinned = (tool: Matchable): boolean => pinned.some((matcher) => fits(matcher, tool, rules));
  const ranked = candidates
    .map((candidate) => ({ ...candidate, pinned: isPinned(candidate.tool) }))
    .sort((a, b) => Number(b.pinned) - Number(a.pinned) || compare(a.name, b.name));
  const ranks = ranked.map(({ item, pinned }, index): [T, Rank] => {
    const line = `${setting}: number ${index + 1} of at most ${maxTools}${pinned ? ' (pinned)' : ''}`;
    if (index < maxTools) return [item, { line }];
    const advice = `Raise the limit, pin the tool (${settingOf(rules, 'pinned')}), or deny others.`;
    return [
      item,
      { line, hidden: `${setting} is ${maxTools}, and this tool is number ${index + 1}. ${advice}` },
    ];
  });
  return new Map(ranks);
}

/** Returns whether a rule names a tool or a provider exactly. */
function isOfOne(matcher: Matcher): boolean {
  if (typeof matcher === 'string') return !isGlob(matcher);
  const { name, provider, tool } = matcher;
  const given = [name, provider, tool].filter((fact) => fact !== undefined);
  return given.length > 0 && !given.some(isGlob);
}

/** Returns notes on rules that match no tool. Omits `deny` rules with a glob, which may be meant for future tools. */
export function unusedMatchers(tools: readonly Matchable[], rules: RegistryRules): RegistryNote[] {
  const lists: [keyof RegistryRules, readonly Matcher[]][] = [
    ['deny', rules.deny.filter(isOfOne)],
    ['allow', rules.allow],
    ['pinned', rules.pinned ?? []],
  ];
  return lists.flatMap(([name, matchers]) =>
    matchers
      .filter((matcher) => !tools.some((tool) => fits(matcher, tool, rules)))
      .map((matcher) => {
        const setting = settingOf(rules, name);
        const text = typeof matcher === 'string' ? matcher : matcherText(matcher);
        return { name: text, message: `No tool matches this rule of ${setting}.`, setting };
      }),
  );
}
