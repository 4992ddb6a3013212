import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BridgeError, systemErrorCode } from '../../model/errors.ts';

/** Creates a folder for its owner only. Throws `config_invalid` if no files can be created in it. */
export function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // Permissions do not suffice: the volume may be read-only, or the system may have further rules.
    rmdirSync(mkdtempSync(join(dir, '.try-')));
  } catch (error) {
    const code = systemErrorCode(error);
    throw new BridgeError('config_invalid', `The folder ${dir} of files.dir is not writable (${code}).`, {
      hint: "Name a folder that the bridge's user may write to, in files.dir (DIFY_BRIDGE_FILES_DIR), or set files.store (DIFY_BRIDGE_FILES_STORE) to memory.",
      cause: error,
    });
  }
}

/** Returns whether the folder exists and is writable, or could be created. Creates nothing. */
export function canMakeFolder(dir: string): boolean {
  if (!existsSync(dir)) return dirname(dir) !== dir && canMakeFolder(dirname(dir));
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return statSync(dir).isDirectory();
  } catch {
    return false;
  }
}
