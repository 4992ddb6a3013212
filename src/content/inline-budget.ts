import type { ResultLimits } from '../model/content.ts';

/** Why a file does not stand in the result itself: it is too large alone, or with the files before it. */
export type Overflow = 'alone' | 'together';

/** The place of one file among those of a result. */
export interface Turn {
  /**
   * Waits until all files before this one are decided upon, then takes the room for this one. Answers why there is
   * none; undefined when it fits.
   */
  claim(bytes: number): Promise<Overflow | undefined>;
  /** This file is decided upon. To be called in any case. */
  pass(): void;
}

/** Gives the space of one result to its images and sounds in the order in which the tool named them. */
export interface InlineBudget {
  turn(): Turn;
}

/** The budget of images and sounds. Text is decided when the result is assembled: see `budgetTexts`. */
export function createInlineBudget({ maxImageBytes, maxInlineBytes }: ResultLimits): InlineBudget {
  let taken = 0;
  let decided: Promise<unknown> = Promise.resolve();
  return {
    turn() {
      const before = decided;
      let pass = (): void => undefined;
      const passed = new Promise<void>((resolve) => {
        pass = resolve;
      });
      decided = Promise.all([before, passed]);
      return {
        pass,
        async claim(bytes) {
          await before;
          if (bytes > Math.min(maxImageBytes, maxInlineBytes)) return 'alone';
          if (taken + bytes > maxInlineBytes) return 'together';
          taken += bytes;
          return undefined;
        },
      };
    },
  };
}
