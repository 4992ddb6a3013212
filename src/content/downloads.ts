import { setMaxListeners } from 'node:events';
import { abortable, onAbort } from '../model/async.ts';
import type { ResultLimits } from '../model/content.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { FileReference } from '../model/message.ts';
import type { FileOpener } from '../model/ports.ts';
import { Semaphore } from '../model/semaphore.ts';
import { type Delivery, deliver } from './delivery.ts';
import { fileName } from './file-name.ts';
import { createInlineBudget, type Turn } from './inline-budget.ts';
import type { ResultStore } from './result-store.ts';

const CONCURRENCY = 4;
/** The most files of one result. With the limit per file, this limits how much of the store a call uses. */
export const MAX_FILES = 20;

/** Dify's links to stored files: `/files/tools/<uuid>.<ext>` and `/files/<uuid>/file-preview`. */
const STORED_FILE = /\/files\/(?:tools\/)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/i;

/** A file of a result. A file that the tool names several times is one ResultFile. */
export interface ResultFile {
  readonly file: FileReference;
  /** The outcome so far; final after `settle`. */
  readonly delivery: Delivery;
}

export interface DownloadOptions {
  readonly opener: FileOpener;
  /** Returns a store. The signal is aborted when the call ends or is abandoned. */
  readonly storeFor: (signal: AbortSignal) => ResultStore;
  readonly limits: ResultLimits;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

interface Entry {
  readonly file: FileReference;
  readonly id: string | undefined;
  delivery: Delivery;
}

/** What fetching files needs. */
interface Fetching {
  readonly stop: AbortController;
  readonly store: ResultStore;
  readonly slots: Semaphore;
  readonly nextTurn: () => Turn;
  readonly unlink: () => void;
}

/** Fetches the files of one call as soon as a message names them, because links expire after 300 s. Never rejects. */
export class Downloads {
  /** Names of the files beyond `MAX_FILES`. */
  readonly passedOver: string[] = [];
  readonly #options: DownloadOptions;
  readonly #entries: Entry[] = [];
  /** The files by ID or address; undefined for those beyond `MAX_FILES`. */
  readonly #known = new Map<string, Entry | undefined>();
  readonly #pending: Promise<void>[] = [];
  /** Undefined until a file is fetched, because most results have none. */
  #fetching: Fetching | undefined;
  #isAbandoned = false;

  constructor(options: DownloadOptions) {
    this.#options = options;
  }

  /** Starts fetching. Returns undefined if the same file was added before, or if there are `MAX_FILES` already. */
  add(file: FileReference): ResultFile | undefined {
    const { id, key } = identify(file);
    if (key !== undefined && this.#known.has(key)) {
      const known = this.#known.get(key)?.file;
      // A message can open a file that the link in a text cannot.
      if (known?.isLink !== true || file.isLink === true) return undefined;
    }
    if (this.#entries.length === MAX_FILES) {
      if (key !== undefined) this.#known.set(key, undefined);
      if (file.isLink !== true) this.passedOver.push(fileName(file));
      return undefined;
    }
    const entry: Entry = {
      file,
      id,
      delivery: { kind: 'unavailable', reason: 'The download has not finished.' },
    };
    this.#entries.push(entry);
    if (key !== undefined) this.#known.set(key, entry);
    const fetched = this.#fetch(file).then((delivery) => void (entry.delivery = delivery));
    this.#pending.push(fetched);
    return entry;
  }

  /** Returns the file that was added last under the same ID or address. */
  find(file: FileReference): ResultFile | undefined {
    return this.#known.get(identify(file).key ?? '');
  }

  isSignedLink(text: string): boolean {
    return this.#options.opener.isSignedLink(text);
  }

  /** Waits for all files. Retries unavailable ones once with the signed link in `links`. */
  async settle(links: ReadonlyMap<string, string>): Promise<void> {
    await Promise.all(this.#pending);
    for (const entry of this.#entries) {
      const url = entry.id === undefined ? undefined : links.get(entry.id);
      if (entry.delivery.kind !== 'unavailable' || url === undefined || this.#isAbandoned) continue;
      const second = await this.#fetch({ ...entry.file, url });
      // A second failure says no more than the first, and an external address would reveal its signature.
      if (second.kind !== 'unavailable' && second.kind !== 'external') entry.delivery = second;
    }
    this.#fetching?.unlink();
  }

  /** Stops the downloads that have not finished. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#fetching?.stop.abort();
  }

  #begin(): Fetching {
    const { storeFor, limits, signal } = this.#options;
    const stop = new AbortController();
    // Each file adds a listener, which Node would report as a leak.
    setMaxListeners(0, stop.signal);
    if (this.#isAbandoned) stop.abort();
    return {
      stop,
      store: storeFor(stop.signal),
      slots: new Semaphore(CONCURRENCY),
      nextTurn: createInlineBudget(limits),
      unlink: onAbort(signal, () => {
        this.#isAbandoned = true;
        stop.abort();
      }),
    };
  }

  async #fetch(file: FileReference): Promise<Delivery> {
    const { opener, limits, logger } = this.#options;
    this.#fetching ??= this.#begin();
    const { stop, store, slots, nextTurn } = this.#fetching;
    const { signal } = stop;
    const turn = nextTurn();
    let release: (() => void) | undefined;
    try {
      release = await slots.acquire(signal);
      // `abortable` keeps an opener that ignores the signal from blocking the call.
      return await abortable(deliver(file, turn, { opener, store, limits }, signal), signal);
    } catch (error) {
      if (signal.aborted)
        return { kind: 'unavailable', reason: 'The call ended first: open the file in Dify.' };
      if (error instanceof BridgeError) return { kind: 'unavailable', reason: error.message };
      logger.warn('File could not be fetched', { error: error instanceof Error ? error.name : typeof error });
      return { kind: 'unavailable', reason: 'The download failed unexpectedly.' };
    } finally {
      turn.pass();
      release?.();
    }
  }
}

/** Returns Dify's ID of a file, if the reference shows it, and what distinguishes the file from others. */
export function identify({ id, url }: FileReference): {
  readonly id?: string | undefined;
  readonly key?: string | undefined;
} {
  const own = id ?? STORED_FILE.exec(url ?? '')?.[1]?.toLowerCase();
  return { id: own, key: own ?? url };
}
