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

/** Estimates how many bytes of memory the values of a JSON text take until its call has its result, while it arrives. */
export class JsonMemory {
  #length = 0;
  #members = 0;
  #continuations = 0;
  #isAscii = true;
  #inString = false;
  #isEscaped = false;

  /** Takes the next bytes, cut anywhere. */
  add(json: Uint8Array): void {
    let members = 0;
    let continuations = 0;
    let isAscii = this.#isAscii;
    let inString = this.#inString;
    let at = this.#isEscaped ? 1 : 0;
    for (; at < json.length; at += 1) {
      const byte = json[at] as number;
      if (byte >= 0x80) {
        isAscii = false;
        if (byte < 0xc0) continuations += 1;
      } else if (byte === QUOTE) inString = !inString;
      else if (byte === BACKSLASH) at += 1;
      else if (!inString && STARTS.has(byte)) members += 1;
    }
    this.#length += json.length;
    this.#members += members;
    this.#continuations += continuations;
    this.#isAscii = isAscii;
    this.#inString = inString;
    this.#isEscaped = at > json.length;
  }

  /** The estimate for what has arrived. A number of small values takes up to twenty times its text. */
  get bytes(): number {
    // A string with one character outside Latin-1 takes two bytes for each of them.
    const text = this.#isAscii ? this.#length : 2 * (this.#length - this.#continuations);
    return BYTES_PER_MESSAGE + COPIES * text + BYTES_PER_MEMBER * Math.max(0, this.#members - ENVELOPE);
  }
}

/** Returns the estimate for a whole JSON text. */
export function memoryOfJson(json: Uint8Array): number {
  const memory = new JsonMemory();
  memory.add(json);
  return memory.bytes;
}
