import { webPageError } from '../wire/answer-errors.ts';
import { broken, decodeText, type Frame, type FrameDecoder, toFrame, tooLarge } from './frame.ts';

const NEWLINE = 0x0a;
const IGNORED_LINE = /^(?:event|id|retry)?:/;

/** Decodes the format used before Dify 1.4.2: one JSON per line, optionally prefixed as in an event stream. */
export class Lines implements FrameDecoder {
  private readonly maxFrameBytes: number;
  /** The beginning of an unfinished line. Grows by doubling. */
  private rest = Buffer.alloc(0);
  private restLength = 0;
  private seenFrame = false;

  constructor(maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes;
  }

  *push(chunk: Uint8Array): Generator<Frame, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, at);
      const part = chunk.subarray(at, newline === -1 ? chunk.length : newline);
      const length = this.restLength + part.length;
      if (length > this.maxFrameBytes) throw tooLarge(undefined, this.maxFrameBytes);
      if (newline === -1 || this.restLength > 0) this.append(part, length);
      if (newline === -1) return;
      at = newline + 1;
      const frame = this.toFrame(this.restLength > 0 ? this.takeRest() : decodeText(part));
      if (frame !== undefined) yield frame;
    }
  }

  end(): Frame | undefined {
    const frame = this.toFrame(this.takeRest());
    // Only a line without its newline gets here; half a JSON means that the answer was cut off.
    if (typeof frame?.data === 'string') throw broken("Dify's answer ended inside a line.");
    return frame;
  }

  private append(part: Uint8Array, length: number): void {
    if (length > this.rest.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, this.rest.length * 2, 1024));
      grown.set(this.rest.subarray(0, this.restLength));
      this.rest = grown;
    }
    this.rest.set(part, this.restLength);
    this.restLength = length;
  }

  private takeRest(): string {
    const text = decodeText(this.rest.subarray(0, this.restLength));
    this.restLength = 0;
    return text;
  }

  private toFrame(line: string): Frame | undefined {
    const text = line.trim();
    if (text === '' || IGNORED_LINE.test(text)) return undefined;
    if (!this.seenFrame && text.startsWith('<')) throw webPageError();
    this.seenFrame = true;
    return toFrame(text.startsWith('data:') ? text.slice('data:'.length) : text);
  }
}
