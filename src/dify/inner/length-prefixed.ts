import { broken, decodeText, type Frame, type FrameDecoder, hex, toFrame, tooLarge } from './frame.ts';

/** The first byte of every length-prefixed frame. */
export const MAGIC = 0x0f;
/** Magic, reserved byte, header length (u16), data length (u32), all little-endian. */
const KNOWN_HEAD = 8;
/** The header length includes the 4 bytes of the data length. */
const MIN_HEADER = 4;

/** Decodes the format used since Dify 1.4.2. Copies a frame once if it spans several chunks, otherwise not at all. */
export class LengthPrefixed implements FrameDecoder {
  private readonly maxFrameBytes: number;
  private readonly head = Buffer.alloc(KNOWN_HEAD);
  private headFilled = 0;
  /** Remaining bytes of the header after the known ones. */
  private skip = 0;
  private length = 0;
  /** The bytes so far of a frame that spans several chunks. */
  private body: Buffer | undefined;
  private bodyFilled = 0;

  constructor(maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes;
  }

  *push(chunk: Uint8Array): Generator<Frame, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      if (this.headFilled < KNOWN_HEAD) {
        at = this.readHead(chunk, at);
        if (this.headFilled < KNOWN_HEAD) return;
      }
      const skipped = Math.min(this.skip, chunk.length - at);
      this.skip -= skipped;
      at += skipped;
      if (this.skip > 0) return;
      const missing = this.length - this.bodyFilled;
      const end = Math.min(at + missing, chunk.length);
      const part = chunk.subarray(at, end);
      at = end;
      if (part.length === this.length) {
        yield this.complete(part);
      } else if (part.length > 0) {
        this.body ??= Buffer.allocUnsafe(this.length);
        this.body.set(part, this.bodyFilled);
        this.bodyFilled += part.length;
        if (this.bodyFilled === this.length) yield this.complete(this.body);
      }
    }
  }

  end(): Frame | undefined {
    if (this.headFilled === 0) return undefined;
    throw broken("Dify's answer ended inside a frame.");
  }

  /** Reads the chunk's part of the head and checks the head once it is complete. Returns the offset after it. */
  private readHead(chunk: Uint8Array, from: number): number {
    const magic = this.headFilled === 0 ? chunk[from] : MAGIC;
    if (magic !== MAGIC) {
      throw broken(`Dify's answer has the byte ${hex(magic ?? 0)} where a frame should begin.`);
    }
    const end = Math.min(from + KNOWN_HEAD - this.headFilled, chunk.length);
    this.head.set(chunk.subarray(from, end), this.headFilled);
    this.headFilled += end - from;
    if (this.headFilled === KNOWN_HEAD) {
      const headerLength = this.head.readUInt16LE(2);
      if (headerLength < MIN_HEADER) {
        throw broken(`A frame of Dify's answer has a header of ${headerLength} bytes, which is too short.`);
      }
      this.skip = headerLength - MIN_HEADER;
      this.length = this.head.readUInt32LE(4);
      if (this.length > this.maxFrameBytes) throw tooLarge(this.length, this.maxFrameBytes);
    }
    return end;
  }

  private complete(bytes: Uint8Array): Frame {
    this.headFilled = 0;
    this.bodyFilled = 0;
    this.body = undefined;
    return toFrame(decodeText(bytes));
  }
}
