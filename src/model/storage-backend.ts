import type { ByteRange } from './stored-file.ts';

export interface FileRecord {
  readonly id: string;
  readonly name: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970, like all times in this file. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** SHA-256 of the principal, after `key:` if that is an API key, so that the store does not contain the names of owners. */
  readonly owner: string;
  /** The part of the download key that is not in the resource's URI. */
  readonly secret: string;
}

export interface StoredRecord {
  readonly record: FileRecord;
  readonly usedAt: number;
}

/** A file whose bytes are still arriving. It is not visible to readers. */
export interface Draft {
  write(chunk: Uint8Array): Promise<void>;
  /** Turns the draft into a stored file atomically. */
  commit(record: FileRecord): Promise<void>;
  discard(): Promise<void>;
}

/** Stores files and their metadata. The file store decides who can see them, and for how long. */
export interface StorageBackend {
  begin(id: string): Promise<Draft>;
  get(id: string): Promise<FileRecord | undefined>;
  /** Resolves with all files, in no particular order. */
  all(): Promise<readonly StoredRecord[]>;
  /** Resolves with the last time that any process used the file; undefined if it was removed. */
  usedAt(id: string): Promise<number | undefined>;
  /** Marks the file as used now. Resolves with false if it was removed. */
  touch(id: string, now: number): Promise<boolean>;
  /** Returns the bytes, even if any process removes the file meanwhile. Rejects with `file_not_found`. */
  read(record: FileRecord, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Returns the path of a file; undefined if it is not on this machine's disk. */
  pathOf(record: FileRecord): string | undefined;
  /** Removes a file. Resolves with false if the system refuses, as Windows does while the file is being read. */
  remove(id: string): Promise<boolean>;
  /** Removes leftovers of processes that ended early. */
  tidy(now: number): Promise<void>;
  close(): void;
}
