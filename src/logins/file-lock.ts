import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemErrorCode } from '../model/errors.ts';
import { objectOf } from '../model/json.ts';

const POLL_MS = 25;
/** Longer than any holder works: a request to Dify ends after 30 s. */
const STALE_MS = 60_000;

/**
 * Runs an action while no other process runs one for the same file. Waits for the lock; takes over the lock of a process
 * that has ended. Rejects with the system's error if the lock cannot be made.
 */
export async function withFileLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const owner = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  while (!(await acquire(lock, owner))) {
    if (!(await discardIfStale(lock))) await sleep(POLL_MS);
  }
  try {
    return await action();
  } finally {
    // A holder that was stopped for a minute has lost the lock to another process.
    if ((await textOf(lock).catch(() => undefined)) === owner) await rm(lock, { force: true });
  }
}

async function acquire(lock: string, owner: string): Promise<boolean> {
  try {
    await writeFile(lock, owner, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Resolves with true if the lock is gone. */
async function discardIfStale(lock: string): Promise<boolean> {
  const text = await textOf(lock);
  const written = await stat(lock).catch(() => undefined);
  if (text === undefined || written === undefined) return true;
  if (Date.now() - written.mtimeMs < STALE_MS && !isOfEndedProcess(text)) return false;
  // Of several processes that see the same stale lock, one renames it.
  const aside = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, aside);
  } catch {
    return true;
  }
  // Another process was faster, and this is its own lock.
  if ((await textOf(aside)) !== text) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

function isOfEndedProcess(text: string): boolean {
  let owner: unknown;
  try {
    owner = JSON.parse(text);
  } catch {
    // Its process is still writing it.
    return false;
  }
  const { pid, host } = objectOf(owner);
  // Process IDs of another machine mean nothing here.
  if (typeof pid !== 'number' || host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return systemErrorCode(error) === 'ESRCH';
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
