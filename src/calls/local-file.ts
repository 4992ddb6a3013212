import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { basename, isAbsolute, relative, sep } from 'node:path';
import { BridgeError } from '../model/errors.ts';
import { handleBytes } from '../model/handle-bytes.ts';
import type { InputFile } from '../model/ports.ts';
import { tooLarge } from './file-errors.ts';

/** Does not follow a link at the end of a path, and does not block on a pipe. Windows has neither flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const HINT = 'Name a file in one of the folders of files.allowedPaths (DIFY_BRIDGE_FILES_ALLOWED_PATHS).';

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
    return heldFile(handle, path, stats.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function heldFile(handle: FileHandle, path: string, size: number): InputFile {
  return {
    filename: basename(path),
    size,
    read: () => handleBytes(handle, size),
    dispose: () => handle.close().catch(() => undefined),
  };
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
  return new BridgeError(
    'file_refused',
    `There is no file ${path} in the folders that the operator allowed.`,
    {
      hint: HINT,
    },
  );
}

function unreadable(error: unknown, path: string): BridgeError {
  const code = (error as NodeJS.ErrnoException).code;
  const isDenied = code === 'EACCES' || code === 'EPERM';
  return isDenied
    ? new BridgeError('file_refused', `The bridge has no permission to read ${path}.`, {
        hint: HINT,
        cause: error,
      })
    : outside(path);
}
