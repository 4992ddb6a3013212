import { type MemoryLease, UNLIMITED } from '../../model/memory-budget.ts';
import { webPageError } from '../wire/answer-errors.ts';
import { answerTooLarge, broken, type Frame, type FrameDecoder, hex } from './frame.ts';
import { createLengthPrefixed, MAGIC } from './length-prefixed.ts';
import { createLines } from './lines.ts';
import { createReservation } from './reservation.ts';

export interface DecodeOptions {
  /** The largest accepted frame or line, in bytes of JSON. */
  readonly maxFrameBytes: number;
  /** The most bytes of all frames together; unlimited when absent. */
  readonly maxAnswerBytes?: number;
  /** Receives the memory of the parsed frames; unlimited when absent. */
  readonly memory?: MemoryLease | undefined;
  /** Whether the result may contain something of a frame; by default, of every frame. */
  readonly isKept?: ((frame: Frame) => boolean) | undefined;
  /** Ends the wait for memory. */
  readonly signal?: AbortSignal | undefined;
}

const LESS_THAN = 0x3c;
/** JSON, the fields of an event stream (`data event id retry :`) and white space. */
const LINE_STARTS = new Set(Buffer.from('{deir: \t\r\n'));

/**
 * Yields the frames of an answer while it arrives in chunks of any size. The first byte tells the format:
 * length-prefixed since Dify 1.4.2, one JSON per line before. An empty answer has no frames. Reads no further while
 * there is no memory for a frame.
 *
 * Throws `stream_broken` if the answer ends inside a frame or has another format, `frame_too_large` before it reads a
 * frame over the limit or if the whole answer exceeds its limit, `upstream_wrong_address` for a web page, and as
 * `MemoryLease.take` does.
 */
export async function* decodeFrames(
  bytes: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
): AsyncGenerator<Frame, void, undefined> {
  const { maxFrameBytes, maxAnswerBytes = Number.POSITIVE_INFINITY } = options;
  const { memory = UNLIMITED, isKept = () => true } = options;
  const reserve = createReservation(memory, options.signal);
  let decoder: FrameDecoder | undefined;
  let total = 0;
  for await (const chunk of bytes) {
    const first = chunk[0];
    if (first === undefined) continue;
    total += chunk.length;
    if (total > maxAnswerBytes) throw answerTooLarge(maxAnswerBytes);
    decoder ??= chooseDecoder(first, maxFrameBytes);
    for (const raw of decoder.push(chunk)) {
      const wait = reserve.whole(raw.memory);
      if (wait !== undefined) await wait;
      const frame = raw.parse();
      if (frame === undefined || !isKept(frame)) memory.release(raw.memory);
      if (frame === undefined) continue;
      yield frame;
      if (frame.error !== undefined) return;
    }
    await reserve.unfinished(decoder.pending);
  }
  const last = decoder?.end();
  if (last === undefined) return;
  await reserve.whole(last.memory);
  const frame = last.parse();
  if (frame !== undefined) yield frame;
}

function chooseDecoder(first: number, maxFrameBytes: number): FrameDecoder {
  if (first === MAGIC) return createLengthPrefixed(maxFrameBytes);
  if (LINE_STARTS.has(first)) return createLines(maxFrameBytes);
  if (first === LESS_THAN) throw webPageError();
  throw broken(`Dify's answer begins with the byte ${hex(first)}, which starts no known format.`);
}
