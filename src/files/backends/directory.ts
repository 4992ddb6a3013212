import { constants } from 'node:fs';
import { lstat, open, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachBounded } from '../../model/async.ts';
import { BridgeError, systemErrorCode } from '../../model/errors.ts';
import { type Logger, silentLogger } from '../../model/logger.ts';
import { isFileId } from '../file-id.ts';
import type { FileRecord, StorageBackend, StoredRecord } from '../../model/storage-backend.ts';
import { decodeSidecar, encodeSidecar } from './sidecar.ts';

const SIDECAR = '.dify-file.json';
/** Prefix of a folder whose file is incomplete or being removed. */
const TEMPORARY = '.tmp-';
/** Temporary folders without a write for this long were left behind by a process that ended early. */
const LEFTOVER_MS = 15 * 60_000;
const CHUNK_BYTES = 256 * 1024;
/** Error codes of Windows for a folder with an open file in it. */
const IN_USE: ReadonlySet<string> = new Set(['EBUSY', 'EPERM', 'EACCES']);
/** Error codes of an entry that is not as the backend writes it, such as a folder in place of a file. */
const BROKEN: ReadonlySet<string> = new Set(['ENOTDIR', 'EISDIR', 'ELOOP', 'EACCES', 'EPERM', 'EINVAL']);
/** Does not follow a link that replaced a file. Windows has no such flag. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);
/** Sidecars read at once. */
const MAX_READS = 32;

/**
 * Returns a backend that stores each file in a subfolder: `<id>/<name>` and its record. A file appears
 * and disappears by renaming its subfolder, so other processes see it whole or not at all. The first file
 * creates the main folder; the backend ignores anything else in it. It removes leftovers of a process
 * that ended early after some minutes. Skips what other programs have broken, and logs it once.
 */
