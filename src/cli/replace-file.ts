import { constants } from 'node:fs';
import { copyFile, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BridgeError, type ErrorCode, systemErrorCode } from '../model/errors.ts';

/** How a file is replaced. */
export interface ReplaceOptions {
  /** Its text when it was read; undefined when there was none. Anything else on disk by now is not overwritten. */
  readonly before: string | undefined;
  /** The mode to have; that of the file which is replaced unless given. */
  readonly mode?: number;
  /** The mode of folders that have to be made. */
  readonly folderMode?: number;
  /** The code of the error when it cannot be written. */
  readonly code: ErrorCode;
}

/** What was done. */
export interface Replaced {
  /** The copy of what was there before; undefined when there was nothing. */
  readonly backup: string | undefined;
}

/** The text of a file; undefined when there is none. Throws with `code` when it cannot be read. */
export async function readIfThere(path: string, code: ErrorCode): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw new BridgeError(code, `${path} cannot be read (${systemErrorCode(error)}).`, {
      hint: 'Check that it is a file and that you may read it.',
      cause: error,
    });
  }
}

/**
 * Replaces a file in one step, or creates it: a reader sees the old text or the new one. A link to a file stays a link;
 * the old file is copied to one in the same folder. Throws with `code`; then nothing has changed.
 */
export async function replaceFile(path: string, text: string, options: ReplaceOptions): Promise<Replaced> {
  const { before, code } = options;
  let temporary: string | undefined;
  try {
    const target = before === undefined ? path : await realpath(path);
    await mkdir(dirname(target), { recursive: true, mode: options.folderMode });
    const mode = options.mode ?? (before === undefined ? undefined : (await stat(target)).mode & 0o777);
    const backup = before === undefined ? undefined : await backUp(target);
    temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
    await writeNew(temporary, text, mode);
    if ((await readIfThere(target, code)) !== before) {
      if (backup !== undefined) await rm(backup, { force: true });
      throw new BridgeError(code, `${path} was changed by something else just now.`, {
        hint: 'Run the command again; closing the program that writes the file helps.',
      });
    }
    await rename(temporary, target);
    return { backup };
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => undefined);
    if (error instanceof BridgeError) throw error;
    throw new BridgeError(code, `${path} cannot be written (${systemErrorCode(error)}).`, {
      hint: 'Check that you may write to it and to its folder.',
      cause: error,
    });
  }
}

async function writeNew(path: string, text: string, mode: number | undefined): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text);
    // The umask takes bits away that the file before had.
    if (mode !== undefined) await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Copies a file within its folder, under an unused name with the time. */
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
