import { withoutInvisible } from '../model/invisible-characters.ts';
import type { LocalizedText } from '../model/tool.ts';

/** The longest description that every model provider accepts, in UTF-16 units. */
export const MAX_DESCRIPTION = 1024;

/** The longest list of choices in a description, in characters. */
export const MAX_LISTED = 400;

/** Returns the text in the first language that has one, else in English, else in any; `""` if there is none. */
export function pickText(text: LocalizedText, languages: readonly string[]): string {
  const locales = [...languages, 'en_US', ...Object.keys(text)];
  for (const locale of locales) {
    const found = tidy(text[locale]);
    if (found !== '') return found;
  }
  return '';
}

/** Returns a text without invisible characters and surrounding space; an empty text if it is undefined. */
export function tidy(text: string | undefined): string {
  return text === undefined ? '' : withoutInvisible(text).trim();
}

/** Cuts a text to at most `max` UTF-16 units, at a word and with an ellipsis. */
export function cutAtWord(text: string, max: number): string {
  if (text.length <= max) return text;
  const head = text.slice(0, Math.max(0, max - 1));
  const space = head.search(/\s\S*$/);
  // A text without spaces, as in Chinese, or one very long word is cut anywhere.
  const cut = space > head.length / 2 ? head.slice(0, space) : head.replace(/[\uD800-\uDBFF]$/, '');
  return `${cut.trimEnd()}…`;
}

/** Returns a text with a remark. If both are too long, the text is cut and the remark is not. */
export function withRemark(text: string, remark: string, separator: string, max = MAX_DESCRIPTION): string {
  const kept = cutAtWord(remark, max);
  const space = max - kept.length - separator.length;
  if (kept === '' || text === '' || space < 2) return kept === '' ? cutAtWord(text, max) : kept;
  return `${cutAtWord(text, space)}${separator}${kept}`;
}

/** Returns what two texts have in common that say the same, such as `petId`, `Pet ID` and `pet_id`. */
export function lettersOf(text: string): string {
  return text.toLowerCase().replace(/[\s\p{P}]+/gu, '');
}

/** Returns a text followed by sentences. If both are too long, the text is cut and the sentences are not. */
export function withSentences(text: string, sentences: string): string {
  return withRemark(text, sentences, /[.!?\u3002\uff01\uff1f]$/.test(text) ? ' ' : '. ');
}

/** Returns a sentence that enumerates the values of a parameter. */
export function choicesText(values: readonly string[]): string {
  return `${values.length === 1 ? 'Always' : 'One of'} ${listed(values, MAX_LISTED)}.`;
}

/** Formats items as `a, b, c and 4 more`, of at most `max` units. The first item is always included. */
export function listed(items: readonly string[], max: number): string {
  let text = '';
  for (const [index, item] of items.entries()) {
    const next = index === 0 ? cutAtWord(item, max) : `${text}, ${item}`;
    if (next.length > max) return `${text} and ${items.length - index} more`;
    text = next;
  }
  return text;
}
