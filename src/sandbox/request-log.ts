import { EventEmitter, once } from 'node:events';
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
export class RequestLog {
  readonly requests: SandboxRequest[] = [];
  readonly #arrivals = new EventEmitter();
  readonly #closed = new AbortController();

  record(method: string, path: string): void {
    const request = { method, path, at: Date.now() };
    this.requests.push(request);
    if (this.requests.length > CAPACITY) this.requests.shift();
    this.#arrivals.emit(path, request);
  }

  /** Resolves with the next request to that path. Rejects if the sandbox closes first. */
  next(path: string): Promise<SandboxRequest> {
    const { signal } = this.#closed;
    const coming = once(this.#arrivals, path, { signal }).then(
      ([request]) => request as SandboxRequest,
      () => {
        throw signal.reason;
      },
    );
    // A rejection that nobody awaits must not end the process.
    coming.catch(() => undefined);
    return coming;
  }

  close(): void {
    const message = 'The sandbox was closed before the awaited request came.';
    this.#closed.abort(new BridgeError('shutting_down', message));
  }
}
