const NEWLINE = 0x0a;

/** Splits bytes into lines of UTF-8, each handed on once it is complete. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  #parts: Buffer[] = [];
  #size = 0;
  #isFirst = true;

  constructor(maxBytes: number, onLine: (line: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
  }

  /** Takes the next bytes. Returns false at a line that is too long; the reader cannot be used after that. */
  read(chunk: Buffer): boolean {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      if (!this.#add(rest.subarray(0, end))) return false;
      rest = rest.subarray(end + 1);
      this.end();
    }
    return this.#add(rest);
  }

  /** Hands on what has arrived, as a line. */
  end(): void {
    const [first, ...more] = this.#parts;
    const text = (more.length === 0 ? first : Buffer.concat(this.#parts))?.toString('utf8') ?? '';
    this.#parts = [];
    this.#size = 0;
    // Some programs on Windows begin their output with a byte order mark.
    const line = this.#isFirst ? text.replace(/^\uFEFF/, '') : text;
    this.#isFirst = false;
    if (line.trim() !== '') this.#onLine(line);
  }

  #add(part: Buffer): boolean {
    this.#size += part.length;
    if (this.#size > this.#maxBytes) return false;
    if (part.length > 0) this.#parts.push(part);
    return true;
  }
}
