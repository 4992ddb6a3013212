import { onAbort } from './async.ts';

/** Limits how much work runs at once. */
export class Semaphore {
  readonly #maxConcurrent: number;
  // A set preserves the order of insertion and removes a waiter from the middle at no cost.
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(maxConcurrent: number) {
    this.#maxConcurrent = maxConcurrent;
  }

  /** Resolves in order with the function that releases the slot. Rejects with the reason of an aborted signal. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running < this.#maxConcurrent) return this.#take();
    return new Promise<() => void>((resolve, reject) => {
      const grant = (): void => {
        stop();
        this.#waiting.delete(grant);
        resolve(this.#take());
      };
      const stop = onAbort(signal, () => {
        this.#waiting.delete(grant);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's own
        reject(signal.reason);
      });
      this.#waiting.add(grant);
    });
  }

  #take(): () => void {
    this.#running += 1;
    return () => {
      this.#running -= 1;
      const [next] = this.#waiting;
      next?.();
    };
  }
}
