import { after, onAbort } from '../../model/async.ts';
import type { BridgeError } from '../../model/errors.ts';
import { abortError, type Destination, timeoutError } from './network-errors.ts';

/** What ends an exchange before its answer is complete: the caller's signal, and a time limit if one is set. */
export interface Limit {
  readonly signal: AbortSignal;
  /** Returns the error to throw if this limit or the caller ended the exchange, otherwise undefined. */
  readonly cause: () => BridgeError | undefined;
  readonly release: () => void;
}

/** Starts the time limit, if one is set; `release` stops it. */
export function limitExchange(
  signal: AbortSignal,
  timeoutMs: number | undefined,
  destination: Destination,
): Limit {
  const cause = (): BridgeError | undefined => (signal.aborted ? abortError(signal) : undefined);
  if (timeoutMs === undefined) return { signal, cause, release: () => undefined };
  const controller = new AbortController();
  let timeout: BridgeError | undefined;
  const stopTimer = after(timeoutMs, () => {
    timeout = timeoutError(timeoutMs, destination);
    controller.abort();
  });
  const stopListening = onAbort(signal, () => controller.abort());
  return {
    signal: controller.signal,
    cause: () => timeout ?? cause(),
    release: () => {
      stopTimer();
      stopListening();
    },
  };
}
