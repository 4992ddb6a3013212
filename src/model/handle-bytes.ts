import type { FileHandle } from 'node:fs/promises';

const CHUNK_BYTES = 64 * 1024;

/** Yields the first `size` bytes of a file, or fewer. The handle stays open, unlike with Node's streams. */
export async function* handleBytes(
  handle: FileHandle,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  while (at < size) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
