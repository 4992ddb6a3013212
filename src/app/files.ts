import { join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { downloadPath } from '../http/downloads.ts';
import { LOCAL_PRINCIPAL } from '../model/call.ts';
import type { Logger } from '../model/logger.ts';
import type { StorageBackend } from '../model/storage-backend.ts';
import type { FileAccessOf } from '../model/stored-file.ts';
import { createDirectoryBackend } from '../files/backends/directory.ts';
import { createMemoryBackend } from '../files/backends/memory.ts';
import { createFileStore, type MeteredFileStore } from '../files/file-store.ts';
import { canMakeFolder, makeFolder } from '../files/backends/folder.ts';

const FOLDER_BYTES = 1024 ** 3;
const MEMORY_BYTES = 128 * 1024 ** 2;

export type FilesPlace =
  | { readonly kind: 'directory'; readonly dir: string }
  /** In the Redis that all replicas share. */
  | { readonly kind: 'shared' }
  /** `instead` is the default folder, if memory is used only because that folder is not writable. */
  | { readonly kind: 'memory'; readonly instead?: string };

/** The stored files, and how their principals reach them. */
export interface BridgeFiles {
  readonly store: MeteredFileStore;
  readonly place: FilesPlace;
  /** The most bytes of all files together. */
  readonly maxBytes: number;
  readonly accessOf: FileAccessOf;
  /** Sets the base of the download addresses. Without it, files have none. */
  readonly servedAt: (baseUrl: string) => void;
}

/**
 * Returns where the configuration says to store files. Creates a configured folder at once. The default folder is
 * created with the first file; if that is not possible, the files are stored in memory.
 * @throws BridgeError `config_invalid` if the configured folder cannot be written.
 */
export function placeOfFiles({ files, state, cacheDir }: Config): FilesPlace {
  // A folder configured in addition to Redis is taken to be shared by the replicas.
  if (state.redisUrl !== undefined && files.dir === undefined) return { kind: 'shared' };
  if (files.store === 'memory') return { kind: 'memory' };
  if (files.dir !== undefined) {
    const dir = resolve(files.dir);
    makeFolder(dir);
    return { kind: 'directory', dir };
  }
  const dir = join(cacheDir, 'files');
  return canMakeFolder(dir) ? { kind: 'directory', dir } : { kind: 'memory', instead: dir };
}

/** Returns a path for records that outlive the process: where files are stored, since that may be the only volume. */
export function recordsPath({ files, cacheDir }: Config, ...names: readonly string[]): string {
  return join(files.dir ?? cacheDir, ...names);
}

/**
 * Opens the file store. `backend` is the one that replicas share, if they do.
 * @throws BridgeError `config_invalid` if the configured folder cannot be written.
 */
export function openFiles(config: Config, logger: Logger, backend?: StorageBackend): BridgeFiles {
  const place = placeOfFiles(config);
  if (place.kind === 'memory' && place.instead !== undefined) {
    logger.warn('Files are stored in memory because the folder for files cannot be written', {
      dir: place.instead,
      advice: 'Set files.dir to a writable folder, or set files.store to memory.',
    });
  }
  const { maxStoreBytes = place.kind === 'directory' ? FOLDER_BYTES : MEMORY_BYTES, keep } = config.files;
  const store = createFileStore({
    backend: backendOf(place, logger, backend),
    maxBytes: maxStoreBytes,
    ttlMs: keep,
    logger,
  });
  let base: string | undefined;

  return {
    store,
    place,
    maxBytes: maxStoreBytes,

    async accessOf({ uri, name }, principal) {
      const [path, key] = await Promise.all([
        principal === LOCAL_PRINCIPAL ? store.pathOf(uri, principal) : undefined,
        base === undefined ? undefined : store.downloadKey(uri, principal),
      ]).catch((error: unknown) => {
        logger.warn('Could not determine the path or download address of a stored file', { error });
        return [];
      });
      return { uri, path, url: key && `${base}${downloadPath(key, name)}` };
    },

    servedAt(baseUrl) {
      base = baseUrl;
    },
  };
}

function backendOf(place: FilesPlace, logger: Logger, shared: StorageBackend | undefined): StorageBackend {
  if (place.kind === 'memory') return createMemoryBackend();
  if (place.kind === 'directory') return createDirectoryBackend(place.dir, logger);
  if (shared === undefined) throw new Error('The shared backend is missing.');
  return shared;
}
