import type { ResultLimits } from '../model/content.ts';

/** Why a file does not stand in the result itself: it is too large alone, or with the files before it. */
export type Overflow = 'alone' | 'together';

/** The place of one file among those of a result. */
export interface Turn {
  /**
   * Waits until all files before this one are decided upon, then takes the room for this one. Answers why there is
   * none; undefined when it fits.
   */
  claim(form: 'image' | 'audio' | 'text', size: number): Promise<Overflow | undefined>;
  /** This file is decided upon. To be called in any case. */
  pass(): void;
}

/** Gives the room of one result to its files in the order in which they were named, whichever is there first. */
export interface InlineBudget {
  turn(): Turn;
}

/** `size` of a text counts characters, of an image or a sound bytes. */
export function createInlineBudget({
  maxImageBytes,
  maxInlineBytes,
  maxTextChars,
}: ResultLimits): InlineBudget {
  let media = 0;
  let chars = 0;
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
        async claim(form, size) {
          await before;
          if (form === 'text') {
            if (size > maxTextChars) return 'alone';
            if (chars + size > maxTextChars) return 'together';
            chars += size;
            return undefined;
          }
          if (size > Math.min(maxImageBytes, maxInlineBytes)) return 'alone';
          if (media + size > maxInlineBytes) return 'together';
          media += size;
          return undefined;
        },
      };
    },
  };
}
