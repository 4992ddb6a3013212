import { onAbort } from './async.ts';
import { BridgeError } from './errors.ts';

/** Limits how many calls run at once, and how many wait for a slot. */
export class Semaphore {
  readonly #maxConcurrent: number;
  readonly #maxQueued: number;
  // A set preserves the order of insertion and removes a waiter from the middle at no cost.
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(maxConcurrent: number, maxQueued = Number.POSITIVE_INFINITY) {
    this.#maxConcurrent = maxConcurrent;
    this.#maxQueued = maxQueued;
  }

  /** Slots in use. */
  get running(): number {
    return this.#running;
  }

  /**
   * Resolves, in the order of the requests, with the function that releases the slot; call it once. Rejects with `busy`
   * if too many requests are waiting, and with the signal's reason if the signal is aborted first.
   */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running < this.#maxConcurrent) return this.#take();
    if (this.#waiting.size >= this.#maxQueued) throw this.#busy();
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

  #busy(): BridgeError {
    const running = `${this.#running} calls are running (limit ${this.#maxConcurrent})`;
    const waiting = `${this.#waiting.size} are waiting (limit ${this.#maxQueued})`;
    return new BridgeError('busy', `The bridge is busy: ${running} and ${waiting}.`, {
      hint: 'Nothing was sent to Dify. Call again when other calls have finished.',
    });
  }
}
