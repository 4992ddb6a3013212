import type { CallObserver } from '../model/call.ts';
import type { BridgeError } from '../model/errors.ts';
import type { LogEntry } from '../model/message.ts';

/** At most four progress sentences a second. */
const INTERVAL_MS = 250;

/** Passes on what a call does while it runs. */
export interface Announcer {
  /** Counts a message of output; says so at once for the first, later at most every 250 ms. */
  output(): void;
  log(entry: LogEntry): void;
  failed(error: BridgeError): void;
}

/** An Announcer that survives an observer that throws. */
export function createAnnouncer(observer: CallObserver | undefined): Announcer {
  let count = 0;
  let saidAt = Number.NEGATIVE_INFINITY;
  return {
    output() {
      count += 1;
      if (observer?.progress === undefined) return;
      const now = performance.now();
      if (now - saidAt < INTERVAL_MS) return;
      saidAt = now;
      quietly(() => observer.progress?.(count === 1 ? 'Received 1 message' : `Received ${count} messages`));
    },
    log(entry) {
      quietly(() => observer?.log?.(entry));
    },
    failed(error) {
      quietly(() => observer?.failed?.(error));
    },
  };
}

function quietly(notify: () => void): void {
  try {
    notify();
  } catch {
    // An observer only watches: its failure is not the call's.
  }
}
