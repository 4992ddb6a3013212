import { BridgeError } from '../model/errors.ts';
import type { Shelf, ShelvedFile } from '../model/storage-backend.ts';

/** More files than this are not kept, however small they are: a listing looks at all of them. */
const MAX_FILES = 10_000;

/**
 * How much space is taken ahead at most: looking for room at each chunk of a large file would take long. Where the
 * store is full, files make room for it, so it is a small part of the store only.
 */
const MAX_AHEAD_BYTES = 8 * 1024 * 1024;
const AHEAD_PART = 64;

/** The space of a store. */
export interface Room {
  /**
   * Takes space for bytes that arrive, and a little ahead of them; files that were not used for the longest time
   * make room. Answers how much it took. Rejects with `file_too_large` where the files that arrive at present
   * leave too little.
   */
  reserve(bytes: number): Promise<number>;
  /** Gives space back, or hands it over to a file that is kept now. */
  release(bytes: number): void;
}

export function createRoom(shelf: Shelf, maxBytes: number, now: () => number): Room {
  let arriving = 0;
  let turn: Promise<unknown> = Promise.resolve();

  async function makeRoom(needed: number): Promise<number> {
    const free = maxBytes - arriving;
    if (needed > free) {
      throw new BridgeError(
        'file_too_large',
        'The store has no room beside the files that arrive just now.',
        {
          hint: 'Try again in a moment, or raise the setting files.maxStoreBytes.',
        },
      );
    }
    const ahead = Math.min(MAX_AHEAD_BYTES, Math.floor(maxBytes / AHEAD_PART));
    const bytes = Math.min(needed + ahead, free);
    const files = await shelf.all();
    const used = files.reduce((sum, { record }) => sum + record.size, 0);
    await evict(files, used + arriving + bytes - maxBytes, files.length + 1 - MAX_FILES);
    arriving += bytes;
    return bytes;
  }

  /** Removes what has expired, then what was not used for the longest time, until it is enough. */
  async function evict(files: readonly ShelvedFile[], bytes: number, count: number): Promise<void> {
    if (bytes <= 0 && count <= 0) return;
    const rank = ({ record, usedAt }: ShelvedFile): number => (record.expiresAt <= now() ? 0 : usedAt);
    const queue = files
      .map(({ record, usedAt }) => ({ record, usedAt }))
      .sort((a, b) => rank(a) - rank(b) || a.record.createdAt - b.record.createdAt);
    let [excess, surplus] = [bytes, count];
    for (let file = queue.shift(); file !== undefined && (excess > 0 || surplus > 0); file = queue.shift()) {
      // Another process may have used it since, or removed it.
      const usedAt = await shelf.usedAt(file.record.id);
      if (usedAt !== undefined && usedAt > file.usedAt && rank(file) > 0) {
        const again = { record: file.record, usedAt };
        const place = queue.findIndex((other) => rank(other) > usedAt);
        queue.splice(place === -1 ? queue.length : place, 0, again);
        continue;
      }
      if (usedAt !== undefined && !(await shelf.remove(file.record.id))) continue;
      excess -= file.record.size;
      surplus -= 1;
    }
  }

  return {
    reserve(bytes) {
      const done = turn.then(() => makeRoom(bytes));
      turn = done.catch(() => undefined);
      return done;
    },
    release(bytes) {
      arriving -= bytes;
    },
  };
}
