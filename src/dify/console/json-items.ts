const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** What can begin a JSON value that is no list. */
const OTHER_VALUES = /^["{\-0-9tfn]/;

/**
 * The items of a JSON list, each as the bytes of its JSON, as soon as they have arrived: whoever takes them one by
 * one never holds the whole list, neither as text nor as values. Only the list itself is looked at here: an item
 * may still turn out not to be JSON.
 *
 * @param reject throws when the bytes are no list: with `a list` where they may be other JSON, with `JSON` where not
 */
export async function* jsonItems(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  reject: (expected: 'a list' | 'JSON') => never,
): AsyncGenerator<Buffer, void, undefined> {
  const splitter = new ItemSplitter(reject);
  for await (const chunk of body) yield* splitter.push(chunk);
  splitter.end();
}

class ItemSplitter {
  readonly #reject: (expected: 'a list' | 'JSON') => never;
  #place: 'before' | 'inside' | 'after' = 'before';
  /** Lists and objects that are open within the item. */
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #isFirst = true;
  /** What came of the item in earlier chunks. */
  #parts: Uint8Array[] = [];

  constructor(reject: (expected: 'a list' | 'JSON') => never) {
    this.#reject = reject;
  }

  push(chunk: Uint8Array): Buffer[] {
    if (this.#place === 'after') this.#expectBlank(chunk);
    if (this.#place !== 'before') return this.#place === 'inside' ? this.#split(chunk, 0) : [];
    const text = chunk.findIndex((byte) => !isBlank(byte));
    if (text === -1) return [];
    if (chunk[text] !== OPEN_LIST) {
      this.#reject(OTHER_VALUES.test(String.fromCharCode(chunk[text] ?? 0)) ? 'a list' : 'JSON');
    }
    this.#place = 'inside';
    return this.#split(chunk, text + 1);
  }

  end(): void {
    if (this.#place !== 'after') this.#reject('JSON');
  }

  /** One pass over every byte that Dify lists: the state is in variables meanwhile, for speed. */
  #split(chunk: Uint8Array, from: number): Buffer[] {
    const items: Buffer[] = [];
    let [depth, inString, isEscaped] = [this.#depth, this.#inString, this.#isEscaped];
    let start = from;
    for (let index = from; index < chunk.length; index += 1) {
      const byte = chunk[index];
      if (inString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) {
        inString = true;
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        depth += 1;
      } else if (depth > 0) {
        if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth -= 1;
      } else if (byte === COMMA || byte === CLOSE_LIST) {
        const item = this.#take(chunk.subarray(start, index));
        const isEmptyList = byte === CLOSE_LIST && this.#isFirst && item.every(isBlank);
        if (!isEmptyList) items.push(item);
        this.#isFirst = false;
        start = index + 1;
        if (byte === CLOSE_LIST) {
          this.#place = 'after';
          this.#expectBlank(chunk.subarray(start));
          return items;
        }
      }
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start));
    [this.#depth, this.#inString, this.#isEscaped] = [depth, inString, isEscaped];
    return items;
  }

  #take(last: Uint8Array): Buffer {
    const item = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    return item;
  }

  #expectBlank(bytes: Uint8Array): void {
    if (!bytes.every(isBlank)) this.#reject('JSON');
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
