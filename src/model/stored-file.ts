/** A file that the bridge stores for a principal until it expires. */
export interface StoredFile {
  /** The URI for resources/read, and for the `resource` of a later call. Unguessable. */
  readonly uri: string;
  /** The file name, without a path and without control characters. */
  readonly name: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface NewFile {
  readonly name: string;
  readonly mimeType: string;
  readonly principal: string;
}

/** A part of a file: the first and the last byte, counted from 0, both inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** A file that was found by its download key. */
export interface DownloadableFile {
  readonly file: StoredFile;
  /** See `FileRecord.owner`. */
  readonly owner: string;
  /** Returns the bytes, or a range of them. Rejects with `file_not_found` if the file has since been removed. */
  read(range?: ByteRange): AsyncIterable<Uint8Array>;
}

export interface FileAccess {
  /** The URI for resources/read, and for the `resource` of a later call. */
  readonly uri: string;
  /** The download address, a secret of the principal. Present if the bridge serves HTTP and knows its own address. */
  readonly url?: string | undefined;
  /** The path on this machine. Only for `LOCAL_PRINCIPAL`, and only if the store is a directory. */
  readonly path?: string | undefined;
}

/** Resolves with the ways in which a principal can reach one of its files. Never rejects. */
export type FileAccessOf = (file: StoredFile, principal: string) => Promise<FileAccess>;

/** Stores files up to a total size, then evicts the least recently used. Other principals' files are not found. */
export interface FileStore {
  /** Never leaves a partial file. Rejects with `file_too_large`, and with errors of source and disk. */
  put(content: AsyncIterable<Uint8Array>, about: NewFile): Promise<StoredFile>;
  /** Resolves with the file and marks it as used now; undefined if it is not found. */
  find(uri: string, principal: string): Promise<StoredFile | undefined>;
  /** Returns the bytes of a file. Rejects with `file_not_found`. */
  read(uri: string, principal: string): AsyncIterable<Uint8Array>;
  /** Resolves with the principal's files that have not expired, the newest first. */
  list(principal: string): Promise<readonly StoredFile[]>;
  /** Resolves with the path of a file on this machine; undefined if the store is not a directory. */
  pathOf(uri: string, principal: string): Promise<string | undefined>;
  /** Resolves with an unguessable key with which anyone can download the file until it expires. */
  downloadKey(uri: string, principal: string): Promise<string | undefined>;
  /** Resolves with the file of a download key; undefined if it is not found. */
  findByDownloadKey(key: string): Promise<DownloadableFile | undefined>;
  /** Stops the housekeeping. A store in memory loses its files. */
  close(): Promise<void>;
}
