import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import { withFileLock } from './file-lock.ts';
import { isSameLogin, type LoginKey, loginFromJson, loginToJson, type StoredLogin } from './stored-login.ts';

/** The form of the file. Raise it if older bridges would misread a new one. */
const FORM = 1;

/** Returns the file of the stored logins, which is in the folder of the configuration file. */
export function loginsFile(configFile: string): string {
  return join(dirname(configFile), 'logins.json');
}

/**
 * Reads the stored logins, the one used by default first; none if there is no file. Throws `login_file_invalid` if the
 * file cannot be read or others can read it.
 */
export async function readLogins(path: string): Promise<readonly StoredLogin[]> {
  const text = await readOwnFile(path);
  if (text === undefined) return [];
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw broken(path);
  }
  if (!isJsonObject(raw)) throw broken(path);
  const { form, logins } = raw;
  if (typeof form === 'number' && form > FORM) {
    throw invalid(`${path} was written by a newer version of dify-mcp-bridge.`, 'Update this one.');
  }
  if (form !== FORM || !Array.isArray(logins)) throw broken(path);
  const known = logins.map(loginFromJson).filter((login) => login !== undefined);
  if (known.length < logins.length) throw broken(path);
  return known;
}

/** Rejects with `login_file_invalid` if a login could not be stored. */
export function checkLoginsWritable(path: string): Promise<void> {
  return lockLogins(path, async () => (await beginReplacement(path, await readLogins(path))).discard());
}

/** Stores a login as the default one. Throws `login_file_invalid`, with nothing changed. */
export async function storeLogin(path: string, login: StoredLogin): Promise<void> {
  await changeLogins(path, (logins) => [login, ...logins.filter((one) => !isSameLogin(one, login))]);
}

/**
 * Deletes a login. Resolves with it, as it was last renewed; undefined if there is none. Throws `login_file_invalid`, with
 * nothing changed.
 */
export async function deleteLogin(path: string, key: LoginKey): Promise<StoredLogin | undefined> {
  const before = await changeLogins(path, (logins) => logins.filter((one) => !isSameLogin(one, key)));
  return before.find((one) => isSameLogin(one, key));
}

async function changeLogins(
  path: string,
  change: (logins: readonly StoredLogin[]) => readonly StoredLogin[],
): Promise<readonly StoredLogin[]> {
  return lockLogins(path, async () => {
    const before = await readLogins(path);
    const replacement = await beginReplacement(path, before);
    await replacement.commit(change(before));
    return before;
  });
}

/** Runs an action while no other process changes the file. Throws `login_file_invalid` if the lock cannot be made. */
export async function lockLogins<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return await withFileLock(path, action);
  } catch (error) {
    throw error instanceof BridgeError ? error : unwritable(path, error);
  }
}

/** New content for the file, for which there is room on the disk. */
export interface Replacement {
  /** Replaces the file atomically. Throws `login_file_invalid`, with nothing changed. */
  commit(logins: readonly StoredLogin[]): Promise<void>;
  discard(): Promise<void>;
}

/** Takes the room for new content. Throws `login_file_invalid` if the disk cannot be written. */
export async function beginReplacement(path: string, logins: readonly StoredLogin[]): Promise<Replacement> {
  const target = await realpath(path).catch(() => path);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
  let file: FileHandle | undefined;
  const discard = async (): Promise<void> => {
    await file?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
  };
  const write = async (content: readonly StoredLogin[]): Promise<void> => {
    const bytes = Buffer.from(textOf(content));
    await file?.write(bytes, 0, bytes.length, 0);
    await file?.truncate(bytes.length);
    await file?.sync();
  };
  try {
    file = await open(temporary, 'wx', 0o600);
    await write(logins);
  } catch (error) {
    await discard();
    throw unwritable(path, error);
  }
  return {
    discard,
    async commit(content) {
      try {
        await write(content);
        await file?.close();
        await rename(temporary, target);
      } catch (error) {
        await discard();
        throw unwritable(path, error);
      }
    },
  };
}

function textOf(logins: readonly StoredLogin[]): string {
  return `${JSON.stringify({ form: FORM, logins: logins.map(loginToJson) }, null, 2)}\n`;
}

/** Reads a file that only its owner may read; undefined if it does not exist. */
async function readOwnFile(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const { mode } = await file.stat();
    // Windows has no such bits: the folder of the user is private there.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const bits = (mode & 0o777).toString(8);
      throw invalid(
        `Others can read the stored logins in ${path} (mode ${bits}).`,
        `Run: chmod 600 '${path}'. If others use this machine, sign out of Dify and run dify-mcp-bridge login again.`,
      );
    }
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return undefined;
    const hint = 'Run the bridge as the user who ran dify-mcp-bridge login.';
    throw invalid(`The stored logins in ${path} cannot be read (${code}).`, hint, error);
  } finally {
    await file?.close();
  }
}

function broken(path: string): BridgeError {
  const hint = 'Delete it and run dify-mcp-bridge login again.';
  return invalid(`The stored logins in ${path} are damaged.`, hint);
}

function unwritable(path: string, cause: unknown): BridgeError {
  const message = `The stored logins in ${path} cannot be written (${systemErrorCode(cause)}).`;
  const hint = 'Make room on the disk, and give this user write permission to the file and its folder.';
  return invalid(message, hint, cause);
}

function invalid(message: string, hint: string, cause?: unknown): BridgeError {
  return new BridgeError('login_file_invalid', message, { hint, cause });
}
