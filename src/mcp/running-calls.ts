import { settlesWithin } from '../model/async.ts';

/** Counts the running calls. */
export class RunningCalls {
  #count = 0;
  readonly #waiters = new Set<() => void>();

  /** Runs a call, and counts it until it ends. */
  async track<T>(call: () => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await call();
    } finally {
      this.#count -= 1;
      if (this.#count === 0) this.#wake();
    }
  }

  /** Resolves when no call is running, after `timeoutMs` at the latest. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#count === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#waiters.add(resolve);
    });
    await settlesWithin(idle, timeoutMs);
  }

  #wake(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }
}
