import { BridgeError } from '../model/errors.ts';
import type { StorageBackend, StoredRecord } from '../model/storage-backend.ts';

/** The most stored files, of any size: a listing reads the record of each. */
const MAX_FILES = 10_000;

/** The most bytes reserved ahead of what has arrived. A full store evicts files for them, so they are few. */
const MAX_AHEAD_BYTES = 8 * 1024 * 1024;
const AHEAD_PART = 64;

/** Returns the space of a store, shared by the files in it and the uploads in progress. */
export function createCapacity(backend: StorageBackend, maxBytes: number, now: () => number) {
  let arriving = 0;
  let turn: Promise<unknown> = Promise.resolve();

  async function makeSpace(needed: number): Promise<number> {
    const free = maxBytes - arriving;
    if (needed > free) {
      const message = 'The file store is full: uploads in progress use all available space.';
      throw new BridgeError('file_too_large', message, {
        hint: 'Try again in a moment, or raise the setting files.maxStoreBytes.',
      });
    }
    const ahead = Math.min(MAX_AHEAD_BYTES, Math.floor(maxBytes / AHEAD_PART));
    const bytes = Math.min(needed + ahead, free);
    const files = await backend.all();
    const used = files.reduce((sum, { record }) => sum + record.size, 0);
    await evict(files, used + arriving + bytes - maxBytes, files.length + 1 - MAX_FILES);
    arriving += bytes;
    return bytes;
  }

  /** Removes expired files, then the least recently used ones, until enough space is free. */
  async function evict(files: readonly StoredRecord[], bytes: number, count: number): Promise<void> {
    if (bytes <= 0 && count <= 0) return;
    const rank = ({ record, usedAt }: StoredRecord): number => (record.expiresAt <= now() ? 0 : usedAt);
    const queue = files
      .map(({ record, usedAt }) => ({ record, usedAt }))
      .sort((a, b) => rank(a) - rank(b) || a.record.createdAt - b.record.createdAt);
    let [excess, surplus] = [bytes, count];
    for (let file = queue.shift(); file !== undefined && (excess > 0 || surplus > 0); file = queue.shift()) {
      // Another process may have used or removed the file in the meantime.
      const usedAt = await backend.usedAt(file.record.id);
      if (usedAt !== undefined && usedAt > file.usedAt && rank(file) > 0) {
        const again = { record: file.record, usedAt };
        const place = queue.findIndex((other) => rank(other) > usedAt);
        queue.splice(place === -1 ? queue.length : place, 0, again);
        continue;
      }
      if (usedAt !== undefined && !(await backend.remove(file.record.id))) continue;
      excess -= file.record.size;
      surplus -= 1;
    }
  }

  return {
    /**
     * Reserves space for bytes that are about to be written, and some more ahead of them. Evicts the least recently
     * used files if the store is full. Resolves with the number of bytes reserved. Rejects with `file_too_large` if
     * uploads in progress leave too little space.
     */
    reserve(bytes: number): Promise<number> {
      const done = turn.then(() => makeSpace(bytes));
      turn = done.catch(() => undefined);
      return done;
    },
    /** Ends a reservation: the upload failed, or its file is now stored and counted. */
    release(bytes: number): void {
      arriving -= bytes;
    },
  };
}
