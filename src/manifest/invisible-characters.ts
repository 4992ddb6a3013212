/** Emoji with their joiners and selectors, which hide nothing. */
const EMOJI = /\p{Extended_Pictographic}\uFE0F?(?:\u200D\p{Extended_Pictographic}\uFE0F?)*/u;

/** A character that is invisible, looks like a space, or changes how its neighbours are displayed. */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?![ \u3000])\p{Zs}/u;

const EITHER = new RegExp(`(${EMOJI.source})|${HIDDEN.source}`, 'gu');

/** Returns the text with a replacement for each invisible character; leaves line feeds and tabs. */
export function replaceHidden(text: string, replacement: (codePoint: number) => string): string {
  return text.replace(EITHER, (found, emoji: string | undefined) =>
    emoji !== undefined || found === '\n' || found === '\t' ? found : replacement(found.codePointAt(0) ?? 0),
  );
}

/** Returns the text for a reviewer: hidden characters as `\u{202e}`, line feeds and tabs unchanged. */
export function visible(text: string): string {
  return replaceHidden(text, (codePoint) => `\\u{${codePoint.toString(16)}}`);
}

/** Returns the text on one line, for a message or a heading. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}
