import { BridgeError } from '../model/errors.ts';

/** Requests remembered at most; the oldest go first. */
const CAPACITY = 1_000;

/** A request that the sandbox received. */
export interface SandboxRequest {
  readonly method: string;
  /** Without the query, which may carry a signature. */
  readonly path: string;
  /** When it came, in milliseconds since the epoch. */
  readonly at: number;
}

/** The requests of a sandbox, past and to come. */
export interface RequestLog {
  readonly requests: readonly SandboxRequest[];
  record(method: string, path: string): void;
  /** The next request to that path, counted from now. Rejects when the sandbox closes before it comes. */
  next(path: string): Promise<SandboxRequest>;
  close(): void;
}

/** An empty log. */
export function createRequestLog(): RequestLog {
  const requests: SandboxRequest[] = [];
  const waiting = new Set<{
    path: string;
    resolve(request: SandboxRequest): void;
    reject(why: Error): void;
  }>();
  return {
    requests,
    record(method, path) {
      const request = { method, path, at: Date.now() };
      requests.push(request);
      if (requests.length > CAPACITY) requests.shift();
      for (const waiter of waiting) {
        if (waiter.path !== path) continue;
        waiting.delete(waiter);
        waiter.resolve(request);
      }
    },
    next(path) {
      const coming = new Promise<SandboxRequest>((resolve, reject) => {
        waiting.add({ path, resolve, reject });
      });
      // Closing must not end the process because nobody waits any more.
      coming.catch(() => undefined);
      return coming;
    },
    close() {
      const message = 'The sandbox was closed before the awaited request came.';
      for (const waiter of waiting) waiter.reject(new BridgeError('shutting_down', message));
      waiting.clear();
    },
  };
}
