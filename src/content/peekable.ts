/** A stream of bytes whose beginning can be read before deciding what to do with it. Throws what the stream throws. */
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

  /** What has been read so far. */
  head(): Uint8Array {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Uint8Array;
  }

  /** The whole stream from its beginning, once. What was read is released as it is handed on. */
  async *all(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) yield chunk;
    while (!this.#ended) {
      const next = await this.#source.next();
      if (next.done === true) this.#ended = true;
      else yield next.value;
    }
  }
}
