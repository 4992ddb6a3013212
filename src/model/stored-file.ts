/** A file that the bridge stores for a principal until it expires. */
export interface StoredFile {
  /** What resources/read takes and a later call may name as its `resource`. Unguessable. */
  readonly uri: string;
  /** File name as a person knows it: no path, no control characters. */
  readonly name: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** What is said of a file when it is stored. */
export interface NewFile {
  readonly name: string;
  readonly mimeType: string;
  readonly principal: string;
}

/** A part of a file: the first and the last byte, counted from 0, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** A file that a download key opens. */
export interface DownloadableFile {
  readonly file: StoredFile;
  /** Its bytes, or a part of them; rejects with `file_not_found` where it is gone meanwhile. */
  read(range?: ByteRange): AsyncIterable<Uint8Array>;
}

/** The ways in which a principal reaches a stored file. */
export interface FileAccess {
  /** For resources/read, and for a later call as its `resource`. */
  readonly uri: string;
  /** Download address: a secret of the principal. Where the bridge serves HTTP and knows its address. */
  readonly url?: string;
  /** On this machine; for `LOCAL_PRINCIPAL` alone, where the store is a directory. */
  readonly path?: string;
}

/** Tells how a principal comes to a file of theirs. Never rejects. */
export type FileAccessOf = (file: StoredFile, principal: string) => Promise<FileAccess>;

/**
 * Stores files up to a total size: the least recently used ones go first. A file of another principal, one that
 * has expired and one that never was are all the same: not there.
 */
export interface FileStore {
  /**
   * Takes the bytes as they come, never all at once where the store is a directory. Rejects with `file_too_large`
   * where the file does not fit into the store, with what the source throws, and with what the disk says; nothing is
   * left of it then.
   */
  put(content: AsyncIterable<Uint8Array>, about: NewFile): Promise<StoredFile>;
  /** The file, which counts as used now. */
  find(uri: string, principal: string): Promise<StoredFile | undefined>;
  /** Its bytes; rejects with `file_not_found`. */
  read(uri: string, principal: string): AsyncIterable<Uint8Array>;
  /** The principal's files that have not expired, the newest first. */
  list(principal: string): Promise<readonly StoredFile[]>;
  /** Where the file lies on this machine; undefined in a store without a directory. */
  pathOf(uri: string, principal: string): Promise<string | undefined>;
  /** An unguessable key under which it may be downloaded without further credentials until it expires. */
  downloadKey(uri: string, principal: string): Promise<string | undefined>;
  /** The file that belongs to a download key. */
  findByDownloadKey(key: string): Promise<DownloadableFile | undefined>;
  /** Ends the housekeeping; a store in memory forgets its files. */
  close(): Promise<void>;
}
