import { BridgeError } from '../model/errors.ts';

/** Gives a slot back; to be called once. */
export type Release = () => void;

/** Bounds how much runs at once, and how much waits for that. */
export interface Bulkhead {
  /**
   * A slot, in the order of asking. Rejects with `busy` when too many wait already, and with the signal's reason
   * when it is aborted before there was a slot.
   */
  acquire(signal: AbortSignal): Promise<Release>;
  /** Slots in use. */
  readonly running: number;
  readonly waiting: number;
}

interface Waiter {
  grant(): void;
}

export function createBulkhead(maxConcurrent: number, maxQueued: number): Bulkhead {
  let running = 0;
  // A set keeps the order and lets a waiter leave from the middle at no cost.
  const waiters = new Set<Waiter>();

  function takeSlot(): Release {
    running += 1;
    return () => {
      running -= 1;
      const [next] = waiters;
      next?.grant();
    };
  }

  function busy(): BridgeError {
    return new BridgeError(
      'busy',
      `The bridge is busy: ${running} calls run (limit ${maxConcurrent}) and ${waiters.size} wait (limit ${maxQueued}).`,
      { hint: 'Nothing was sent to Dify. Call again when other calls have finished.' },
    );
  }

  return {
    get running() {
      return running;
    },
    get waiting() {
      return waiters.size;
    },
    async acquire(signal) {
      signal.throwIfAborted();
      if (running < maxConcurrent) return takeSlot();
      if (waiters.size >= maxQueued) throw busy();
      return new Promise<Release>((resolve, reject) => {
        const leave = (): void => {
          waiters.delete(waiter);
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's own
          reject(signal.reason);
        };
        const waiter: Waiter = {
          grant() {
            waiters.delete(waiter);
            signal.removeEventListener('abort', leave);
            resolve(takeSlot());
          },
        };
        waiters.add(waiter);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
  };
}
