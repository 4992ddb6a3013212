/** The longest delay of a Node timer. A longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Stops something, such as a timer or a listener. Calling it again does nothing. */
export type Stop = () => void;

/**
 * Calls back once after `ms` milliseconds, or after about 25 days if `ms` is longer. Returns the function that cancels
 * the timer. With `ref: false`, the timer does not keep the process alive.
 */
export function after(ms: number, action: () => void, { ref = true }: { readonly ref?: boolean } = {}): Stop {
  const timer = setTimeout(action, Math.min(ms, MAX_TIMER_MS));
  if (!ref) timer.unref();
  return () => clearTimeout(timer);
}

/** Calls back when the signal is aborted, at once if it already is. Returns the function that removes the listener. */
export function onAbort(signal: AbortSignal, action: () => void): Stop {
  if (signal.aborted) {
    action();
    return () => undefined;
  }
  signal.addEventListener('abort', action, { once: true });
  return () => signal.removeEventListener('abort', action);
}

/** Resolves or rejects as the promise does; rejects with the signal's reason if the signal is aborted first. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: Stop | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      promise.then(resolve, reject);
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's own
      stop = onAbort(signal, () => reject(signal.reason));
    });
  } finally {
    stop?.();
  }
}

/** Resolves with true when the promise settles, whatever its outcome, or with false after `ms` milliseconds. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let stop: Stop | undefined;
  const inTime = promise.then(
    () => true,
    () => true,
  );
  const late = new Promise<boolean>((resolve) => {
    stop = after(ms, () => resolve(false));
  });
  const settled = await Promise.race([inTime, late]);
  stop?.();
  return settled;
}

/**
 * Calls `work` for every item, for at most `limit` at once. The first failure aborts the signal of the items in
 * progress and starts no others. When all have ended, rejects with that failure. Aborting `signal` has the same effect,
 * and rejects with its reason.
 */
export async function forEachBounded<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const any = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const waiting = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      if (any.aborted) return;
      try {
        await work(next.value, any);
      } catch (error) {
        failed.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  signal?.throwIfAborted();
  failed.signal.throwIfAborted();
}
