/** The part of a file handle that `handleBytes` needs. */
export interface ReadableHandle {
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * Yields the first `size` bytes of an open file, or fewer if the file has become shorter. The handle stays open even if
 * the reader stops early; one of Node's streams would close it.
 */
export async function* handleBytes(
  handle: ReadableHandle,
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
