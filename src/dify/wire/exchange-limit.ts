import type { BridgeError } from '../../model/errors.ts';
import { abortError, type Destination, timeoutError } from './network-errors.ts';

/** What ends an exchange before its answer is complete: the caller's signal, and a time limit where there is one. */
export interface Limit {
  readonly signal: AbortSignal;
  /** The error to throw instead of `error`, when it was this limit or the caller that ended the exchange. */
  readonly cause: () => BridgeError | undefined;
  readonly release: () => void;
}

/** Starts the time, where there is a limit; `release` ends it. */
export function limitExchange(
  signal: AbortSignal,
  timeoutMs: number | undefined,
  destination: Destination,
): Limit {
  const cause = (): BridgeError | undefined => (signal.aborted ? abortError(signal) : undefined);
  if (timeoutMs === undefined) return { signal, cause, release: () => undefined };
  const controller = new AbortController();
  let timeout: BridgeError | undefined;
  const onAbort = (): void => controller.abort();
  const timer = setTimeout(() => {
    timeout = timeoutError(timeoutMs, destination);
    controller.abort();
  }, timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    cause: () => timeout ?? cause(),
    release: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}
