import { webPageError } from '../wire/answer-errors.ts';
import {
  broken,
  decodeText,
  type Frame,
  type FrameDecoder,
  type RawFrame,
  toFrame,
  tooLarge,
} from './frame.ts';

const NEWLINE = 0x0a;
const IGNORED_LINE = /^(?:event|id|retry)?:/;

/** Decodes the format used before Dify 1.4.2: one JSON per line, optionally prefixed as in an event stream. */
export function createLines(maxFrameBytes: number): FrameDecoder {
  /** The beginning of an unfinished line. Grows by doubling. */
  let rest = Buffer.alloc(0);
  let restLength = 0;
  let seenFrame = false;

  function append(part: Uint8Array, length: number): void {
    if (length > rest.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, rest.length * 2, 1024));
      grown.set(rest.subarray(0, restLength));
      rest = grown;
    }
    rest.set(part, restLength);
    restLength = length;
  }

  function takeRest(): Uint8Array {
    const bytes = rest.subarray(0, restLength);
    restLength = 0;
    return bytes;
  }

  function readLine(line: string): Frame | undefined {
    const text = line.trim();
    if (text === '' || IGNORED_LINE.test(text)) return undefined;
    if (!seenFrame && text.startsWith('<')) throw webPageError();
    seenFrame = true;
    return toFrame(text.startsWith('data:') ? text.slice('data:'.length) : text);
  }

  function complete(bytes: Uint8Array): RawFrame {
    return { bytes, parse: () => readLine(decodeText(bytes)) };
  }

  return {
    get pending() {
      return restLength;
    },

    *push(chunk) {
      let at = 0;
      while (at < chunk.length) {
        const newline = chunk.indexOf(NEWLINE, at);
        const part = chunk.subarray(at, newline === -1 ? chunk.length : newline);
        const length = restLength + part.length;
        if (length > maxFrameBytes) throw tooLarge(undefined, maxFrameBytes);
        if (newline === -1 || restLength > 0) append(part, length);
        if (newline === -1) return;
        at = newline + 1;
        yield complete(restLength > 0 ? takeRest() : part);
      }
    },

    end() {
      const { bytes, parse } = complete(takeRest());
      return {
        bytes,
        parse() {
          const frame = parse();
          // Only a line without its newline gets here; half a JSON means that the answer was cut off.
          if (typeof frame?.data === 'string') throw broken("Dify's answer ended inside a line.");
          return frame;
        },
      };
    },
  };
}
