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

/** Where the bridge keeps files. */
export type FilesPlace =
  | { readonly kind: 'directory'; readonly dir: string }
  /** With all replicas. */
  | { readonly kind: 'shared' }
  /** `instead`: the folder that cannot be written, where nobody asked for memory. */
  | { readonly kind: 'memory'; readonly instead?: string };

/** The kept files, and how their principals come to them. */
export interface BridgeFiles {
  readonly store: MeteredFileStore;
  readonly place: FilesPlace;
  /** Bytes of all files together. */
  readonly maxBytes: number;
  readonly accessOf: FileAccessOf;
  /** Files can be downloaded from now on below this address. */
  readonly servedAt: (baseUrl: string) => void;
}

/**
 * Where the configuration has files kept. A folder that somebody named is made at once; the usual one is made with
 * the first file, and where it cannot be, files are kept in memory.
 * @throws BridgeError `config_invalid` where the folder that was named cannot be written.
 */
export function placeOfFiles({ files, state, cacheDir }: Config): FilesPlace {
  // A folder that somebody names in spite of Redis is one that the replicas share.
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

/**
 * Opens the store of the configuration. `backend` is where replicas keep their files together, where they do.
 * @throws BridgeError `config_invalid`.
 */
export function openFiles(config: Config, logger: Logger, backend?: StorageBackend): BridgeFiles {
  const place = placeOfFiles(config);
  if (place.kind === 'memory' && place.instead !== undefined) {
    logger.warn('The folder for files cannot be written: they are kept in memory', {
      dir: place.instead,
      advice: 'Name another one in files.dir, or set files.store to memory.',
    });
  }
  const { maxStoreBytes = place.kind === 'directory' ? FOLDER_BYTES : MEMORY_BYTES, keep } = config.files;
  const store = createFileStore({
    backend: backendOf(place, backend),
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
        logger.warn('It could not be found out how to come to a kept file', { error });
        return [];
      });
      return {
        uri,
        ...(path !== undefined && { path }),
        ...(key !== undefined && { url: `${base}${downloadPath(key, name)}` }),
      };
    },

    servedAt(baseUrl) {
      base = baseUrl;
    },
  };
}

function backendOf(place: FilesPlace, shared: StorageBackend | undefined): StorageBackend {
  if (place.kind === 'memory') return createMemoryBackend();
  if (place.kind === 'directory') return createDirectoryBackend(place.dir);
  if (shared === undefined) throw new Error('There is no backend that replicas share.');
  return shared;
}