export function createDirectoryBackend(dir: string, logger: Logger = silentLogger): StorageBackend {
  /** Records already read; they never change. Reading thousands of them again would take a second. */
  const known = new Map<string, { readonly record: FileRecord; usedAt: number }>();
  /** Temporary folders of this process. */
  const drafts = new Set<string>();
  /** Entries that were logged as broken. */
  const broken = new Set<string>();

  const folderOf = (id: string): string => join(dir, id);
  const temporaryOf = (id: string): string => join(dir, `${TEMPORARY}${id}`);
  const sidecarOf = (id: string): string => join(dir, id, SIDECAR);
  const dataOf = ({ id, name }: FileRecord): string => join(dir, id, dataName(name));

  async function load(id: string): Promise<FileRecord | undefined> {
    const found = known.get(id);
    if (found !== undefined) return found.record;
    return ifPresent(id, async () => {
      const folder = await lstat(folderOf(id));
      const [text, { mtimeMs }] = await Promise.all([
        readFile(sidecarOf(id), { encoding: 'utf8', flag: READ }),
        lstat(sidecarOf(id)),
      ]);
      const record = folder.isDirectory() ? decodeSidecar(id, text) : undefined;
      const data = record && (await lstat(dataOf(record)));
      if (record === undefined || data?.isFile() !== true || data.size !== record.size) {
        return skip(id, 'not a file with its record');
      }
      known.set(id, { record, usedAt: mtimeMs });
      return record;
    });
  }

  /** Resolves with undefined, and forgets the record, if the file is gone or broken. */
  async function ifPresent<T>(id: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const code = systemErrorCode(error);
      if (!isGone(error) && !BROKEN.has(code)) throw error;
      return isGone(error) ? forget(id) : skip(id, code);
    }
  }

  function forget(id: string): undefined {
    known.delete(id);
  }

  function skip(id: string, reason: string): undefined {
    if (!broken.has(id)) logger.warn('Skipped a broken entry in the folder for files', { dir, id, reason });
    broken.add(id);
    return forget(id);
  }

  function markUsed(id: string, usedAt: number): number {
    const found = known.get(id);
    if (found !== undefined) found.usedAt = usedAt;
    return usedAt;
  }

  async function names(): Promise<readonly string[]> {
    // A program that cleans caches may remove the folder: the next file creates it again.
    return readdir(dir).catch((error: unknown) => {
      if (isGone(error)) return [];
      throw error;
    });
  }

  async function remove(id: string): Promise<boolean> {
    try {
      await rename(folderOf(id), temporaryOf(id));
    } catch (error) {
      if (IN_USE.has(systemErrorCode(error))) return false;
      if (!isGone(error)) throw error;
      known.delete(id);
      return true;
    }
    known.delete(id);
    await rm(temporaryOf(id), { recursive: true, force: true });
    return true;
  }

  return {
    async begin(id) {
      const folder = temporaryOf(id);
      drafts.add(folder);
      let handle: Awaited<ReturnType<typeof open>> | undefined;
      const discard = async (): Promise<void> => {
        await handle?.close();
        await rm(folder, { recursive: true, force: true });
        drafts.delete(folder);
      };
      try {
        await mkdir(dir, { recursive: true, mode: 0o700 });
        await mkdir(folder, { mode: 0o700 });
        // Its name may be known only at the end, so the file is renamed then.
        handle = await open(join(folder, TEMPORARY), 'wx', 0o600);
      } catch (error) {
        await discard().catch(() => undefined);
        throw error;
      }
      const data = handle;
      return {
        write: (chunk) => data.writeFile(chunk),
        async commit(record) {
          await data.close();
          await rename(join(folder, TEMPORARY), join(folder, dataName(record.name)));
          await writeFile(join(folder, SIDECAR), encodeSidecar(record), { flag: 'wx', mode: 0o600 });
          await rename(folder, folderOf(id));
          drafts.delete(folder);
          known.set(id, { record, usedAt: record.createdAt });
        },
        discard,
      };
    },

    get: load,

    async all() {
      const ids = (await names()).filter(isFileId);
      const present = new Set(ids);
      for (const id of known.keys()) if (!present.has(id)) known.delete(id);
      for (const id of broken) if (!present.has(id)) broken.delete(id);
      const unread = ids.filter((id) => !known.has(id));
      await forEachBounded(unread, MAX_READS, async (id) => void (await load(id)));
      return ids
        .map((id) => known.get(id))
        .filter((file): file is StoredRecord & typeof file => file !== undefined);
    },

    usedAt: (id) => ifPresent(id, async () => markUsed(id, (await stat(sidecarOf(id))).mtimeMs)),

    async touch(id, now) {
      const used = await ifPresent(id, async () => {
        await utimes(sidecarOf(id), now / 1000, now / 1000);
        return markUsed(id, now);
      });
      return used !== undefined;
    },

    async *read(record, { first, last } = { first: 0, last: record.size - 1 }) {
      const gone = new BridgeError('file_not_found', 'The file no longer exists.');
      const handle = await open(dataOf(record), READ).catch((error: unknown) => {
        throw isGone(error) || BROKEN.has(systemErrorCode(error)) ? gone : error;
      });
      try {
        // Someone may have edited the file: a partial or oversized file would be worse than none.
        const stats = await handle.stat();
        if (!stats.isFile() || stats.size !== record.size) throw gone;
        for (let position = first; position <= last; ) {
          const size = Math.min(CHUNK_BYTES, last + 1 - position);
          const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(size), 0, size, position);
          if (bytesRead === 0) throw gone;
          position += bytesRead;
          yield buffer.subarray(0, bytesRead);
        }
      } finally {
        await handle.close();
      }
    },

    pathOf: dataOf,
    remove,

    async tidy(now) {
      const all = await names();
      const temporary = all.filter(
        (name) => name.startsWith(TEMPORARY) && isFileId(name.slice(TEMPORARY.length)),
      );
      const unreadable = all.filter((name) => isFileId(name) && !known.has(name));
      for (const name of [...temporary, ...unreadable]) {
        const folder = join(dir, name);
        if (drafts.has(folder) || now - (await lastChange(folder)) < LEFTOVER_MS) continue;
        if (isFileId(name) && (await load(name)) !== undefined) continue;
        await rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
          skip(name, systemErrorCode(error)),
        );
      }
    },

    close() {
      known.clear();
    },
  };
}

/** Returns the name under which the bytes are stored: the file's own, unless the record uses that name. */
function dataName(name: string): string {
  return name.toLowerCase() === SIDECAR || name === TEMPORARY ? `_${name}` : name;
}

/** Returns when something in a folder was last written; infinity if the folder is gone. */
async function lastChange(folder: string): Promise<number> {
  try {
    const { mtimeMs } = await lstat(folder);
    const files = await readdir(folder).catch(() => []);
    const times = await Promise.all(files.map((file) => lstat(join(folder, file))));
    return times.reduce((latest, file) => Math.max(latest, file.mtimeMs), mtimeMs);
  } catch (error) {
    if (isGone(error)) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return systemErrorCode(error) === 'ENOENT';
}
