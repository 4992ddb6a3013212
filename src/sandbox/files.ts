import { randomUUID } from 'node:crypto';

/** Bytes kept at most; the oldest files go first, as a demo that runs for days must not grow. */
const CAPACITY_BYTES = 128 * 1024 * 1024;

/** Extensions by media type. Dify asks the host's table, which has no audio/wav: such a file becomes `.bin`. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/json': '.json',
  'application/pdf': '.pdf',
  'application/zip': '.zip',
  'audio/mpeg': '.mp3',
  'image/gif': '.gif',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/svg+xml': '.svg',
  'image/webp': '.webp',
  'text/csv': '.csv',
  'text/html': '.html',
  'text/markdown': '.md',
  'text/plain': '.txt',
  'video/mp4': '.mp4',
};

const KINDS: Readonly<Record<string, readonly string[]>> = {
  image: 'jpg jpeg png webp gif svg'.split(' '),
  video: 'mp4 mov mpeg webm'.split(' '),
  audio: 'mp3 m4a wav amr mpga'.split(' '),
  document: 'txt markdown md mdx pdf html htm xlsx xls docx csv vtt properties'.split(' '),
};

/** A file that the sandbox keeps, as Dify's ToolFile. */
export class StoredFile {
  readonly id: string = randomUUID();
  readonly filename: string;
  /** With its dot. */
  readonly extension: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;

  constructor(file: { bytes: Uint8Array; mimeType?: string | undefined; filename?: string | undefined }) {
    this.mimeType = file.mimeType ?? 'application/octet-stream';
    this.extension = EXTENSIONS[this.mimeType] ?? '.bin';
    this.filename = file.filename ?? `${this.id.replaceAll('-', '')}${this.extension}`;
    this.bytes = file.bytes;
  }

  /** The unsigned, relative link that stands in messages. */
  get path(): string {
    return `/files/tools/${this.id}${this.extension}`;
  }

  /** Dify's name for what the file holds: by the extension of its name, then by its media type. */
  get kind(): string {
    const dot = this.filename.lastIndexOf('.');
    const extension = dot < 0 ? '' : this.filename.slice(dot + 1).toLowerCase();
    for (const [kind, extensions] of Object.entries(KINDS)) if (extensions.includes(extension)) return kind;
    for (const kind of ['image', 'video', 'audio']) if (this.mimeType.includes(kind)) return kind;
    return this.mimeType.includes('text') || this.mimeType.includes('pdf') ? 'document' : 'custom';
  }
}

/** Files that tools produced or callers uploaded. */
export interface FileStore {
  put(file: { bytes: Uint8Array; mimeType?: string | undefined; filename?: string | undefined }): StoredFile;
  get(id: string): StoredFile | undefined;
  /** An absolute link that works without a key for five minutes. */
  signedUrl(file: StoredFile): string;
}

/** Keeps files in memory, up to a number of bytes. `sign` answers the absolute signed link of a file. */
export function createFileStore(
  sign: (file: StoredFile) => string,
  capacityBytes: number = CAPACITY_BYTES,
): FileStore {
  const files = new Map<string, StoredFile>();
  let size = 0;
  return {
    put(contents) {
      const file = new StoredFile(contents);
      files.set(file.id, file);
      size += file.bytes.length;
      for (const old of files.values()) {
        if (size <= capacityBytes || old === file) break;
        files.delete(old.id);
        size -= old.bytes.length;
      }
      return file;
    },
    get: (id) => files.get(id),
    signedUrl: sign,
  };
}
