/** A stream of bytes whose beginning can be read in advance. Throws what the stream throws. */
export class Peekable {
  /** Bytes read so far. */
  length = 0;
  /** Whether `head` is the whole stream. */
  ended = false;
  readonly #source: AsyncIterator<Uint8Array>;
  #chunks: Uint8Array[] = [];

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#source = body[Symbol.asyncIterator]();
  }

  /** Reads until `bytes` have arrived or the stream has ended. */
  async fill(bytes: number): Promise<void> {
    while (!this.ended && this.length < bytes) {
      const chunk = await this.#next();
      if (chunk === undefined) return;
      this.#chunks.push(chunk);
      this.length += chunk.length;
    }
  }

  head(): Uint8Array {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Uint8Array;
  }

  /** Returns the whole stream from its beginning, once. Releases the bytes read so far as it yields them. */
  async *all(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) yield chunk;
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk;
  }

  async #next(): Promise<Uint8Array | undefined> {
    const next = this.ended ? undefined : await this.#source.next();
    this.ended ||= next?.done === true;
    return next?.done === false ? next.value : undefined;
  }
}
