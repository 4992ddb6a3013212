import { asBridgeError, BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { FileAccess, FileAccessOf, FileStore, NewFile, StoredFile } from '../model/stored-file.ts';

/** A file that the bridge keeps, and how its principal comes to it. */
export interface KeptFile {
  readonly file: StoredFile;
  readonly access: FileAccess;
}

/** What became of a file that was to be kept. */
export type Keeping =
  | { readonly kind: 'kept'; readonly kept: KeptFile }
  /** Larger than the bridge keeps of one file; `size` as far as it is known. */
  | { readonly kind: 'too-large'; readonly size?: number }
  /** The store does not take it; `reason` is for a person. */
  | { readonly kind: 'not-kept'; readonly reason: string };

/** Keeps the files of one call for whoever called. */
export interface Keeper {
  /** Bytes of the largest file that is kept. */
  readonly maxBytes: number;
  /** Takes the bytes as they come. Rejects with what the source throws. */
  keep(content: AsyncIterable<Uint8Array>, about: Omit<NewFile, 'principal'>): Promise<Keeping>;
}

export interface KeeperOptions {
  readonly store: FileStore;
  readonly accessOf: FileAccessOf;
  readonly principal: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** Keeps files in the store. What the store throws is an answer, what the source throws is thrown. */
export function createKeeper(options: KeeperOptions): Keeper {
  const { store, accessOf, principal, maxBytes, signal, logger } = options;
  return {
    maxBytes,
    async keep(content, about) {
      let fault: { readonly thrown: unknown } | undefined;
      const tooLarge = new BridgeError('file_too_large', 'The file is larger than the bridge keeps.');
      async function* watched(): AsyncGenerator<Uint8Array, void, undefined> {
        let size = 0;
        try {
          for await (const chunk of content) {
            signal.throwIfAborted();
            size += chunk.length;
            if (size > maxBytes) throw tooLarge;
            yield chunk;
          }
        } catch (thrown) {
          fault = { thrown };
          throw thrown;
        }
      }
      try {
        const file = await store.put(watched(), { ...about, principal });
        return { kind: 'kept', kept: { file, access: await accessOf(file, principal) } };
      } catch (error) {
        if (fault?.thrown === tooLarge) return { kind: 'too-large' };
        if (fault !== undefined) throw fault.thrown;
        return { kind: 'not-kept', reason: reasonOf(error, logger) };
      }
    },
  };
}

/** One sentence on why the store does not take a file. */
function reasonOf(error: unknown, logger: Logger): string {
  const { code, message } = asBridgeError(error);
  if (code !== 'internal') return message;
  const cause = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected error';
  logger.warn('A file of a result could not be kept', { error });
  return `The bridge's store of files failed (${cause}), which its operator has to mend.`;
}
