import { abortable, onAbort } from '../model/async.ts';
import type { ResultLimits } from '../model/content.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { FileReference } from '../model/message.ts';
import type { FileOpener } from '../model/ports.ts';
import { type Delivery, deliver } from './delivery.ts';
import { createInlineBudget, type Turn } from './inline-budget.ts';
import { fileName } from './file-names.ts';
import type { FileLinks } from './json-values.ts';
import type { Keeper } from './keeper.ts';

/** Files fetched at a time for one call. */
const CONCURRENCY = 4;
/** Files fetched for one result: with the limit per file this bounds what a call takes of the store. */
export const MAX_FILES = 20;

/** Dify's links to stored files: `/files/tools/<uuid>.<ext>` and `/files/<uuid>/file-preview`. */
const STORED_FILE = /\/files\/(?:tools\/)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/i;

/** A file of a result. */
export interface ResultFile {
  readonly file: FileReference;
  readonly delivery: Delivery;
}

/** A file of a result, once per file however often the tool names it. */
export interface FileSlot {
  /** What fetching gave; call only after `settle`. */
  result(): ResultFile;
}

/** The files of one call: fetched from the moment they are named, since links live for 300 s. */
export interface Downloads {
  /** Starts fetching. Undefined when the same file was added before, and for those beyond `MAX_FILES`. */
  add(file: FileReference): FileSlot | undefined;
  /** Names of the files beyond `MAX_FILES`. */
  readonly passedOver: readonly string[];
  /** Waits for all; those that are unavailable are tried once more with the signed link in `links`. */
  settle(links: FileLinks): Promise<void>;
  /** Gives up what is not there yet. */
  abandon(): void;
}

export interface DownloadOptions {
  readonly opener: FileOpener;
  /** Is given a signal that ends with the call, and when the call is abandoned. */
  readonly keeperFor: (signal: AbortSignal) => Keeper;
  readonly limits: ResultLimits;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

interface Entry {
  readonly file: FileReference;
  readonly id: string | undefined;
  readonly turn: Turn;
  delivery: Delivery;
}

/** Fetches several files at a time, never more than four, and never rejects. */
export function createDownloads(options: DownloadOptions): Downloads {
  const { opener, keeperFor, limits, signal, logger } = options;
  const entries: Entry[] = [];
  const passedOver: string[] = [];
  const known = new Set<string>();
  const queue: Entry[] = [];
  const workers: Promise<void>[] = [];
  let active = 0;
  const stop = new AbortController();
  const budget = createInlineBudget(limits);
  const means = { opener, keeper: keeperFor(stop.signal), limits };

  async function bring(file: FileReference, turn: Turn): Promise<Delivery> {
    try {
      // An opener that ignores the signal cannot hang the call.
      return await abortable(deliver(file, turn, means, stop.signal), stop.signal);
    } catch (error) {
      if (stop.signal.aborted)
        return { kind: 'unavailable', reason: 'The call ended before it was fetched: open it in Dify.' };
      if (error instanceof BridgeError) return { kind: 'unavailable', reason: error.message };
      logger.warn('File could not be fetched', { error: error instanceof Error ? error.name : typeof error });
      return { kind: 'unavailable', reason: 'Fetching it failed unexpectedly.' };
    } finally {
      turn.pass();
    }
  }

  async function work(): Promise<void> {
    active += 1;
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
      entry.delivery = await bring(entry.file, entry.turn);
    }
    active -= 1;
  }

  async function retry(entry: Entry, url: string): Promise<void> {
    const again = await bring({ ...entry.file, url }, budget.turn());
    // A second failure says no more than the first, and an external address would be shown with its signature.
    if (again.kind !== 'unavailable' && again.kind !== 'external') entry.delivery = again;
  }

  const unlink = onAbort(signal, () => stop.abort());

  return {
    passedOver,
    add(file) {
      const id = file.id ?? idInLink(file.url ?? '');
      const key = id ?? file.url;
      if (key !== undefined) {
        if (known.has(key)) return undefined;
        known.add(key);
      }
      if (entries.length === MAX_FILES) {
        passedOver.push(fileName(file));
        return undefined;
      }
      const delivery: Delivery = { kind: 'unavailable', reason: 'It has not been fetched.' };
      const entry: Entry = { file, id, turn: budget.turn(), delivery };
      entries.push(entry);
      queue.push(entry);
      if (active < CONCURRENCY) workers.push(work());
      return { result: () => ({ file, delivery: entry.delivery }) };
    },
    async settle(links) {
      await Promise.all(workers);
      for (const entry of entries) {
        const url = entry.id === undefined ? undefined : links.get(entry.id);
        if (entry.delivery.kind === 'unavailable' && url !== undefined && !stop.signal.aborted)
          await retry(entry, url);
      }
      unlink();
    },
    abandon: () => stop.abort(),
  };
}

/** Dify's id of the file that an address leads to. */
function idInLink(url: string): string | undefined {
  return STORED_FILE.exec(url)?.[1]?.toLowerCase();
}
