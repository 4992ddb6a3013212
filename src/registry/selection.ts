import type { RegistryNote } from '../model/registry.ts';
import { isGlob } from './glob.ts';
import { fits, type Matchable, matcherText } from './match.ts';
import { compare } from '../model/compare.ts';
import { type Matcher, type RegistryRules, settingOf } from './rules.ts';

/** What deny and allow say of one tool. */
export interface Selection {
  /** What decided, as lines for a person. */
  readonly lines: readonly string[];
  /** Which rule keeps the tool away and what would publish it; absent when none does. */
  readonly hidden?: string;
}

/** Asks deny, then allow: the first two of the rules, which look at what a tool is called alone. */
export function selectTool(tool: Matchable, rules: RegistryRules): Selection {
  const [deny, allow] = [settingOf(rules, 'deny'), settingOf(rules, 'allow')];
  const denied = rules.deny.find((matcher) => fits(matcher, tool, rules));
  if (denied !== undefined) {
    return {
      lines: [`${deny}: ${matcherText(denied)} fits`],
      hidden: `The rule ${matcherText(denied)} of ${deny} fits it. Remove that rule, or let it fit less.`,
    };
  }
  const passed = rules.deny.length === 0 ? [] : [`${deny}: nothing fits`];
  if (rules.allow.length === 0) return { lines: passed };
  const allowed = rules.allow.find((matcher) => fits(matcher, tool, rules));
  if (allowed !== undefined) return { lines: [...passed, `${allow}: ${matcherText(allowed)} fits`] };
  return {
    lines: [...passed, `${allow}: nothing fits`],
    hidden: `No rule of ${allow} fits it. Add ${JSON.stringify(tool.qualifiedName)} there.`,
  };
}

/** A tool that has passed every other rule, with the name that it is to have. */
export interface Candidate<T> {
  readonly item: T;
  readonly name: string;
  readonly tool: Matchable;
}

/** What maxTools says of one tool. */
export interface Rank<T> {
  readonly item: T;
  readonly line: string;
  readonly hidden?: string;
}

/** The last rule: of more tools than maxTools, the pinned ones come first, then those first by name. */
export function rankTools<T>(candidates: readonly Candidate<T>[], rules: RegistryRules): readonly Rank<T>[] {
  const { maxTools, pinned = [] } = rules;
  if (maxTools === undefined) return [];
  const setting = settingOf(rules, 'maxTools');
  const ranked = candidates
    .map((candidate) => ({
      ...candidate,
      isPinned: pinned.some((matcher) => fits(matcher, candidate.tool, rules)),
    }))
    .sort((a, b) => Number(b.isPinned) - Number(a.isPinned) || compare(a.name, b.name));
  return ranked.map(({ item, isPinned }, index) => {
    const line = `${setting}: number ${index + 1}${isPinned ? ', as it is pinned,' : ''} of at most ${maxTools}`;
    if (index < maxTools) return { item, line };
    const advice = `Raise it, pin the tool (${settingOf(rules, 'pinned')}), or deny others.`;
    return { item, line, hidden: `${setting} is ${maxTools}, and it is number ${index + 1}. ${advice}` };
  });
}

/** True for a rule about a tool or a provider by its very name. */
function isOfOne(matcher: Matcher): boolean {
  if (typeof matcher === 'string') return !isGlob(matcher);
  const { name, provider, tool } = matcher;
  const given = [name, provider, tool].filter((fact) => fact !== undefined);
  return given.length > 0 && !given.some(isGlob);
}

/** Rules that are about no tool at all. A deny of no certain tool may be meant for those that are yet to come. */
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
        return { name: text, message: `No tool fits this rule of ${setting}.`, setting };
      }),
  );
}
