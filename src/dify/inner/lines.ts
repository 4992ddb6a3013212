import { memoryOfJson } from '../../model/json-memory.ts';
import { webPageError } from '../wire/answer-errors.ts';
import { ArrivingText } from './arriving-text.ts';
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
  /** The beginning of an unfinished line. */
  let rest = new ArrivingText();
  let seenFrame = false;

  function readLine(line: string): Frame | undefined {
    const text = line.trim();
    if (text === '' || IGNORED_LINE.test(text)) return undefined;
    if (!seenFrame && text.startsWith('<')) throw webPageError();
    seenFrame = true;
    return toFrame(text.startsWith('data:') ? text.slice('data:'.length) : text);
  }

  function completeRest(): RawFrame {
    const line = rest;
    rest = new ArrivingText();
    return { memory: line.memory, parse: () => readLine(line.end()) };
  }

  return {
    get pending() {
      return rest.length === 0 ? 0 : rest.memory;
    },

    *push(chunk) {
      let at = 0;
      while (at < chunk.length) {
        const newline = chunk.indexOf(NEWLINE, at);
        const part = chunk.subarray(at, newline === -1 ? chunk.length : newline);
        if (rest.length + part.length > maxFrameBytes) throw tooLarge(undefined, maxFrameBytes);
        if (newline === -1 || rest.length > 0) rest.add(part);
        if (newline === -1) return;
        at = newline + 1;
        yield rest.length > 0
          ? completeRest()
          : { memory: memoryOfJson(part), parse: () => readLine(decodeText(part)) };
      }
    },

    end() {
      const { memory, parse } = completeRest();
      return {
        memory,
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
