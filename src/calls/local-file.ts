import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { basename, isAbsolute, relative, sep } from 'node:path';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import { handleBytes } from '../model/handle-bytes.ts';
import type { InputFile } from '../model/ports.ts';
import { tooLarge } from './file-errors.ts';

/** Does not follow a link at the end of a path, and does not block on a pipe. Windows has neither flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const HINT =
  'Name a file in an allowed folder, or pass its bytes as data. The operator of the bridge sets the folders (files.allowedPaths).';

/**
 * Opens a file that is in one of the folders after all links are resolved. Opens it once and checks the opened file, so
 * that another file cannot take its place in between. Rejects with `file_refused` or `file_too_large`.
 */
export async function openLocalFile(
  path: string,
  folders: readonly string[],
  maxBytes: number,
): Promise<InputFile> {
  const real = await realpath(path).catch((error: unknown) => {
    throw unreadable(error, path);
  });
  // The error is the same whether or not the file exists, so that it reveals nothing outside the folders.
  if (!(await isWithin(real, folders))) throw outside(path);
  const handle = await open(real, FLAGS).catch((error: unknown) => {
    throw unreadable(error, path);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new BridgeError('file_refused', `${path} is not a regular file.`, { hint: HINT });
    }
    if (!(await isStill(real, path, stats))) throw outside(path);
    if (stats.size > maxBytes) throw tooLarge(stats.size, maxBytes);
    const dispose = (): Promise<void> => handle.close().catch(() => undefined);
    return {
      filename: basename(path),
      size: stats.size,
      read: () => handleBytes(handle, stats.size),
      dispose,
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function isWithin(real: string, folders: readonly string[]): Promise<boolean> {
  for (const folder of folders) {
    const root = await realpath(folder).catch(() => undefined);
    if (root === undefined) continue;
    const below = relative(root, real);
    if (below !== '' && below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below)) return true;
  }
  return false;
}

/** Whether the path still resolves to the opened file. */
async function isStill(real: string, path: string, opened: Stats): Promise<boolean> {
  try {
    const present = await lstat(real);
    return present.dev === opened.dev && present.ino === opened.ino && (await realpath(path)) === real;
  } catch {
    return false;
  }
}

function outside(path: string): BridgeError {
  const message = `There is no file ${path} in the folders that the operator allowed.`;
  return new BridgeError('file_refused', message, { hint: HINT });
}

function unreadable(error: unknown, path: string): BridgeError {
  if (!['EACCES', 'EPERM'].includes(systemErrorCode(error))) return outside(path);
  return new BridgeError('file_refused', `The bridge has no permission to read ${path}.`, {
    hint: HINT,
    cause: error,
  });
}
