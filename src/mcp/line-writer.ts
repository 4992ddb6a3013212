import type { Writable } from 'node:stream';
import { isJsonObject } from '../model/json.ts';
import type { OutgoingMemory } from '../model/memory-budget.ts';
import { wellFormedJson } from '../model/well-formed.ts';

/** The result of a tools/list as bytes. */
interface WrittenList {
  readonly tools: unknown;
  /** The other members of the result, as JSON. */
  readonly rest: string;
  readonly bytes: Buffer;
}

/** Writes messages as lines of well-formed JSON, and makes the JSON of one list only once. */
export class LineWriter {
  readonly #output: Writable;
  readonly #memory: OutgoingMemory;
  #list: WrittenList | undefined;
  #isCorked = false;

  constructor(output: Writable, memory: OutgoingMemory) {
    this.#output = output;
    this.#memory = memory;
  }

  /** Resolves when the output has taken the message or batch. */
  write(message: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      const parts = this.#partsOf(message);
      const release = this.#memory.hold(parts.reduce((sum, { length }) => sum + length, 0));
      const last = parts.pop() ?? '';
      this.#cork();
      for (const part of parts) this.#output.write(part);
      this.#output.write(last, (error) => {
        release();
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Lets all that is written in one turn of the event loop go out at its end, in one system call. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#output.cork();
    setImmediate(() => this.flush());
  }

  /** Lets out what was written in this turn of the event loop. */
  flush(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#output.uncork();
  }

  /** Returns the line of a message, in parts. */
  #partsOf(message: unknown): (string | Buffer)[] {
    const list = isJsonObject(message) ? message['result'] : undefined;
    if (!isJsonObject(list) || !isFrozenList(list['tools'])) return [`${wellFormedJson(message)}\n`];
    const { result, ...envelope } = message as { result: typeof list };
    return ['{"result":', this.#listBytes(result), `,${wellFormedJson(envelope).slice(1)}\n`];
  }

  #listBytes(result: Readonly<Record<string, unknown>>): Buffer {
    const { tools, ...others } = result;
    const rest = JSON.stringify(others);
    if (this.#list?.tools === tools && this.#list?.rest === rest) return this.#list.bytes;
    const bytes = Buffer.from(wellFormedJson(result));
    this.#list = { tools, rest, bytes };
    return bytes;
  }
}

/** Whether a value is a list that cannot change, so that its JSON stays the same. */
function isFrozenList(value: unknown): boolean {
  return Array.isArray(value) && Object.isFrozen(value);
}
