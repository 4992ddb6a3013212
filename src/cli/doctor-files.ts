import { openFiles } from '../app/files.ts';
import { openState, type SharedState } from '../app/shared-state.ts';
import type { Config } from '../config/schema.ts';
import { formatSize } from '../model/format-size.ts';
import { silentLogger } from '../model/logger.ts';
import { type Finding, failure } from './doctor-checks.ts';
import { count } from './output.ts';

/** Returns where files are stored, whether that works, and how full it is. */
export async function storeFinding(config: Config): Promise<Finding> {
  let state: SharedState | undefined;
  try {
    state = await openState(config, silentLogger);
    const { store, place } = openFiles(config, silentLogger, state?.backend);
    try {
      const { files, bytes, maxBytes } = await store.usage();
      const limit = formatSize(maxBytes);
      if (place.kind === 'directory') {
        const message = `${place.dir} contains ${count(files, 'file')}, ${formatSize(bytes)} of ${limit}.`;
        return { status: 'pass', message };
      }
      if (place.kind === 'shared') {
        const message = `Redis stores ${count(files, 'file')} for all replicas, ${formatSize(bytes)} of ${limit}.`;
        return { status: 'pass', message };
      }
      const message = `Files are stored in memory, up to ${limit}, until the bridge stops.`;
      if (place.instead === undefined) return { status: 'pass', message };
      return {
        status: 'warn',
        message: `${place.instead} is not writable. ${message}`,
        fix: 'Name a writable folder in files.dir, or set files.store to memory if that is what you want.',
      };
    } finally {
      await store.close();
    }
  } catch (error) {
    return failure(error);
  } finally {
    await state?.close();
  }
}

/** Returns whether the configured Redis answers; undefined if none is configured. */
export async function redisFinding(config: Config): Promise<Finding | undefined> {
  try {
    const state = await openState(config, silentLogger);
    if (state === undefined) return undefined;
    const { address, health } = state;
    await state.close();
    if (health === 'up') return { status: 'pass', message: `Redis answers at ${address}.` };
    return {
      status: 'fail',
      message: `No Redis answers at ${address}. The bridge is not ready until one does.`,
      fix: 'Start Redis, or set state.redisUrl (DIFY_BRIDGE_REDIS_URL) to its address.',
      exit: 1,
    };
  } catch (error) {
    return failure(error);
  }
}
