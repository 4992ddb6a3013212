import { asBridgeError, BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { FileAccess, FileAccessOf, FileStore, NewFile, StoredFile } from '../model/stored-file.ts';

/** A stored file, and how its principal gets it. */
export interface AccessibleFile {
  readonly file: StoredFile;
  readonly access: FileAccess;
}

export type StoreOutcome =
  | { readonly kind: 'stored'; readonly stored: AccessibleFile }
  /** Larger than `maxBytes`. */
  | { readonly kind: 'too-large' }
  /** The store refused the file; `reason` is for a person. */
  | { readonly kind: 'not-stored'; readonly reason: string };

export interface ResultStoreOptions {
  readonly store: FileStore;
  readonly accessOf: FileAccessOf;
  readonly principal: string;
  /** The size of the largest file to store, in bytes. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

export class ResultStore {
  readonly maxBytes: number;
  readonly #options: ResultStoreOptions;

  constructor(options: ResultStoreOptions) {
    this.maxBytes = options.maxBytes;
    this.#options = options;
  }

  /** Stores the bytes as they arrive. Rejects only with errors of the source; errors of the store are an outcome. */
  async put(content: AsyncIterable<Uint8Array>, about: Omit<NewFile, 'principal'>): Promise<StoreOutcome> {
    const { store, accessOf, principal, maxBytes, signal, logger } = this.#options;
    let sourceError: { readonly thrown: unknown } | undefined;
    const tooLarge = new BridgeError('file_too_large', 'The file is larger than the bridge stores.');
    async function* limited(): AsyncGenerator<Uint8Array, void, undefined> {
      let size = 0;
      try {
        for await (const chunk of content) {
          signal.throwIfAborted();
          size += chunk.length;
          if (size > maxBytes) throw tooLarge;
          yield chunk;
        }
      } catch (thrown) {
        sourceError = { thrown };
        throw thrown;
      }
    }
    try {
      const file = await store.put(limited(), { ...about, principal });
      return { kind: 'stored', stored: { file, access: await accessOf(file, principal) } };
    } catch (error) {
      if (sourceError?.thrown === tooLarge) return { kind: 'too-large' };
      if (sourceError !== undefined) throw sourceError.thrown;
      return { kind: 'not-stored', reason: reasonOf(error, logger) };
    }
  }
}

/** Returns one sentence on why the store refused a file. */
function reasonOf(error: unknown, logger: Logger): string {
  const { code, message } = asBridgeError(error);
  if (code !== 'internal') return message;
  const cause = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected error';
  logger.warn('A file of a result could not be stored', { error });
  return `The bridge's file store failed (${cause}); its operator must fix it.`;
}
