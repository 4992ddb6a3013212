import { cutText } from './cut-text.ts';
import { visibleLine } from './invisible-characters.ts';

const MAX_LENGTH = 100;
/** Every call has such texts, and nearly all of them need no second look. */
const PLAIN = /^[ -~]*$/;

/** Returns a text that somebody else chose as a field of a log line: short, and on one line. Undefined if it is none. */
export function logText(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  const short = cutText(value, MAX_LENGTH);
  return PLAIN.test(short) ? short : cutText(visibleLine(short), MAX_LENGTH);
}
