import { mkdirSync, readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../../model/logger.ts';
import type { EndUserRecords } from '../../model/ports.ts';

/** Returns records in a file, one a line. Without write permission, they last as long as the process. */
export function endUserFile(path: string, logger: Logger): EndUserRecords {
  return {
    async get(session) {
      try {
        const lines = readFileSync(path, 'utf8').split('\n');
        return lines.findLast((line) => line.startsWith(`${session} `))?.split(' ')[1];
      } catch {
        // The file does not exist yet.
        return undefined;
      }
    },
    async put(session, id) {
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        await appendFile(path, `${session} ${id}\n`, { mode: 0o600 });
      } catch (error) {
        logger.warn('An end user could not be recorded, so the next start creates another', { path, error });
      }
      return id;
    },
  };
}
