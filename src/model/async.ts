/** The longest delay that a timer takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Ends what it stands for. Calling it again does nothing. */
export type Stop = () => void;

/**
 * Calls back once after `ms` milliseconds, at most about 25 days. Returns the function that prevents it. With `ref:
 * false`, the wait does not keep the process alive.
 */
export function after(ms: number, action: () => void, { ref = true }: { readonly ref?: boolean } = {}): Stop {
  const timer = setTimeout(action, Math.min(ms, MAX_TIMER_MS));
  if (!ref) timer.unref();
  return () => clearTimeout(timer);
}

/** Calls back when the signal is aborted, at once if it already is. Returns the function that prevents it. */
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
 * Works on every item, at most `limit` at once. The first failure aborts the signal of the items in progress and
 * starts no further one; it is thrown when all have ended. An aborted `signal` does the same, with its own reason.
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
