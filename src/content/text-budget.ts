/** A text of the result and what of it is shown: all, a beginning, or nothing (undefined). */
export interface BudgetedText {
  readonly shown: string | undefined;
}

/** The texts of a result within its budget. */
export interface BudgetedTexts {
  /** In the order of the texts. */
  readonly texts: readonly BudgetedText[];
  /** Characters of all texts. */
  readonly total: number;
  /** Characters that are shown. */
  readonly shown: number;
  /** Index of the text that was cut; undefined if all texts are shown. */
  readonly cutAt: number | undefined;
  /** Characters that text files of the result may still take; 0 if a text was cut. */
  readonly left: number;
}

/**
 * Shows texts from the first on until `max` characters are used up. The one that does not fit is cut after a line,
 * where that leaves at least half of the room, and otherwise between two characters.
 */
export function budgetTexts(texts: readonly string[], max: number): BudgetedTexts {
  const total = texts.reduce((sum, { length }) => sum + length, 0);
  if (total <= max)
    return {
      texts: texts.map((shown) => ({ shown })),
      total,
      shown: total,
      cutAt: undefined,
      left: max - total,
    };
  let room = max;
  let cutAt: number | undefined;
  const budgeted = texts.map((text, index): BudgetedText => {
    if (cutAt !== undefined) return { shown: undefined };
    if (text.length <= room) {
      room -= text.length;
      return { shown: text };
    }
    cutAt = index;
    const shown = cutAtLine(text, room);
    room -= shown.length;
    return { shown: shown === '' ? undefined : shown };
  });
  return { texts: budgeted, total, shown: max - room, cutAt, left: 0 };
}

/** At most `max` characters from the beginning of a text, up to the end of a line where one is near. */
export function cutAtLine(text: string, max: number): string {
  const start = text.slice(0, max);
  const lineEnd = start.lastIndexOf('\n');
  return copyOf(lineEnd >= max / 2 ? start.slice(0, lineEnd) : start.replace(/\p{Surrogate}$/u, ''));
}

/** A part of a text is a view of the whole: a result that is kept for an hour would hold all of it in memory. */
function copyOf(part: string): string {
  return Buffer.from(part, 'utf16le').toString('utf16le');
}
