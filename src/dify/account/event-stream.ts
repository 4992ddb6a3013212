import { parseJsonObject } from '../../model/exact-json.ts';
import type { JsonObject } from '../../model/json.ts';
import { tooLarge } from '../inner/frame.ts';

/**
 * Yields the JSON objects of a stream of server-sent events; skips what has none, such as pings. Throws
 * `frame_too_large`, and as the bytes do.
 */
export async function* decodeEvents(
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<JsonObject, void, undefined> {
  const decoder = new TextDecoder();
  let pending: string[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    for (const [index, piece] of lines.entries()) {
      pending.push(piece);
      size += piece.length;
      if (size > maxBytes) throw tooLarge(undefined, maxBytes);
      if (index === lines.length - 1) continue;
      const event = eventOf(pending.join(''));
      pending = [];
      size = 0;
      if (event !== undefined) yield event;
    }
  }
}

function eventOf(line: string): JsonObject | undefined {
  return line.startsWith('data:') ? parseJsonObject(line.slice('data:'.length)) : undefined;
}
