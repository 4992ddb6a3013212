import { onAbort } from '../model/async.ts';
import type { BridgeError } from '../model/errors.ts';
import { refusedFor } from './call-errors.ts';

export interface SlotLimits {
  /** The most concurrent calls. */
  readonly maxConcurrent: number;
  /** The most calls that wait for a slot. */
  readonly maxQueued: number;
  /** The most concurrent calls of one principal, and how many of it may wait, as soon as several principals call. */
  readonly maxPerPrincipal: number;
  readonly maxQueuedPerPrincipal: number;
  /** The most concurrent calls of one provider. */
  readonly maxPerProvider: number;
  /** Whether several principals can call. Otherwise, a second one shows it by its first call. */
  readonly hasSeveral?: boolean | undefined;
}

/** What needs a slot. */
export interface SlotClaim {
  readonly principal: string;
  readonly view: string;
  /** The most concurrent calls of its view. */
  readonly maxPerView: number;
  readonly provider: string;
}

interface Waiter {
  readonly claim: SlotClaim;
  readonly grant: () => void;
}

/** The longest time for which a busy bridge asks callers to wait, in milliseconds. */
const LONGEST_WAIT_MS = 60_000;

/**
 * The slots of running calls. Principals take turns, so that one with many waiting calls delays the others by one call
 * at most, and none can hold all slots.
 */
export class FairSlots {
  readonly #limits: SlotLimits;
  /** Running calls by principal, view and provider. */
  readonly #principals = new Map<string, number>();
  readonly #views = new Map<string, number>();
  readonly #providers = new Map<string, number>();
  /** By principal, the one whose turn is next first. None is empty. */
  readonly #queues = new Map<string, Set<Waiter>>();
  #running = 0;
  #waiting = 0;
  #hasSeveral: boolean;
  #firstPrincipal: string | undefined;
  /** The mean time that calls hold a slot, in milliseconds. Recent calls count more. */
  #meanMs = 1000;

  constructor(limits: SlotLimits) {
    this.#limits = limits;
    this.#hasSeveral = limits.hasSeveral === true;
  }

  /** Slots in use. */
  get running(): number {
    return this.#running;
  }

  /**
   * Resolves with the function that releases the slot; call it once. Rejects with `busy` if too many calls are waiting,
   * and with the signal's reason if the signal is aborted first.
   */
  async acquire(claim: SlotClaim, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    this.#firstPrincipal ??= claim.principal;
    this.#hasSeveral ||= claim.principal !== this.#firstPrincipal;
    // The calls that wait do not fit, so a call that fits overtakes none of them.
    if (this.#fits(claim)) return this.#take(claim);
    const queue = this.#queues.get(claim.principal) ?? new Set();
    this.#checkQueue(queue);
    return new Promise<() => void>((resolve, reject) => {
      const grant = (): void => {
        stop();
        resolve(this.#take(claim));
      };
      const waiter = { claim, grant };
      const stop = onAbort(signal, () => {
        this.#remove(waiter, queue);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's own
        reject(signal.reason);
      });
      this.#queues.set(claim.principal, queue.add(waiter));
      this.#waiting += 1;
    });
  }

  #fits({ principal, view, maxPerView, provider }: SlotClaim): boolean {
    return (
      this.#running < this.#limits.maxConcurrent &&
      this.#mayRun(principal) &&
      (this.#views.get(view) ?? 0) < maxPerView &&
      (this.#providers.get(provider) ?? 0) < this.#limits.maxPerProvider
    );
  }

  #mayRun(principal: string): boolean {
    return !this.#hasSeveral || (this.#principals.get(principal) ?? 0) < this.#limits.maxPerPrincipal;
  }

  #count({ principal, view, provider }: SlotClaim, change: 1 | -1): void {
    this.#running += change;
    add(this.#principals, principal, change);
    add(this.#views, view, change);
    add(this.#providers, provider, change);
  }

  #take(claim: SlotClaim): () => void {
    this.#count(claim, 1);
    const since = performance.now();
    return () => {
      this.#count(claim, -1);
      this.#meanMs += (performance.now() - since - this.#meanMs) / 8;
      for (let next = this.#next(); next !== undefined; next = this.#next()) next.grant();
    };
  }

  /** Returns the waiting call that runs next, and removes it from its queue; undefined if none can run. */
  #next(): Waiter | undefined {
    for (const [principal, queue] of this.#queues) {
      if (this.#running >= this.#limits.maxConcurrent) return undefined;
      if (!this.#mayRun(principal)) continue;
      for (const waiter of queue) {
        if (!this.#fits(waiter.claim)) continue;
        this.#remove(waiter, queue);
        // Its principal has had its turn.
        if (this.#queues.delete(principal)) this.#queues.set(principal, queue);
        return waiter;
      }
    }
    return undefined;
  }

  #remove(waiter: Waiter, queue: Set<Waiter>): void {
    if (!queue.delete(waiter)) return;
    this.#waiting -= 1;
    if (queue.size === 0) this.#queues.delete(waiter.claim.principal);
  }

  #checkQueue(queue: ReadonlySet<Waiter>): void {
    const { maxConcurrent, maxQueued, maxQueuedPerPrincipal } = this.#limits;
    if (this.#waiting >= maxQueued) {
      const running = `${this.#running} calls are running (limit ${maxConcurrent})`;
      throw this.#busy(`${running} and ${this.#waiting} are waiting (limit ${maxQueued}).`);
    }
    if (this.#hasSeveral && queue.size >= maxQueuedPerPrincipal) {
      throw this.#busy(`${queue.size} calls of this client are waiting (limit ${maxQueuedPerPrincipal}).`);
    }
  }

  #busy(counts: string): BridgeError {
    const waitMs = (this.#meanMs * (this.#waiting + 1)) / this.#limits.maxConcurrent;
    return refusedFor(Math.min(LONGEST_WAIT_MS, waitMs), 'busy', `The bridge is busy: ${counts}`);
  }
}

function add(counts: Map<string, number>, name: string, change: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}
