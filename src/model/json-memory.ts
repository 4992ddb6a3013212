/** The most bytes that a member of an object or array takes in memory in addition to its text. */
const BYTES_PER_MEMBER = 35;
/** The text itself, the values parsed from it, and the text that a result shows of them. */
export const COPIES = 3;
/** A message, and the part of the result that it becomes. */
const BYTES_PER_MESSAGE = 64;
/** Members of the envelope in which Dify sends each message. */
const ENVELOPE = 12;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
/** The characters `, : [ {` */
const STARTS: ReadonlySet<number> = new Set([0x2c, 0x3a, 0x5b, 0x7b]);

/**
 * Returns about how many bytes of memory the values of a JSON text take until its call has its result. A number of
 * small values takes up to twenty times its text.
 */
export function memoryOfJson(json: Uint8Array): number {
  let members = 0;
  let continuations = 0;
  let isAscii = true;
  let inString = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] as number;
    if (byte >= 0x80) {
      isAscii = false;
      if (byte < 0xc0) continuations += 1;
    } else if (byte === QUOTE) inString = !inString;
    else if (byte === BACKSLASH) at += 1;
    else if (!inString && STARTS.has(byte)) members += 1;
  }
  // A string with one character outside Latin-1 takes two bytes for each of them.
  const text = isAscii ? json.length : 2 * (json.length - continuations);
  return BYTES_PER_MESSAGE + COPIES * text + BYTES_PER_MEMBER * Math.max(0, members - ENVELOPE);
}
