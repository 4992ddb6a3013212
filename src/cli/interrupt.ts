import { BridgeError } from '../model/errors.ts';
import type { CliIo } from './io.ts';

export const INTERRUPTED = 130;

/** Returns a signal that the first SIGINT or SIGTERM aborts; the second one ends the process immediately. */
export function listenForInterrupt(io: Pick<CliIo, 'onSignal' | 'exitNow'>): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) io.exitNow(INTERRUPTED);
    else controller.abort(new BridgeError('cancelled', 'The command was interrupted.'));
  };
  const releases = [io.onSignal('SIGINT', onSignal), io.onSignal('SIGTERM', onSignal)];
  return {
    signal: controller.signal,
    release: () => {
      for (const release of releases) release();
    },
  };
}

/** Runs work that SIGINT or SIGTERM aborts. Returns its result, or 130 if it failed because it was aborted. */
export async function untilInterrupted<T>(
  io: Pick<CliIo, 'onSignal' | 'exitNow'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | typeof INTERRUPTED> {
  const { signal, release } = listenForInterrupt(io);
  try {
    return await work(signal);
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    release();
  }
}
