import { StringDecoder } from 'node:string_decoder';
import { JsonMemory } from '../../model/json-memory.ts';

/** A frame that arrives in chunks, as text: it counts towards the heap, and Node frees bytes long after their use. */
export class ArrivingText {
  /** Bytes so far. */
  length = 0;
  readonly #decoder = new StringDecoder('utf8');
  readonly #memory = new JsonMemory();
  readonly #pieces: string[] = [];

  add(bytes: Uint8Array): void {
    this.length += bytes.length;
    this.#memory.add(bytes);
    this.#pieces.push(this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  }

  /** The memory that its values will take, in bytes. */
  get memory(): number {
    return this.#memory.bytes;
  }

  /** Returns the whole text, with U+FFFD for what is not UTF-8. */
  end(): string {
    return this.#pieces.join('') + this.#decoder.end();
  }
}
