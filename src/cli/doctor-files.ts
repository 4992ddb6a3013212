import { openFiles } from '../app/files.ts';
import { openState, type SharedState } from '../app/shared-state.ts';
import type { Config } from '../config/schema.ts';
import { formatSize } from '../model/format-size.ts';
import { silentLogger } from '../model/logger.ts';
import { fail, failure, type Finding, pass, warn } from './doctor-checks.ts';
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
      const used = `${formatSize(bytes)} of ${limit}`;
      if (place.kind === 'directory') return pass(`${place.dir} contains ${count(files, 'file')}, ${used}.`);
      if (place.kind === 'shared') {
        return pass(`Redis stores ${count(files, 'file')} for all replicas, ${used}.`);
      }
      const message = `Files are stored in memory, up to ${limit}, until the bridge stops.`;
      if (place.instead === undefined) return pass(message);
      return warn(
        `${place.instead} is not writable. ${message}`,
        'Name a writable folder in files.dir, or set files.store to memory if that is what you want.',
      );
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
    if (health === 'up') return pass(`Redis answers at ${address}.`);
    return fail(
      `No Redis answers at ${address}. The bridge is not ready until one does.`,
      'Start Redis, or set state.redisUrl (DIFY_BRIDGE_REDIS_URL) to its address.',
      1,
    );
  } catch (error) {
    return failure(error);
  }
}
