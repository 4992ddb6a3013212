import type { ByteRange } from './stored-file.ts';

/** All that is known of a stored file. */
export interface FileRecord {
  readonly id: string;
  readonly name: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** SHA-256 of the principal: the store does not know the owners of its files. */
  readonly owner: string;
  /** The part of the download key that the address of the resource does not show. */
  readonly secret: string;
}

/** A stored file and when it was used last, as far as is known without looking again. */
export interface StoredRecord {
  readonly record: FileRecord;
  readonly usedAt: number;
}

/** A file whose bytes still arrive: nobody else sees it. */
export interface Draft {
  write(chunk: Uint8Array): Promise<void>;
  /** Makes it a stored file, at once and as a whole. */
  commit(record: FileRecord): Promise<void>;
  /** Leaves nothing of it. */
  discard(): Promise<void>;
}

/** Where files lie: the rules of who sees them, and for how long, are those of the store. */
export interface StorageBackend {
  begin(id: string): Promise<Draft>;
  get(id: string): Promise<FileRecord | undefined>;
  /** All files, in no order. */
  all(): Promise<readonly StoredRecord[]>;
  /** When it was used last, by any process; undefined where it is gone. */
  usedAt(id: string): Promise<number | undefined>;
  /** Marks it as used now. False where it is gone. */
  touch(id: string, now: number): Promise<boolean>;
  /**
   * Its bytes. What is being read stays readable when the file is removed, also by another process. Rejects with
   * `file_not_found`.
   */
  read(record: FileRecord, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Undefined where it does not lie on this machine's disk. */
  pathOf(record: FileRecord): string | undefined;
  /** Removes it. False where the system does not let go of it yet (Windows, while somebody reads it). */
  remove(id: string): Promise<boolean>;
  /** Removes what processes that ended early have left behind. */
  tidy(now: number): Promise<void>;
  close(): void;
}
