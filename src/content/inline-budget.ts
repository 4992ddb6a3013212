import type { ResultLimits } from '../model/content.ts';

/** Why a result does not contain a file: it is too large alone, or together with the files before it. */
export type Overflow = 'alone' | 'together';

/** The turn of one file among the files of a result. */
export interface Turn {
  /** Takes the space for this file after all before it are decided; returns why there is none. */
  claim(bytes: number): Promise<Overflow | undefined>;
  /** Ends the turn. Must be called in every case. */
  pass(): void;
}

/** The part of all images and sounds that one may take, unless a setting says otherwise. */
const SINGLE_SHARE = 0.7;

/** Returns the size of the largest image or sound that a result can contain, in bytes. */
export function maxSingleBytes({ maxInlineBytes, maxImageBytes }: ResultLimits): number {
  return Math.min(maxInlineBytes, maxImageBytes ?? Math.floor(maxInlineBytes * SINGLE_SHARE));
}

/**
 * Returns a function that gives each file its turn. Images and sounds get the space of one result in the order in which
 * the tool named them. The space for text is divided when the result is assembled: see `budgetTexts`.
 */
export function createInlineBudget(limits: ResultLimits): () => Turn {
  let taken = 0;
  let decided: Promise<unknown> = Promise.resolve();
  return () => {
    const before = decided;
    let pass = (): void => undefined;
    const passed = new Promise<void>((resolve) => (pass = resolve));
    decided = Promise.all([before, passed]);
    return {
      pass,
      async claim(bytes) {
        await before;
        if (bytes > maxSingleBytes(limits)) return 'alone';
        if (taken + bytes > limits.maxInlineBytes) return 'together';
        taken += bytes;
        return undefined;
      },
    };
  };
}
