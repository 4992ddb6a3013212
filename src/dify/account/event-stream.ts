import { parseJsonObject } from '../../model/exact-json.ts';
import type { JsonObject } from '../../model/json.ts';
import { type MemoryLease, UNLIMITED } from '../../model/memory-budget.ts';
import { ArrivingText } from '../inner/arriving-text.ts';
import { tooLarge } from '../inner/frame.ts';
import { createReservation } from '../inner/reservation.ts';

export interface EventOptions {
  /** The largest accepted event, in bytes. */
  readonly maxBytes: number;
  /** Receives the memory of the parsed events; unlimited when absent. */
  readonly memory?: MemoryLease | undefined;
  /** How many copies of an event the result may contain. */
  readonly copiesOf: (event: JsonObject) => number;
  /** Ends the wait for memory. */
  readonly signal: AbortSignal;
}

const NEWLINE = 0x0a;

/** Yields the JSON objects of server-sent events, while there is memory. Throws as `decodeFrames` does. */
export async function* decodeEvents(
  bytes: AsyncIterable<Uint8Array>,
  { maxBytes, memory = UNLIMITED, copiesOf, signal }: EventOptions,
): AsyncGenerator<JsonObject, void, undefined> {
  const reserve = createReservation(memory, signal);
  let line = new ArrivingText();
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; ) {
      const newline = chunk.indexOf(NEWLINE, at);
      line.add(chunk.subarray(at, newline === -1 ? chunk.length : newline));
      if (line.length > maxBytes) throw tooLarge(undefined, maxBytes);
      if (newline === -1) break;
      at = newline + 1;
      const size = line.memory;
      await reserve.whole(size);
      const event = eventOf(line.end());
      line = new ArrivingText();
      const copies = event === undefined ? 0 : copiesOf(event);
      await reserve.whole(Math.max(0, copies - 1) * size);
      if (event !== undefined) yield event;
      if (copies === 0) memory.release(size);
    }
    await reserve.unfinished(line.length === 0 ? 0 : line.memory);
  }
}

function eventOf(line: string): JsonObject | undefined {
  return line.startsWith('data:') ? parseJsonObject(line.slice('data:'.length)) : undefined;
}
