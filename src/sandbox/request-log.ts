import { BridgeError } from '../model/errors.ts';

/** The most requests stored; the oldest go first. */
const CAPACITY = 1_000;

/** A request that the sandbox received. */
export interface SandboxRequest {
  readonly method: string;
  /** Without the query, which may carry a signature. */
  readonly path: string;
  /** When it arrived, in milliseconds since the epoch. */
  readonly at: number;
}

/** The past and future requests of a sandbox. */
export interface RequestLog {
  readonly requests: readonly SandboxRequest[];
  record(method: string, path: string): void;
  /** Resolves with the next request to that path. Rejects if the sandbox closes first. */
  next(path: string): Promise<SandboxRequest>;
  close(): void;
}

/** Returns an empty log. */
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
      // A rejection that nobody awaits must not end the process.
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
