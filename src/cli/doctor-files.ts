import { openFiles } from '../app-files.ts';
import type { Config } from '../config/schema.ts';
import { formatSize } from '../model/format-size.ts';
import { silentLogger } from '../model/logger.ts';
import { type Finding, failure } from './doctor-checks.ts';
import { count } from './output.ts';

/** Where files are kept, whether they can be, and how full it is. */
export async function storeFinding(config: Config): Promise<Finding> {
  try {
    const { store, place } = openFiles(config, silentLogger);
    try {
      const { files, bytes, maxBytes } = await store.usage();
      const limit = formatSize(maxBytes);
      if (place.kind === 'directory') {
        const message = `${place.dir} holds ${count(files, 'file')}, ${formatSize(bytes)} of ${limit}.`;
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
  }
}
