import { openFiles } from '../app/files.ts';
import { openState, type SharedState } from '../app/shared-state.ts';
import type { Config } from '../config/schema.ts';
import { formatSize } from '../model/format-size.ts';
import { silentLogger } from '../model/logger.ts';
import { type Finding, failure } from './doctor-checks.ts';
import { count } from './output.ts';

/** Where files are kept, whether they can be, and how full it is. */
export async function storeFinding(config: Config): Promise<Finding> {
  let state: SharedState | undefined;
  try {
    state = await openState(config, silentLogger);
    const { store, place } = openFiles(config, silentLogger, state?.backend);
    try {
      const { files, bytes, maxBytes } = await store.usage();
      const limit = formatSize(maxBytes);
      if (place.kind === 'directory') {
        const message = `${place.dir} holds ${count(files, 'file')}, ${formatSize(bytes)} of ${limit}.`;
        return { status: 'pass', message };
      }
      if (place.kind === 'shared') {
        const message = `Redis holds ${count(files, 'file')} for all replicas, ${formatSize(bytes)} of ${limit}.`;
        return { status: 'pass', message };
      }
      const message = `Files are kept in memory, up to ${limit}, until the bridge ends.`;
      if (place.instead === undefined) return { status: 'pass', message };
      return {
        status: 'warn',
        message: `${place.instead} cannot be written. ${message}`,
        fix: 'Name a folder that can be written in files.dir, or set files.store to memory to say that it is meant so.',
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

/** Whether the Redis of the configuration answers; undefined where it names none. */
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
      fix: 'Start Redis, or set state.redisUrl (DIFY_BRIDGE_REDIS_URL) to where it is.',
      exit: 1,
    };
  } catch (error) {
    return failure(error);
  }
}
