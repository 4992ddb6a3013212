import { onAbort } from './async.ts';
import { BridgeError } from './errors.ts';

/** Bounds how much runs at once, and how much waits for a slot. */
export class Semaphore {
  readonly #maxConcurrent: number;
  readonly #maxQueued: number;
  // A set has the order of insertion, and removing a waiter from the middle costs nothing.
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
   * Takes a slot, in the order of the requests; returns the function that gives it back, to be called once. Rejects with
   * `busy` when too many wait already, and with the signal's reason when that is aborted first.
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
    const running = `${this.#running} calls run (limit ${this.#maxConcurrent})`;
    const waiting = `${this.#waiting.size} wait (limit ${this.#maxQueued})`;
    return new BridgeError('busy', `The bridge is busy: ${running} and ${waiting}.`, {
      hint: 'Nothing was sent to Dify. Call again when other calls have finished.',
    });
  }
}
