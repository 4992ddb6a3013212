/** The most keys that are remembered. The oldest are forgotten first. */
const MAX_KEYS = 10_000;

/** Counts attempts by key, such as an address, within a window of time. */
export class Attempts {
  readonly #max: number;
  readonly #windowMs: number;
  readonly #counts = new Map<string, { count: number; readonly until: number }>();

  constructor({ max, windowMs }: { readonly max: number; readonly windowMs: number }) {
    this.#max = max;
    this.#windowMs = windowMs;
  }

  /** Returns whether the key has used all attempts of its window. */
  isUsedUp(key: string): boolean {
    return this.#current(key).count >= this.#max;
  }

  /** Counts an attempt. Returns whether it was allowed. */
  take(key: string): boolean {
    const current = this.#current(key);
    current.count += 1;
    this.#counts.delete(key);
    this.#counts.set(key, current);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MAX_KEYS && oldest !== undefined) this.#counts.delete(oldest);
    return current.count <= this.#max;
  }

  forget(key: string): void {
    this.#counts.delete(key);
  }

  #current(key: string): { count: number; readonly until: number } {
    const known = this.#counts.get(key);
    const now = Date.now();
    return known !== undefined && known.until > now ? known : { count: 0, until: now + this.#windowMs };
  }
}
