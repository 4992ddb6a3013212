import { randomUUID } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';

/** The most bytes stored; the oldest files go first, so that a demo can run for days. */
const CAPACITY_BYTES = 512 * 1024 * 1024;
/** The most files stored, for the same reason. */
const CAPACITY_FILES = 1000;
/** Larger files are stored on disk: the sandbox may run in the bridge's process. */
const MEMORY_BYTES = 64 * 1024;

/**
 * Extensions by media type. Dify uses the host's table, which has no audio/wav: such a file becomes
 * `.bin`.
 */
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

/** The prefix of a file's canonical name. */
export const REFERENCE = 'dify-file-ref:';

const KINDS: Readonly<Record<string, readonly string[]>> = {
  image: 'jpg jpeg png webp gif svg'.split(' '),
  video: 'mp4 mov mpeg webm'.split(' '),
  audio: 'mp3 m4a wav amr mpga'.split(' '),
  document: 'txt markdown md mdx pdf html htm xlsx xls docx csv vtt properties'.split(' '),
};

/** The facts about a file besides its bytes. */
export interface FileFacts {
  readonly mimeType?: string | undefined;
  readonly filename?: string | undefined;
  /** Includes its dot; that of the media type when absent. */
  readonly extension?: string | undefined;
}

/** Bytes in memory, or a file on disk with its size. */
type Contents = Uint8Array | { readonly path: string; readonly size: number };

/** A file that the sandbox stores, like Dify's ToolFile. */
export class StoredFile {
  readonly id: string = randomUUID();
  readonly filename: string;
  /** Includes its dot. */
  readonly extension: string;
  readonly mimeType: string;
  /** In bytes. */
  readonly size: number;
  readonly #contents: Contents;

  constructor(contents: Contents, { mimeType, filename, extension }: FileFacts = {}) {
    this.mimeType = mimeType ?? 'application/octet-stream';
    this.extension = extension ?? EXTENSIONS[this.mimeType] ?? '.bin';
    this.filename = filename ?? `${this.id.replaceAll('-', '')}${this.extension}`;
    this.size = contents instanceof Uint8Array ? contents.length : contents.size;
    this.#contents = contents;
  }

  /** The whole content, for tools that work on small files. */
  get bytes(): Uint8Array {
    return this.#contents instanceof Uint8Array ? this.#contents : readFileSync(this.#contents.path);
  }

  /** Yields the bytes in chunks. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#contents instanceof Uint8Array) yield this.#contents;
    else yield* createReadStream(this.#contents.path) as AsyncIterable<Buffer>;
  }

  /** The unsigned, relative link that messages contain. */
  get path(): string {
    return `/files/tools/${this.id}${this.extension}`;
  }

  /** Dify's canonical name of the file, including the Base64 padding. */
  get reference(): string {
    return `${REFERENCE}${Buffer.from(JSON.stringify({ record_id: this.id })).toString('base64')}`;
  }

  /** Dify's type of the content: by the stored extension, then by the media type. */
  get kind(): string {
    const extension = this.extension.slice(1);
    for (const [kind, extensions] of Object.entries(KINDS)) if (extensions.includes(extension)) return kind;
    for (const kind of ['image', 'video', 'audio']) if (this.mimeType.includes(kind)) return kind;
    return this.mimeType.includes('text') || this.mimeType.includes('pdf') ? 'document' : 'custom';
  }
}

/** Files that tools produced or callers uploaded. */
export interface SandboxFiles {
  put(bytes: Uint8Array, facts?: FileFacts): StoredFile;
  /** Stores bytes as they arrive, so that a large file is never in memory as a whole. */
  receive(bytes: AsyncIterable<Uint8Array>, facts: FileFacts): Promise<StoredFile>;
  get(id: string): StoredFile | undefined;
  /** Returns an absolute link that works without a key for five minutes. */
  signedUrl(file: StoredFile): string;
  /** Removes all files on disk. */
  close(): void;
}

/**
 * Returns a store with small files in memory and others in a temporary folder below `parent`, up to a
 * number of bytes. `sign` returns the absolute signed link of a file. With `namesDecide`, a file takes
 * the extension of its name, if it has one.
 */
export function createSandboxFiles(
  sign: (file: StoredFile) => string,
  capacityBytes: number = CAPACITY_BYTES,
  parent: string = tmpdir(),
  namesDecide = false,
): SandboxFiles {
  const files = new Map<string, { readonly file: StoredFile; readonly path: string | undefined }>();
  let folder: string | undefined;
  let size = 0;

  function complete(facts: FileFacts = {}): FileFacts {
    const extension = namesDecide ? extname(facts.filename ?? '').toLowerCase() : '';
    return extension === '' ? facts : { ...facts, extension };
  }

  function newPath(): string {
    folder ??= mkdtempSync(join(parent, 'dify-sandbox-'));
    return join(folder, randomUUID());
  }

  function store(file: StoredFile, path?: string): StoredFile {
    files.set(file.id, { file, path });
    size += file.size;
    for (const [id, old] of files) {
      if ((size <= capacityBytes && files.size <= CAPACITY_FILES) || old.file === file) break;
      files.delete(id);
      size -= old.file.size;
      if (old.path !== undefined) rmSync(old.path, { force: true });
    }
    return file;
  }

  return {
    put(bytes, facts) {
      if (bytes.length <= MEMORY_BYTES) return store(new StoredFile(bytes, complete(facts)));
      const path = newPath();
      writeFileSync(path, bytes, { mode: 0o600 });
      return store(new StoredFile({ path, size: bytes.length }, complete(facts)), path);
    },
    async receive(bytes, facts) {
      const path = newPath();
      const handle = await open(path, 'wx', 0o600);
      let received = 0;
      try {
        for await (const chunk of bytes) {
          await handle.writeFile(chunk);
          received += chunk.length;
        }
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      } finally {
        await handle.close();
      }
      return store(new StoredFile({ path, size: received }, complete(facts)), path);
    },
    get: (id) => files.get(id)?.file,
    signedUrl: sign,
    close() {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
