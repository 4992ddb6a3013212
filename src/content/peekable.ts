/** A stream whose beginning can be looked at before it is decided what becomes of it. */
export interface Peekable {
  /** Reads until `bytes` have arrived or the stream has ended. */
  fill(bytes: number): Promise<void>;
  /** What has been read so far. */
  head(): Uint8Array;
  /** Bytes read so far. */
  readonly length: number;
  /** `head` is the whole. */
  readonly ended: boolean;
  /** The whole stream from its beginning, once. What was read is let go as it is handed on. */
  all(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Reads no further. */
  close(): Promise<void>;
}

/** Looks into a stream of bytes. Errors of the stream are thrown where it is read. */
export function peekable(body: AsyncIterable<Uint8Array>): Peekable {
  const source = body[Symbol.asyncIterator]();
  let chunks: Uint8Array[] = [];
  let length = 0;
  let ended = false;

  async function fill(bytes: number): Promise<void> {
    while (!ended && length < bytes) {
      const next = await source.next();
      if (next.done === true) {
        ended = true;
        return;
      }
      chunks.push(next.value);
      length += next.value.length;
    }
  }

  return {
    fill,
    head() {
      if (chunks.length !== 1) chunks = [Buffer.concat(chunks)];
      return chunks[0] as Uint8Array;
    },
    get length() {
      return length;
    },
    get ended() {
      return ended;
    },
    async *all() {
      for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) yield chunk;
      while (!ended) {
        const next = await source.next();
        if (next.done === true) ended = true;
        else yield next.value;
      }
    },
    async close() {
      if (!ended) await source.return?.();
    },
  };
}
