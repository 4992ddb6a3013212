/** Emoji with the joiners and selectors that belong to them, which are no secret. */
const EMOJI = /\p{Extended_Pictographic}\uFE0F?(?:\u200D\p{Extended_Pictographic}\uFE0F?)*/u;

/** A character that shows nothing, looks like a common space, or changes how its neighbours are shown. */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?![ \u3000])\p{Zs}/u;

const EITHER = new RegExp(`(${EMOJI.source})|${HIDDEN.source}`, 'gu');

/** The text with a replacement for each character that a reader would not see; line feeds and tabs stay. */
export function replaceHidden(text: string, replacement: (codePoint: number) => string): string {
  return text.replace(EITHER, (found, emoji: string | undefined) =>
    emoji !== undefined || found === '\n' || found === '\t' ? found : replacement(found.codePointAt(0) ?? 0),
  );
}

/** The text as a reviewer should see it: hidden characters as `\u{202e}`, line feeds and tabs as they are. */
export function visible(text: string): string {
  return replaceHidden(text, (codePoint) => `\\u{${codePoint.toString(16)}}`);
}

/** The text on one line, for a message or a heading. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}
