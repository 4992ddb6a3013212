import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ApiKey, formatKeys, keysFileInvalid, parseKeys, readKeyFile } from '../http/key-file.ts';
import { withFileLock } from '../logins/file-lock.ts';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import { replaceFile } from './replace-file.ts';

/** Returns the keys in a file; none if it does not exist. @throws BridgeError `keys_file_invalid`. */
export function storedKeys(path: string): readonly ApiKey[] {
  const text = readKeyFile(path);
  return text === undefined ? [] : parseKeys(text, path);
}

/** Replaces the keys in a file. If it throws (`keys_file_invalid`, or as `change` does), nothing has changed. */
export async function changeKeys(
  path: string,
  change: (keys: readonly ApiKey[]) => readonly ApiKey[],
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await withFileLock(path, async () => {
      const before = readKeyFile(path);
      const keys = change(before === undefined ? [] : parseKeys(before, path));
      const mode = before === undefined ? 0o600 : undefined;
      const options = { before, mode, backup: false, code: 'keys_file_invalid' } as const;
      await replaceFile(path, formatKeys(keys), options);
    });
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    const hint = 'Give this user write permission to the file and its folder.';
    throw keysFileInvalid(`The keys in ${path} cannot be written (${systemErrorCode(error)}).`, hint, error);
  }
}
