import type { LocalizedText } from '../model/tool.ts';

/** Longest description that every model provider takes, in UTF-16 units. */
export const MAX_DESCRIPTION = 1024;

/** Control characters other than tab and line feed: no client shows them and some refuse them. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** The text in the first of the languages that has one, then in English, then in any; `""` when there is none. */
export function pickText(text: LocalizedText, languages: readonly string[]): string {
  const locales = [...languages, 'en_US', ...Object.keys(text)];
  for (const locale of locales) {
    const found = tidy(text[locale]);
    if (found !== '') return found;
  }
  return '';
}

/** Without control characters and surrounding space; a missing text is empty. */
export function tidy(text: string | undefined): string {
  return text === undefined ? '' : text.replace(CONTROL, '').trim();
}

/** At most `max` units: what is longer ends at a word, with an ellipsis. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const head = text.slice(0, Math.max(0, max - 1));
  const space = head.search(/\s\S*$/);
  // A text without spaces, as in Chinese, or one endless word is cut where it has to be.
  const cut = space > head.length / 2 ? head.slice(0, space) : head.replace(/[\uD800-\uDBFF]$/, '');
  return `${cut.trimEnd()}…`;
}

/** A text with a remark that is never cut: the text is cut instead. */
export function withRemark(text: string, remark: string, separator: string, max = MAX_DESCRIPTION): string {
  const kept = cutText(remark, max);
  const space = max - kept.length - separator.length;
  if (kept === '' || text === '' || space < 2) return kept === '' ? cutText(text, max) : kept;
  return `${cutText(text, space)}${separator}${kept}`;
}

/** Items as `a, b, c and 4 more`, of at most `max` units (the first item is always there). */
export function listed(items: readonly string[], max: number): string {
  let text = '';
  for (const [index, item] of items.entries()) {
    const next = index === 0 ? cutText(item, max) : `${text}, ${item}`;
    if (next.length > max) return `${text} and ${items.length - index} more`;
    text = next;
  }
  return text;
}
