/** Knows which calls run, by the server that answers them. */
export interface RunningCalls {
  /** Runs a call and counts it until it ends. */
  track<T>(server: object, call: () => Promise<T>): Promise<T>;
  /** Whether a call of that server runs. */
  has(server: object): boolean;
  /** Resolves when no call runs, and at the latest after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>;
}

export function createRunningCalls(): RunningCalls {
  const counts = new Map<object, number>();
  const waiters = new Set<() => void>();

  function add(server: object, change: 1 | -1): void {
    const count = (counts.get(server) ?? 0) + change;
    if (count > 0) counts.set(server, count);
    else counts.delete(server);
    if (counts.size === 0) for (const resolve of waiters) resolve();
  }

  return {
    async track(server, call) {
      add(server, 1);
      try {
        return await call();
      } finally {
        add(server, -1);
      }
    },

    has: (server) => counts.has(server),

    async idle(timeoutMs) {
      if (counts.size === 0) return;
      await new Promise<void>((resolve) => {
        const settle = (): void => {
          clearTimeout(timer);
          waiters.delete(settle);
          resolve();
        };
        const timer = setTimeout(settle, timeoutMs);
        waiters.add(settle);
      });
    },
  };
}
