/** A stream of bytes whose beginning can be read in advance. Throws what the stream throws. */
export class Peekable {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunks: Uint8Array[] = [];
  #length = 0;
  #ended = false;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#source = body[Symbol.asyncIterator]();
  }

  /** Bytes read so far. */
  get length(): number {
    return this.#length;
  }

  /** Whether `head` is the whole stream. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Reads until `bytes` have arrived or the stream has ended. */
  async fill(bytes: number): Promise<void> {
    while (!this.#ended && this.#length < bytes) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#ended = true;
        return;
      }
      this.#chunks.push(next.value);
      this.#length += next.value.length;
    }
  }

  /** Returns the bytes read so far. */
  head(): Uint8Array {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Uint8Array;
  }

  /** Returns the whole stream from its beginning, once. Releases the bytes read so far as it yields them. */
  async *all(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) yield chunk;
    while (!this.#ended) {
      const next = await this.#source.next();
      if (next.done === true) this.#ended = true;
      else yield next.value;
    }
  }
}
