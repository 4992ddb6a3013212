import { getHeapStatistics } from 'node:v8';
import { onAbort } from './async.ts';
import { BridgeError } from './errors.ts';
import { formatSize } from './format-size.ts';

/** The part of the heap that answers may use. The rest is for the tools, and for what the garbage collector has left. */
const HEAP_PART = 0.4;
/** Beyond this, the garbage collector lets the process grow to a multiple of what is in use. */
const MAX_DEFAULT_BYTES = 256 * 1024 ** 2;

const MAY_HAVE_RUN = 'The tool may have run to its end in Dify: check before calling it again.';

export function defaultMemoryBytes(): number {
  return Math.min(Math.floor(getHeapStatistics().heap_size_limit * HEAP_PART), MAX_DEFAULT_BYTES);
}

/** The memory that one call has reserved for its answer. */
export interface MemoryLease {
  /**
   * Reserves memory, and waits for it if other calls have it. Rejects with `frame_too_large` if the call alone needs
   * more than there is, with `busy` if no other call would release any, and with the signal's reason.
   */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Reserves memory if enough is free; returns whether it did. */
  tryTake(bytes: number): boolean;
  /** Returns a part of the memory. */
  release(bytes: number): void;
  /** Returns all memory. From then on, the lease reserves none: what is left of the call is about to end. */
  end(): void;
}

/** The lease of callers without a budget. */
export const UNLIMITED: MemoryLease = {
  take: () => Promise.resolve(),
  tryTake: () => true,
  release: () => undefined,
  end: () => undefined,
};

/** Counts answers that wait for their clients to read them. */
export interface OutgoingMemory {
  /** Counts memory that is in use, even beyond the limit, so that calls wait. Returns the function that ends this. */
  hold(bytes: number): () => void;
}

/** For hosts without a budget. */
export const UNCOUNTED: OutgoingMemory = { hold: () => () => undefined };

interface Holder {
  held: number;
  isWaiting: boolean;
  hasEnded: boolean;
}

interface Waiter {
  readonly holder: Holder;
  /** Ends the wait if there is enough memory now. */
  readonly grant: () => void;
}

/** Limits the memory of the answers of all calls together, in bytes. */
export class MemoryBudget implements OutgoingMemory {
  readonly #total: number;
  readonly #holders = new Set<Holder>();
  readonly #waiting = new Set<Waiter>();
  #used = 0;
  /** The part of `#used` that clients have yet to read. */
  #outgoing = 0;

  constructor(totalBytes: number) {
    this.#total = totalBytes;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  lease(): MemoryLease {
    const holder: Holder = { held: 0, isWaiting: false, hasEnded: false };
    return {
      tryTake: (bytes) => this.#tryTake(holder, bytes),
      take: async (bytes, signal) => {
        if (!this.#tryTake(holder, bytes)) await this.#wait(holder, bytes, signal);
      },
      release: (bytes) => this.#release(holder, bytes),
      end: () => {
        holder.hasEnded = true;
        this.#release(holder, holder.held);
      },
    };
  }

  hold(bytes: number): () => void {
    this.#used += bytes;
    this.#outgoing += bytes;
    return () => {
      this.#used -= bytes;
      this.#outgoing -= bytes;
      this.#grantWaiting();
    };
  }

  #release(holder: Holder, bytes: number): void {
    this.#used -= bytes;
    holder.held -= bytes;
    if (holder.held === 0) this.#holders.delete(holder);
    this.#grantWaiting();
  }

  #tryTake(holder: Holder, bytes: number): boolean {
    if (holder.hasEnded) return true;
    if (this.#used + bytes > this.#limitOf(holder)) return false;
    this.#used += bytes;
    holder.held += bytes;
    this.#holders.add(holder);
    return true;
  }

  /** Three quarters are for the call that has held memory the longest, so that calls end one after the other. */
  #limitOf(holder: Holder): number {
    const [first = holder] = this.#holders;
    return first === holder ? this.#total : this.#total / 4;
  }

  #wait(holder: Holder, bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (holder.held + bytes > this.#total) throw this.#tooLarge(holder.held + bytes);
    const others = [...this.#holders].filter((other) => other !== holder);
    if (this.#outgoing === 0 && others.every(({ isWaiting }) => isWaiting)) throw this.#busy();
    return new Promise<void>((resolve, reject) => {
      const end = (): void => {
        stop();
        holder.isWaiting = false;
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter = {
        holder,
        grant: () => {
          if (!this.#tryTake(holder, bytes)) return;
          end();
          resolve();
        },
      };
      holder.isWaiting = true;
      this.#waiting.add(waiter);
      const stop = onAbort(signal, () => {
        end();
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's own
        reject(signal.reason);
        this.#grantWaiting();
      });
    });
  }

  /** Serves the calls that have memory before those that have none, because they will release it. */
  #grantWaiting(): void {
    const waiting = [...this.#waiting];
    for (const { grant } of waiting.filter(({ holder }) => holder.held > 0)) grant();
    for (const { grant } of waiting.filter(({ holder }) => holder.held === 0)) grant();
  }

  #tooLarge(bytes: number): BridgeError {
    const message = `The tool's answer needs about ${formatSize(bytes)} of memory, and the bridge has ${formatSize(this.#total)} for all answers.`;
    return new BridgeError('frame_too_large', message, {
      hint: `${MAY_HAVE_RUN} Ask the tool for less. The operator of the bridge can raise calls.maxMemoryBytes.`,
    });
  }

  #busy(): BridgeError {
    const message = `Other answers use the ${formatSize(this.#total)} of memory that the bridge has for answers.`;
    return new BridgeError('busy', message, {
      hint: `${MAY_HAVE_RUN} Call again when other calls have finished. The operator of the bridge can raise calls.maxMemoryBytes.`,
    });
  }
}
