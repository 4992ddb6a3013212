import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { Draft, FileRecord, StorageBackend } from '../model/storage-backend.ts';
import type { FileStore, StoredFile } from '../model/stored-file.ts';
import {
  downloadKey,
  fileUri,
  idInUri,
  isSameSecret,
  newFileId,
  newSecret,
  ownerOf,
  splitDownloadKey,
} from './file-id.ts';
import { cleanFileName, plainType } from './names.ts';
import { createCapacity } from './capacity.ts';

/** The longest time between two sweeps for expired files, in milliseconds. */
const MAX_SWEEP_MS = 5 * 60_000;

export interface FileStoreOptions {
  readonly backend: StorageBackend;
  /** The limit for all files together. */
  readonly maxBytes: number;
  readonly ttlMs: number;
  readonly logger: Logger;
  /** The clock; the system clock when absent. */
  readonly now?: (() => number) | undefined;
}

/** A store that reports how full it is. */
export interface MeteredFileStore extends FileStore {
  usage(): Promise<{ readonly files: number; readonly bytes: number; readonly maxBytes: number }>;
}

/** Returns the store on a backend. Processes that share the backend see each other's files. */
export function createFileStore(options: FileStoreOptions): MeteredFileStore {
  const { backend, maxBytes, ttlMs, logger, now = Date.now } = options;
  const capacity = createCapacity(backend, maxBytes, now);
  let closed = false;

  /** Returns the record behind a URI and marks it as used; undefined if it expired or is not the principal's. */
  async function recordOf(uri: string, principal: string): Promise<FileRecord | undefined> {
    const id = idInUri(uri);
    const record = id === undefined ? undefined : await backend.get(id);
    if (record === undefined || record.owner !== ownerOf(principal)) return undefined;
    return used(record);
  }

  async function used(record: FileRecord): Promise<FileRecord | undefined> {
    if (record.expiresAt <= now()) return undefined;
    return (await backend.touch(record.id, now())) ? record : undefined;
  }

  async function live(): Promise<readonly FileRecord[]> {
    const records = (await backend.all()).map(({ record }) => record);
    return records.filter(({ expiresAt }) => expiresAt > now());
  }

  /** Writes the bytes within the limits and returns their number. Throws `file_too_large` beyond them. */
  async function fill(draft: Draft, content: AsyncIterable<Uint8Array>, taken: Taken): Promise<number> {
    let size = 0;
    for await (const chunk of content) {
      size += chunk.length;
      if (size > maxBytes) {
        const message = `The file is larger than the file store (${maxBytes} bytes).`;
        throw new BridgeError('file_too_large', message, {
          hint: 'An operator can raise the setting files.maxStoreBytes.',
        });
      }
      if (size > taken.bytes) taken.bytes += await capacity.reserve(size - taken.bytes);
      await draft.write(chunk);
    }
    return size;
  }

  async function sweep(): Promise<void> {
    for (const { record } of await backend.all()) {
      if (closed) return;
      if (record.expiresAt <= now()) await backend.remove(record.id);
    }
    if (!closed) await backend.tidy(now());
  }

  let sweeping: Promise<void> | undefined;
  function sweepAlone(): void {
    sweeping ??= sweep()
      .catch((error: unknown) => logger.warn('Stored files could not be checked for expiry', { error }))
      .finally(() => (sweeping = undefined));
  }
  const timer = setInterval(sweepAlone, Math.min(MAX_SWEEP_MS, Math.max(1000, ttlMs / 4)));
  timer.unref();
  sweepAlone();

  return {
    async put(content, { name, mimeType, principal }) {
      const id = newFileId();
      const taken: Taken = { bytes: 0 };
      const draft = await backend.begin(id);
      try {
        const size = await fill(draft, content, taken);
        const createdAt = now();
        const record: FileRecord = {
          id,
          name: cleanFileName(name),
          mimeType: plainType(mimeType),
          size,
          createdAt,
          expiresAt: createdAt + ttlMs,
          owner: ownerOf(principal),
          secret: newSecret(),
        };
        await draft.commit(record);
        return describe(record);
      } catch (error) {
        await draft.discard().catch((problem: unknown) => {
          logger.warn('An incomplete file could not be removed', { error: problem });
        });
        throw error;
      } finally {
        capacity.release(taken.bytes);
      }
    },

    async find(uri, principal) {
      const record = await recordOf(uri, principal);
      return record && describe(record);
    },

    async *read(uri, principal) {
      const record = await recordOf(uri, principal);
      if (record === undefined) {
        throw new BridgeError('file_not_found', 'The file does not exist or has expired.', {
          hint: 'Call the tool that made it again, or give another file.',
        });
      }
      yield* backend.read(record);
    },

    async list(principal) {
      const owner = ownerOf(principal);
      const own = (await live()).filter((record) => record.owner === owner);
      return own.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)).map(describe);
    },

    async pathOf(uri, principal) {
      const record = await recordOf(uri, principal);
      return record && backend.pathOf(record);
    },

    async downloadKey(uri, principal) {
      const record = await recordOf(uri, principal);
      return record && downloadKey(record.id, record.secret);
    },

    async findByDownloadKey(key) {
      const parts = splitDownloadKey(key);
      const record = parts && (await backend.get(parts.id));
      if (record === undefined || !isSameSecret(parts?.secret ?? '', record.secret)) return undefined;
      if ((await used(record)) === undefined) return undefined;
      return { file: describe(record), owner: record.owner, read: (range) => backend.read(record, range) };
    },

    async usage() {
      const records = await live();
      const bytes = records.reduce((sum, { size }) => sum + size, 0);
      return { files: records.length, bytes, maxBytes };
    },

    async close() {
      closed = true;
      clearInterval(timer);
      await sweeping;
      backend.close();
    },
  };
}

/** Space that a file uses so far. */
interface Taken {
  bytes: number;
}

function describe({ id, name, mimeType, size, createdAt, expiresAt }: FileRecord): StoredFile {
  const [created, expires] = [new Date(createdAt), new Date(expiresAt)];
  return { uri: fileUri(id, name), name, mimeType, size, createdAt: created, expiresAt: expires };
}
