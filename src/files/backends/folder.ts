import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BridgeError } from '../../model/errors.ts';

/**
 * Makes a folder that only its owner can read, and tries whether files can be made in it.
 * @throws BridgeError `config_invalid`.
 */
export function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // Permissions alone do not tell: the volume may be read-only, or the system may have rules of its own.
    rmdirSync(mkdtempSync(join(dir, '.try-')));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new BridgeError('config_invalid', `The folder ${dir} of files.dir cannot be written (${code}).`, {
      hint: 'Name a folder that the user of the bridge may write in files.dir (DIFY_BRIDGE_FILES_DIR), or set files.store (DIFY_BRIDGE_FILES_STORE) to memory.',
      cause: error,
    });
  }
}

/** Whether the folder is there and can be written, or could be made. Makes nothing. */
export function canMakeFolder(dir: string): boolean {
  if (!existsSync(dir)) return dirname(dir) !== dir && canMakeFolder(dirname(dir));
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return statSync(dir).isDirectory();
  } catch {
    return false;
  }
}
