import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BridgeError, type ErrorCode, systemErrorCode } from '../model/errors.ts';

export interface ReplaceOptions {
  /**
   * Its text when it was read; undefined if it did not exist. A file that has changed since is not
   * overwritten.
   */
  readonly before: string | undefined;
  /** The new mode; the mode of the replaced file when absent. */
  readonly mode?: number | undefined;
  /** Whether to keep a copy of the previous file. Default: true. */
  readonly backup?: boolean;
  /** The mode of created folders. */
  readonly folderMode?: number;
  /** The error code if writing fails. */
  readonly code: ErrorCode;
}

/** Returns the text of a file; undefined if it does not exist. Throws with `code` for other failures. */
export async function readIfThere(path: string, code: ErrorCode): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw new BridgeError(code, `${path} cannot be read (${systemErrorCode(error)}).`, {
      hint: 'Check that it is a file and that you have permission to read it.',
      cause: error,
    });
  }
}

/**
 * Replaces or creates a file atomically: a reader sees the old text or the new one. Preserves a link to a
 * file. Returns the copy of the previous file, if there was one. If it throws (with `code`), nothing has
 * changed.
 */
export async function replaceFile(
  path: string,
  text: string,
  options: ReplaceOptions,
): Promise<{ readonly backup: string | undefined }> {
  const { before, code } = options;
  let temporary: string | undefined;
  let backup: string | undefined;
  try {
    const target = before === undefined ? path : await realpath(path);
    await mkdir(dirname(target), { recursive: true, mode: options.folderMode });
    const mode = options.mode ?? (before === undefined ? undefined : (await stat(target)).mode & 0o777);
    if (before !== undefined && options.backup !== false) backup = await backUp(target);
    temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
    await writeNew(temporary, text, mode);
    if ((await readIfThere(target, code)) !== before) {
      throw new BridgeError(code, `${path} was changed by another program meanwhile.`, {
        hint: 'Close the program that writes the file, then run the command again.',
      });
    }
    await rename(temporary, target);
    return { backup };
  } catch (error) {
    const made = [temporary, backup].filter((file) => file !== undefined);
    await Promise.all(made.map((file) => rm(file, { force: true }).catch(() => undefined)));
    if (error instanceof BridgeError) throw error;
    throw new BridgeError(code, `${path} cannot be written (${systemErrorCode(error)}).`, {
      hint: 'Check that you have permission to write to it and to its folder.',
      cause: error,
    });
  }
}

async function writeNew(path: string, text: string, mode: number | undefined): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, text, { flag: 'wx', mode, flush: true });
  // The umask may have removed bits that the previous file had.
  if (mode !== undefined) await chmod(path, mode);
}

/** Copies a file within its folder, under an unused name with a timestamp. */
async function backUp(path: string): Promise<string> {
  const time = new Date()
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replaceAll(':', '');
  for (let number = 1; ; number += 1) {
    const copy = `${path}.${time}${number === 1 ? '' : `-${number}`}.bak`;
    try {
      await copyFile(path, copy, constants.COPYFILE_EXCL);
      return copy;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
  }
}
