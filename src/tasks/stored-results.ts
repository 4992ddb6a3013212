import { after, type Stop } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';
import type { LocalTask } from './local-task.ts';

export interface StoredResultsOptions {
  /** How long a result is stored after the task ends, in milliseconds. */
  readonly keepMs: number;
  /** The most bytes of all results together. Beyond that, the oldest are evicted. */
  readonly maxBytes: number;
  /** The task has expired and can no longer be found. */
  readonly onExpiry: (task: LocalTask) => void;
}

interface Entry {
  bytes: number;
  readonly stopExpiry: Stop;
}

/**
 * Results in memory, up to a total size. A task whose result was evicted can still be found until it expires, so that
 * its caller gets an error that says so.
 */
export class StoredResults {
  readonly #options: StoredResultsOptions;
  /** Ordered by the end of the tasks. */
  readonly #entries = new Map<LocalTask, Entry>();
  #bytes = 0;

  constructor(options: StoredResultsOptions) {
    this.#options = options;
  }

  /** Stores the result of a task that has ended until it expires or is evicted. */
  store(task: LocalTask): void {
    const { keepMs, onExpiry } = this.#options;
    const bytes = sizeOf(task.state().result);
    const expire = (): void => {
      this.forget(task);
      onExpiry(task);
    };
    this.#entries.set(task, { bytes, stopExpiry: after(keepMs, expire, { ref: false }) });
    this.#bytes += bytes;
    this.#evict();
  }

  /** Removes a task, for example because the shared store has it. */
  forget(task: LocalTask): void {
    const entry = this.#entries.get(task);
    if (entry === undefined) return;
    entry.stopExpiry();
    this.#bytes -= entry.bytes;
    this.#entries.delete(task);
  }

  clear(): void {
    for (const task of this.#entries.keys()) this.forget(task);
  }

  #evict(): void {
    const { maxBytes } = this.#options;
    for (const [task, entry] of this.#entries) {
      if (this.#bytes <= maxBytes) return;
      if (entry.bytes === 0) continue;
      task.drop(evicted(entry.bytes, maxBytes));
      this.#bytes -= entry.bytes;
      entry.bytes = 0;
    }
  }
}

/** Returns the error for a result that was evicted, or was too large to store. */
export function evicted(bytes: number, maxBytes: number): BridgeError {
  const message =
    bytes > maxBytes
      ? `The call has ended, but its result of ${bytes} bytes is larger than the bridge stores.`
      : 'The call has ended, but its result was evicted to store newer ones.';
  return new BridgeError('call_not_found', message, {
    hint:
      'To run the tool a second time, call it without an idempotency key or with a new one. ' +
      `The operator of the bridge can raise calls.maxKeptBytes (now ${maxBytes} bytes).`,
  });
}

/** Estimates the bytes of a value from its strings, which make up nearly all of a large result. */
function sizeOf(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 8;
  let sum = 0;
  for (const [key, item] of Object.entries(value)) sum += key.length + sizeOf(item);
  return sum;
}
