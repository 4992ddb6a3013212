import { BridgeError } from '../model/errors.ts';
import type { OwnJob } from './task.ts';

/** What becomes of results once their jobs have ended. */
export interface KeptResults {
  /** Keeps the result of a job that has ended until it expires, or until others need the room. */
  keep(job: OwnJob): void;
  /** Forgets a job that is kept elsewhere now. */
  forget(job: OwnJob): void;
  /** Forgets everything. */
  clear(): void;
  /** Bytes of all that is kept. */
  readonly bytes: number;
}

export interface KeptResultsOptions {
  /** Milliseconds from the end of a job on. */
  readonly keepMs: number;
  /** Bytes of all results together; the oldest ones go first. */
  readonly maxBytes: number;
  /** The job is known no longer. */
  readonly onExpiry: (job: OwnJob) => void;
}

interface Entry {
  readonly bytes: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * Results in memory, up to a size. A job whose result made room for others stays known until it expires, so that who
 * asks learns what became of it.
 */
export function createKeptResults({ keepMs, maxBytes, onExpiry }: KeptResultsOptions): KeptResults {
  /** In the order in which the jobs ended. */
  const entries = new Map<OwnJob, Entry>();
  let total = 0;

  function release(job: OwnJob): void {
    total -= entries.get(job)?.bytes ?? 0;
  }

  function makeRoom(): void {
    for (const [job, entry] of entries) {
      if (total <= maxBytes) return;
      if (entry.bytes === 0) continue;
      release(job);
      entries.set(job, { ...entry, bytes: 0 });
      job.drop(madeRoom(entry.bytes, maxBytes));
    }
  }

  return {
    keep(job) {
      const { result } = job.state();
      const bytes = result === undefined ? 0 : sizeOf(result);
      const timer = setTimeout(() => {
        release(job);
        entries.delete(job);
        onExpiry(job);
      }, keepMs);
      timer.unref();
      entries.set(job, { bytes, timer });
      total += bytes;
      makeRoom();
    },

    forget(job) {
      release(job);
      clearTimeout(entries.get(job)?.timer);
      entries.delete(job);
    },

    clear() {
      for (const { timer } of entries.values()) clearTimeout(timer);
      entries.clear();
      total = 0;
    },

    get bytes() {
      return total;
    },
  };
}

/** What becomes of whoever asks for a result that is not kept any more, or never was. */
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
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 8;
  let sum = 0;
  for (const [key, item] of Object.entries(value)) sum += key.length + sizeOf(item);
  return sum;
}
