import { BridgeError } from '../../model/errors.ts';
import type { FileRecord, StorageBackend } from '../../model/storage-backend.ts';

interface MemoryFile {
  readonly record: FileRecord;
  readonly chunks: readonly Uint8Array[];
  usedAt: number;
}

/** Returns a backend that stores files in the memory of this process. */
export function createMemoryBackend(): StorageBackend {
  const files = new Map<string, MemoryFile>();

  return {
    async begin(id) {
      const chunks: Uint8Array[] = [];
      return {
        async write(chunk) {
          // Copy: the sender may reuse its memory, or the chunk may be a small view of a large buffer.
          chunks.push(Uint8Array.from(chunk));
        },
        async commit(record) {
          files.set(id, { record, chunks, usedAt: record.createdAt });
        },
        async discard() {
          chunks.length = 0;
        },
      };
    },

    get: async (id) => files.get(id)?.record,
    all: async () => [...files.values()],
    usedAt: async (id) => files.get(id)?.usedAt,

    async touch(id, now) {
      const file = files.get(id);
      if (file !== undefined) file.usedAt = now;
      return file !== undefined;
    },

    async *read({ id, size }, { first, last } = { first: 0, last: size - 1 }) {
      const file = files.get(id);
      if (file === undefined) throw new BridgeError('file_not_found', 'The file no longer exists.');
      let position = 0;
      for (const chunk of file.chunks) {
        const part = chunk.subarray(Math.max(0, first - position), Math.max(0, last + 1 - position));
        position += chunk.length;
        if (part.length > 0) yield part;
      }
    },

    pathOf: () => undefined,

    async remove(id) {
      files.delete(id);
      return true;
    },

    tidy: async () => undefined,

    close() {
      files.clear();
    },
  };
}
