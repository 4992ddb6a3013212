import type { CallObserver } from '../model/call.ts';
import type { BridgeError } from '../model/errors.ts';
import type { LogEntry } from '../model/message.ts';
import { rateLimited } from '../model/rate-limited.ts';

/** The shortest time between two progress messages, in milliseconds. */
const INTERVAL_MS = 250;

/** Reports to an observer, and survives one that throws. `output` reports at most every 250 ms. */
export function createAnnouncer(observer: CallObserver | undefined) {
  let count = 0;
  return {
    output: rateLimited(INTERVAL_MS, (messages) => {
      count += messages;
      quietly(() => observer?.progress?.(count === 1 ? 'Received 1 message' : `Received ${count} messages`));
    }),
    log: (entry: LogEntry) => quietly(() => observer?.log?.(entry)),
    failed: (error: BridgeError) => quietly(() => observer?.failed?.(error)),
  };
}

function quietly(notify: () => void): void {
  try {
    notify();
  } catch {
    // A failure of the observer must not fail the call.
  }
}
