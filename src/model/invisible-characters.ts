/** Emoji with their joiners and selectors, which hide nothing. */
const EMOJI =
  /\p{Extended_Pictographic}(?:\uFE0F|\p{EMod})?(?:\u200D\p{Extended_Pictographic}(?:\uFE0F|\p{EMod})?)*/u;

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

/** A command to a terminal: a control sequence (colours, cursor), a string (title, link), or two characters. */
const TERMINAL_COMMAND =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\n]{0,2048}(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g;

/** Control characters except white space, and characters that override or isolate the direction of writing. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const STEERING = /[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Returns a text of a tool's result without terminal commands, control characters and overrides of the direction of
 * writing, which can disguise it. Keeps all other characters: joiners are part of the spelling of some languages.
 */
export function withoutSteering(text: string): string {
  return text.search(STEERING) === -1 ? text : text.replace(TERMINAL_COMMAND, '').replace(STEERING, '');
}

/** Characters that a published text loses. Lone surrogates are replaced where the text is written. */
const UNPUBLISHED = new RegExp(
  `(${EMOJI.source})|[\\n\\t]|[\\p{Cc}\\p{Cf}\\p{Co}\\p{Default_Ignorable_Code_Point}\\u2800]`,
  'gu',
);

/** Returns a name, title or description as it is published: without invisible and control characters. */
export function withoutInvisible(text: string): string {
  if (!/[^\n\t -~]/.test(text)) return text;
  return text
    .replace(TERMINAL_COMMAND, '')
    .replace(/[\u2028\u2029]/g, '\n')
    .replace(UNPUBLISHED, (found, emoji: string | undefined) =>
      emoji !== undefined || found === '\n' || found === '\t' ? found : '',
    );
}

/** Whether a text, or any text in a value, loses characters when it is published. */
export function hasInvisible(value: unknown): boolean {
  if (typeof value === 'string') return withoutInvisible(value) !== value;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, member]) => hasInvisible(key) || hasInvisible(member));
}
