import type { PublishedTool } from '../model/registry.ts';
import { firstSentence } from './tool-texts.ts';

/** The most tools to read. They are spread evenly over all. */
const MAX_TOOLS = 100;
/** The most of a description to read, in UTF-16 units. */
const MAX_READ = 200;
/** Languages of fewer tools than this share are not named. */
const MIN_SHARE = 0.1;

/** A script that tells the language, or the most frequent words of a language. Scripts come first, kana before Han. */
const SIGNS: readonly (readonly [language: string, sign: RegExp])[] = [
  ['Japanese', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['Chinese', /\p{Script=Han}/gu],
  ['Korean', /\p{Script=Hangul}/gu],
  ['Russian', /\p{Script=Cyrillic}/gu],
  ['Thai', /\p{Script=Thai}/gu],
  ['Arabic', /\p{Script=Arabic}/gu],
  ['English', /\b(?:the|and|of|to|for|from|with|by|an?|in|is)\b/giu],
  ['German', /\b(?:der|die|das|und|eine[mnrs]?|f\u00fcr|mit|von|zu[mr]?|auf)\b/giu],
  ['French', /\b(?:le|les|une?|du|des|et|pour|avec|dans)\b/giu],
  ['Spanish', /\b(?:el|los|las|una?|del|y|con|en)\b/giu],
  ['Portuguese', /\b(?:os|uma?|do|da|em|com|\u00e0)\b/giu],
];
const SCRIPTS = 6;

/** Returns the languages in which tools are described, the most frequent first; empty if none can be told. */
export function languagesOf(all: readonly PublishedTool[]): string[] {
  const step = Math.ceil(all.length / MAX_TOOLS);
  const tools = all.filter((_, index) => index % step === 0);
  const counts = new Map<string, number>();
  for (const { description } of tools) {
    const language = languageOf(firstSentence(description, MAX_READ));
    if (language !== undefined) counts.set(language, (counts.get(language) ?? 0) + 1);
  }
  const named = [...counts].filter(([, count]) => count >= tools.length * MIN_SHARE);
  return named.sort(([, a], [, b]) => b - a).map(([language]) => language);
}

function languageOf(text: string): string | undefined {
  const counted = SIGNS.map(([language, sign]) => ({ language, count: text.match(sign)?.length ?? 0 }));
  const script = counted.slice(0, SCRIPTS).find(({ count }) => count > 0);
  if (script !== undefined) return script.language;
  const most = counted.toSorted((a, b) => b.count - a.count)[0];
  return most === undefined || most.count === 0 ? undefined : most.language;
}
