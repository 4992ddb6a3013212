import type { Logger } from '../model/logger.ts';
import type { FileReference } from '../model/message.ts';
import type { FetchedFile, FileFetcher } from '../model/ports.ts';
import type { ResultFile } from './file-blocks.ts';
import type { FileLinks } from './json-values.ts';

/** Files fetched at a time for one call. */
const CONCURRENCY = 4;
/** Files fetched for one result: with the limit per file this bounds the memory of a call. */
const MAX_FILES = 20;

/** Dify's links to stored files: `/files/tools/<uuid>.<ext>` and `/files/<uuid>/file-preview`. */
const STORED_FILE = /\/files\/(?:tools\/)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/i;

/** A file of a result, once per file however often the tool names it. */
export interface FileSlot {
  /** What fetching gave; call only after `settle`. */
  result(): ResultFile;
}

/** The files of one call: fetched from the moment they are named, since links live for 300 s. */
export interface Downloads {
  /** Starts fetching. Undefined when the same file was added before. */
  add(file: FileReference): FileSlot | undefined;
  /** Waits for all; those that are unavailable are tried once more with the signed link in `links`. */
  settle(links: FileLinks): Promise<void>;
  /** Gives up what is not there yet. */
  abandon(): void;
}

export interface DownloadOptions {
  readonly fetcher: FileFetcher;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

interface Entry {
  readonly file: FileReference;
  readonly id: string | undefined;
  readonly number: number;
  fetched: FetchedFile;
}

/** Fetches several files at a time, never more than four, and never rejects. */
export function createDownloads({ fetcher, maxBytes, signal, logger }: DownloadOptions): Downloads {
  const entries: Entry[] = [];
  const known = new Set<string>();
  const queue: Entry[] = [];
  const workers: Promise<void>[] = [];
  let active = 0;
  const stop = new AbortController();

  async function fetchOne(file: FileReference): Promise<FetchedFile> {
    // Zero and negative sizes come from tools that do not know them.
    if (file.size !== undefined && file.size > maxBytes) return { kind: 'too-large', size: file.size };
    try {
      const fetched = await untilAborted(fetcher.fetch(file, maxBytes, stop.signal), stop.signal);
      if (fetched.kind !== 'bytes' || fetched.bytes.length <= maxBytes) return fetched;
      const { bytes, mimeType } = fetched;
      return { kind: 'too-large', size: bytes.length, ...(mimeType === undefined ? {} : { mimeType }) };
    } catch (error) {
      if (stop.signal.aborted)
        return { kind: 'unavailable', reason: 'The call ended before it was fetched.' };
      logger.warn('File could not be fetched', { error: error instanceof Error ? error.name : typeof error });
      return { kind: 'unavailable', reason: 'Fetching it failed unexpectedly.' };
    }
  }

  async function work(): Promise<void> {
    active += 1;
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
      entry.fetched = await fetchOne(entry.file);
    }
    active -= 1;
  }

  async function retry(entry: Entry, url: string): Promise<void> {
    const again = await fetchOne({ ...entry.file, url });
    // Anything but a plain success or size says no more than the first answer, and an external
    // address would be shown with its signature.
    if (again.kind === 'bytes' || again.kind === 'too-large') entry.fetched = again;
  }

  const onAbort = (): void => stop.abort();
  if (signal.aborted) stop.abort();
  else signal.addEventListener('abort', onAbort, { once: true });

  return {
    add(file) {
      const id = file.id ?? STORED_FILE.exec(file.url ?? '')?.[1]?.toLowerCase();
      const key = id ?? file.url;
      if (key !== undefined) {
        if (known.has(key)) return undefined;
        known.add(key);
      }
      const number = entries.length + 1;
      const reason = `A result carries at most ${MAX_FILES} files.`;
      const entry: Entry = { file, id, number, fetched: { kind: 'unavailable', reason } };
      entries.push(entry);
      if (number <= MAX_FILES) {
        queue.push(entry);
        if (active < CONCURRENCY) workers.push(work());
      }
      return { result: () => ({ file, id: id ?? String(number), fetched: entry.fetched }) };
    },
    async settle(links) {
      await Promise.all(workers);
      for (const entry of entries.slice(0, MAX_FILES)) {
        const url = entry.id === undefined ? undefined : links.get(entry.id);
        if (entry.fetched.kind === 'unavailable' && url !== undefined && !stop.signal.aborted)
          await retry(entry, url);
      }
      signal.removeEventListener('abort', onAbort);
    },
    abandon: onAbort,
  };
}

/** The promise, or a rejection as soon as the signal is aborted: a fetcher that ignores it cannot hang a call. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new Error('aborted'));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
