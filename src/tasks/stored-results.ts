import { after, type Stop } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';
import type { LocalTask } from './local-task.ts';

export interface StoredResultsOptions {
  /** Milliseconds from the end of a task on. */
  readonly keepMs: number;
  /** Bytes of all results together; the oldest ones go first. */
  readonly maxBytes: number;
  /** The task is known no longer. */
  readonly onExpiry: (task: LocalTask) => void;
}

interface Entry {
  bytes: number;
  readonly stopExpiry: Stop;
}

/**
 * Results in memory, up to a size. A task whose result made room for others stays known until it expires, so that
 * whoever asks learns what became of it.
 */
export class StoredResults {
  readonly #options: StoredResultsOptions;
  /** In the order in which the tasks ended. */
  readonly #entries = new Map<LocalTask, Entry>();
  #bytes = 0;

  constructor(options: StoredResultsOptions) {
    this.#options = options;
  }

  /** Stores the result of a task that has ended until it expires, or until others need the room. */
  store(task: LocalTask): void {
    const { keepMs, onExpiry } = this.#options;
    const bytes = sizeOf(task.state().result);
    const expire = (): void => {
      this.forget(task);
      onExpiry(task);
    };
    this.#entries.set(task, { bytes, stopExpiry: after(keepMs, expire, { ref: false }) });
    this.#bytes += bytes;
    this.#makeRoom();
  }

  /** Forgets a task that is stored elsewhere now. */
  forget(task: LocalTask): void {
    const entry = this.#entries.get(task);
    if (entry === undefined) return;
    entry.stopExpiry();
    this.#bytes -= entry.bytes;
    this.#entries.delete(task);
  }

  /** Forgets everything. */
  clear(): void {
    for (const task of this.#entries.keys()) this.forget(task);
  }

  #makeRoom(): void {
    const { maxBytes } = this.#options;
    for (const [task, entry] of this.#entries) {
      if (this.#bytes <= maxBytes) return;
      if (entry.bytes === 0) continue;
      task.drop(madeRoom(entry.bytes, maxBytes));
      this.#bytes -= entry.bytes;
      entry.bytes = 0;
    }
  }
}

/** What whoever asks for a result gets that is not stored any more, or never was. */
export function madeRoom(bytes: number, maxBytes: number): BridgeError {
  const message =
    bytes > maxBytes
      ? `The call has ended, but its result of ${bytes} bytes is larger than the bridge keeps.`
      : 'The call has ended, but its result had to make room for newer ones.';
  return new BridgeError('call_not_found', message, {
    hint:
      'Calling the tool again, without an idempotency key or with a new one, starts it anew. ' +
      `The operator of the bridge can raise calls.maxKeptBytes (now ${maxBytes} bytes).`,
  });
}

/** About the bytes that a value takes: those of its texts, which are nearly all of a large result. */
function sizeOf(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 8;
  let sum = 0;
  for (const [key, item] of Object.entries(value)) sum += key.length + sizeOf(item);
  return sum;
}
