/** The shortest time between two output messages after the burst, in milliseconds. */
const INTERVAL_MS = 250;
/** The number of output messages that may be sent without a delay. */
const BURST = 4;

export interface ProgressOptions {
  /** Sends one notification. `progress` grows by one each time. Must not throw. */
  readonly send: (progress: number, message: string) => void;
  /** The longest time without a message, in milliseconds. */
  readonly intervalMs: number;
}

/** The progress of one call, for a client that asked for it. */
export interface Progress {
  /** Reports a step of the tool. Always sent at once. */
  step(message: string): void;
  /** Reports output. At more than four messages a second, only the latest is sent, after a short delay. */
  output(message: string): void;
  /** Sends an output message that is still waiting, then ends the reports. */
  end(): void;
}

/**
 * Sends "Started" at once, then the reports, and a heartbeat whenever `intervalMs` pass without a report. Clients that
 * restart their time limit at each notification then wait as long as the tool takes.
 */
export function startProgress({ send, intervalMs }: ProgressOptions): Progress {
  const startedAt = performance.now();
  let count = 0;
  let ended = false;
  let allowance = BURST;
  let refilledAt = startedAt;
  let waiting: string | undefined;
  let delay: NodeJS.Timeout | undefined;

  function report(message: string): void {
    waiting = undefined;
    silence.refresh();
    send(count, message);
    count += 1;
  }

  const silence = setTimeout(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    report(`Still waiting for Dify, ${seconds} s`);
  }, intervalMs);
  silence.unref();
  report('Started');

  function flush(): void {
    delay = undefined;
    if (waiting === undefined) return;
    allowance = 0;
    refilledAt = performance.now();
    report(waiting);
  }

  return {
    step(message) {
      if (!ended) report(message);
    },

    output(message) {
      if (ended) return;
      const now = performance.now();
      allowance = Math.min(BURST, allowance + (now - refilledAt) / INTERVAL_MS);
      refilledAt = now;
      if (allowance >= 1 && delay === undefined) {
        allowance -= 1;
        report(message);
        return;
      }
      waiting = message;
      delay ??= setTimeout(flush, INTERVAL_MS).unref();
    },

    end() {
      if (ended) return;
      ended = true;
      if (waiting !== undefined) report(waiting);
      clearTimeout(delay);
      clearTimeout(silence);
    },
  };
}
