import { COPIES, memoryOfJson } from '../../model/json-memory.ts';
import { ArrivingText } from './arriving-text.ts';
import { broken, decodeText, type FrameDecoder, hex, type RawFrame, toFrame, tooLarge } from './frame.ts';

/** The first byte of every length-prefixed frame. */
export const MAGIC = 0x0f;
/** Magic, reserved byte, header length (u16), data length (u32), all little-endian. */
const KNOWN_HEAD = 8;
/** The header length includes the 4 bytes of the data length. */
const MIN_HEADER = 4;

/** Decodes the format used since Dify 1.4.2. */
export function createLengthPrefixed(maxFrameBytes: number): FrameDecoder {
  const head = Buffer.alloc(KNOWN_HEAD);
  let headFilled = 0;
  /** Remaining bytes of the header after the known ones. */
  let skip = 0;
  let length = 0;
  /** What has arrived of a frame that spans several chunks. */
  let body: ArrivingText | undefined;

  /** Reads the chunk's part of the head and checks the head once it is complete. Returns the offset after it. */
  function readHead(chunk: Uint8Array, from: number): number {
    const magic = headFilled === 0 ? chunk[from] : MAGIC;
    if (magic !== MAGIC) {
      throw broken(`Dify's answer has the byte ${hex(magic ?? 0)} where a frame should begin.`);
    }
    const end = Math.min(from + KNOWN_HEAD - headFilled, chunk.length);
    head.set(chunk.subarray(from, end), headFilled);
    headFilled += end - from;
    if (headFilled < KNOWN_HEAD) return end;
    const headerLength = head.readUInt16LE(2);
    if (headerLength < MIN_HEADER) {
      throw broken(`A frame of Dify's answer has a header of ${headerLength} bytes, which is too short.`);
    }
    skip = headerLength - MIN_HEADER;
    length = head.readUInt32LE(4);
    if (length > maxFrameBytes) throw tooLarge(length, maxFrameBytes);
    return end;
  }

  function complete(memory: number, text: () => string): RawFrame {
    headFilled = 0;
    body = undefined;
    return { memory, parse: () => toFrame(text()) };
  }

  return {
    get pending() {
      return headFilled === KNOWN_HEAD ? Math.max(COPIES * length, body?.memory ?? 0) : 0;
    },

    *push(chunk) {
      let at = 0;
      while (at < chunk.length) {
        if (headFilled < KNOWN_HEAD) {
          at = readHead(chunk, at);
          if (headFilled < KNOWN_HEAD) return;
        }
        const skipped = Math.min(skip, chunk.length - at);
        skip -= skipped;
        at += skipped;
        if (skip > 0) return;
        const part = chunk.subarray(at, at + length - (body?.length ?? 0));
        at += part.length;
        if (part.length === length) {
          yield complete(memoryOfJson(part), () => decodeText(part));
        } else if (part.length > 0) {
          body ??= new ArrivingText();
          const text = body;
          text.add(part);
          if (text.length === length) yield complete(text.memory, () => text.end());
        }
      }
    },

    end() {
      if (headFilled === 0) return undefined;
      throw broken("Dify's answer ended inside a frame.");
    },
  };
}
