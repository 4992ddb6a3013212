import { cutText } from './cut-text.ts';
import { visibleLine } from './invisible-characters.ts';

const MAX_LENGTH = 100;

/** Returns a text that somebody else chose as a field of a log line: short, and on one line. Undefined if it is none. */
export function logText(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return cutText(visibleLine(cutText(value, MAX_LENGTH)), MAX_LENGTH);
}
