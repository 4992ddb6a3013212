import { size, wholeNumber } from './fields.ts';

/** How much of its files and text a result may carry: for a view, and for a tool by its preset. */
export const RESULT_FIELDS = {
  maxImageBytes: size('0B', '64MiB'),
  maxInlineBytes: size('0B', '64MiB'),
  maxTextChars: wholeNumber(1000, 100_000_000),
};
