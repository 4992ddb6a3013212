import type { BridgeError } from '../model/errors.ts';

/**
 * The life of one call. It ends once: well, or with an error from outside (the caller, the deadline, a stop of
 * the bridge). Whatever was deferred runs at that moment, even while nobody reads the call's messages.
 */
export interface CallScope {
  /** Aborted when the call is ended from outside; its reason is the BridgeError. */
  readonly signal: AbortSignal;
  /** Runs when the call ends, last deferred first; at once when it has ended. */
  defer(action: () => void): void;
  /** The promise's outcome, or the reason of an end from outside as soon as that comes. */
  race<T>(promise: Promise<T>): Promise<T>;
  /** Ends the call with an error, unless it has ended. */
  abort(reason: BridgeError): void;
  /** Ends the call, unless it has ended. The signal stays as it is. */
  finish(): void;
}

export function createCallScope(): CallScope {
  const controller = new AbortController();
  const { signal } = controller;
  let deferred: (() => void)[] | undefined = [];
  // One rejection at a time instead of a race against a long-lived promise: that would gather a reaction
  // for each message of the stream.
  let rejectRace: ((reason: unknown) => void) | undefined;

  function finish(): void {
    const actions = deferred;
    deferred = undefined;
    for (const action of actions?.toReversed() ?? []) action();
  }

  return {
    signal,
    finish,
    defer(action) {
      if (deferred === undefined) action();
      else deferred.push(action);
    },
    race(promise) {
      return new Promise((resolve, reject) => {
        promise.then(resolve, reject);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is the BridgeError of `abort`
        if (signal.aborted) reject(signal.reason);
        else rejectRace = reject;
      });
    },
    abort(reason) {
      if (deferred === undefined) return;
      rejectRace?.(reason);
      controller.abort(reason);
      finish();
    },
  };
}
