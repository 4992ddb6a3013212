/** The texts of a result, limited to its budget. */
export interface BudgetedTexts {
  /** The shown part of each text, in order: all of it, its beginning, or nothing (undefined). */
  readonly texts: readonly (string | undefined)[];
  readonly total: number;
  readonly shown: number;
  /** Index of the text that was cut; undefined if all texts are shown. */
  readonly cutAt: number | undefined;
  /** The number of characters left for text files; 0 if a text was cut. */
  readonly left: number;
}

/** Shows texts from the first on until `max` characters are used up; cuts the one that does not fit, at a line. */
export function budgetTexts(texts: readonly string[], max: number): BudgetedTexts {
  const total = texts.reduce((sum, { length }) => sum + length, 0);
  let space = max;
  let cutAt: number | undefined;
  const budgeted = texts.map((text, index) => {
    if (cutAt !== undefined) return undefined;
    const fits = text.length <= space;
    if (!fits) cutAt = index;
    const shown = fits ? text : cutAtLine(text, space);
    space -= shown.length;
    return fits || shown !== '' ? shown : undefined;
  });
  return { texts: budgeted, total, shown: max - space, cutAt, left: cutAt === undefined ? space : 0 };
}

/** Returns at most `max` characters from the beginning of a text, up to the end of a line if one is near. */
export function cutAtLine(text: string, max: number): string {
  const start = text.slice(0, max);
  const lineEnd = start.lastIndexOf('\n');
  return copyOf(lineEnd >= max / 2 ? start.slice(0, lineEnd) : start.replace(/\p{Surrogate}$/u, ''));
}

/** Returns a copy. In V8, a part of a string refers to the whole, so a stored result would keep all of it in memory. */
export function copyOf(part: string): string {
  return Buffer.from(part, 'utf16le').toString('utf16le');
}
