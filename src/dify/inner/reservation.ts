import type { MemoryLease } from '../../model/memory-budget.ts';

/** Reserves memory for the parts of an answer. Returns a promise only if it must wait: there may be a million parts. */
export function createReservation(memory: MemoryLease, signal: AbortSignal = AbortSignal.any([])) {
  let ahead = 0;
  const take = (bytes: number): Promise<void> | undefined =>
    bytes <= 0 || memory.tryTake(bytes) ? undefined : memory.take(bytes, signal);
  return {
    whole(bytes: number): Promise<void> | undefined {
      const missing = bytes - ahead;
      ahead = 0;
      if (missing < 0) memory.release(-missing);
      return take(missing);
    },
    unfinished(bytes: number): Promise<void> | undefined {
      const missing = bytes - ahead;
      ahead = Math.max(ahead, bytes);
      return take(missing);
    },
  };
}
