/** The part of an open file that is needed to read it. */
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
 * The first bytes of an open file, as many as it had, fewer where it has become shorter. The handle stays open, also
 * when the reading ends early: a stream of Node's would close it then.
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
