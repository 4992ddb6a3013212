import { after, onAbort, type Stop } from '../model/async.ts';
import { durationText } from '../model/duration.ts';
import { BridgeError } from '../model/errors.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import type { SnapshotSource } from '../model/registry.ts';

interface Waiter<T> {
  readonly resolve: (snapshot: T) => void;
  readonly reject: (error: BridgeError) => void;
}

/**
 * Holds the current snapshot, whose fingerprint changes exactly when clients see a difference. It counts as loading
 * until the first `set` or `fail`, and from each `begin` to the next `set` or `fail`.
 *
 * Listeners are notified once for each change of the fingerprint. The first snapshot is no change for readers that
 * waited for it. It is reported only if `ready` has rejected a reader before, so that this reader asks again.
 */
export class Snapshot<T extends { readonly fingerprint: string }> implements SnapshotSource<T> {
  readonly #waitMs: number;
  readonly #logger: Logger;
  readonly #listeners = new Set<(snapshot: T) => void>();
  readonly #waiters = new Set<Waiter<T>>();
  #current: T | undefined;
  #failure: BridgeError | undefined;
  #loading = true;
  #turnedAway = false;

  /** `waitMs` is how long `ready` waits for the first snapshot, in milliseconds. */
  constructor(waitMs: number, logger: Logger = silentLogger) {
    this.#waitMs = waitMs;
    this.#logger = logger;
  }

  current(): T | undefined {
    return this.#current;
  }

  ready(signal?: AbortSignal): Promise<T> {
    if (this.#current !== undefined) return Promise.resolve(this.#current);
    return new Promise((resolve, reject) => {
      const stops: Stop[] = [];
      const settle = (answer: () => void): void => {
        this.#waiters.delete(waiter);
        for (const stop of stops) stop();
        answer();
      };
      const waiter: Waiter<T> = {
        resolve: (snapshot) => settle(() => resolve(snapshot)),
        reject: (error) => settle(() => reject(error)),
      };
      if (signal?.aborted) waiter.reject(cancelled(signal));
      else if (!this.#loading) this.#turnAway(waiter);
      else {
        this.#waiters.add(waiter);
        stops.push(after(this.#waitMs, () => this.#turnAway(waiter)));
        if (signal !== undefined) stops.push(onAbort(signal, () => waiter.reject(cancelled(signal))));
      }
    });
  }

  onChange(listener: (snapshot: T) => void): Stop {
    // The wrapper makes a listener that is registered twice count as two.
    const own = (snapshot: T): void => listener(snapshot);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  select<P>(part: (snapshot: T) => P): SnapshotSource<P> {
    return {
      current: () => this.#current && part(this.#current),
      ready: async (signal) => part(await this.ready(signal)),
      onChange: (listener) => this.onChange((snapshot) => listener(part(snapshot))),
    };
  }

  /** Marks the start of a load. */
  begin(): void {
    this.#loading = true;
  }

  /** Ends a load: replaces the snapshot, and notifies the listeners if clients see a difference. */
  set(next: T): void {
    const before = this.#current;
    const changed = before === undefined ? this.#turnedAway : before.fingerprint !== next.fingerprint;
    this.#current = next;
    this.#loading = false;
    for (const waiter of this.#waiters) waiter.resolve(next);
    if (changed) this.#notify(next);
  }

  /** Ends a load that failed: the snapshot stays. Without a snapshot, waiting readers get an error with the reason. */
  fail(error: BridgeError): void {
    this.#loading = false;
    this.#failure = error;
    if (this.#current !== undefined) return;
    for (const waiter of this.#waiters) this.#turnAway(waiter);
  }

  #turnAway(waiter: Waiter<T>): void {
    this.#turnedAway = true;
    waiter.reject(unavailable(this.#failure, this.#waitMs));
  }

  #notify(snapshot: T): void {
    // Iterates over a copy, so that a listener added during the notification hears only of the next change.
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(snapshot);
      } catch (error) {
        this.#logger.error('A listener for changes of the tools failed', { error });
      }
    }
  }
}

function unavailable(failure: BridgeError | undefined, waitMs: number): BridgeError {
  if (failure === undefined) {
    const message = `Dify has not listed its tools within ${durationText(waitMs)}.`;
    return new BridgeError('catalog_unavailable', message, {
      hint: 'Try again in a moment. If this happens again, check with doctor that Dify answers.',
    });
  }
  const { message, hint, problems, upstream } = failure;
  const details = { hint, problems, upstream, cause: failure };
  return new BridgeError('catalog_unavailable', `The tools could not be loaded. ${message}`, details);
}

function cancelled({ reason }: AbortSignal): BridgeError {
  return new BridgeError('cancelled', 'The request ended before the tools were loaded.', { cause: reason });
}
