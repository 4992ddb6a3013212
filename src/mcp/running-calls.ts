import { settlesWithin } from '../model/async.ts';

/** Counts the running calls of each server. */
export class RunningCalls {
  readonly #counts = new Map<object, number>();
  readonly #waiters = new Set<() => void>();

  /** Runs a call, and counts it until it ends. */
  async track<T>(server: object, call: () => Promise<T>): Promise<T> {
    this.#add(server, 1);
    try {
      return await call();
    } finally {
      this.#add(server, -1);
    }
  }

  /** Whether a call of the server is running. */
  has(server: object): boolean {
    return this.#counts.has(server);
  }

  /** Resolves when no call is running, after `timeoutMs` at the latest. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#counts.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#waiters.add(resolve);
    });
    await settlesWithin(idle, timeoutMs);
  }

  #add(server: object, change: 1 | -1): void {
    const count = (this.#counts.get(server) ?? 0) + change;
    if (count > 0) this.#counts.set(server, count);
    else this.#counts.delete(server);
    if (this.#counts.size > 0) return;
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }
}
