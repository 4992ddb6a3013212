import { hash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import type { BridgeError } from '../model/errors.ts';
import type { RateStore } from '../model/ports.ts';
import { refusedFor } from './call-errors.ts';

const WINDOW_S = 60;
/**
 * This part of a limit is taken from the counter at once, because asking for every call would take time: of a replica
 * that asks Redis, a tenth of its CPU time.
 */
const SHARE = 1 / 200;
/** Names whose taken calls are remembered before those of earlier minutes are forgotten. */
const MAX_NAMES = 1000;

/** Whose calls are counted, and how many of them a minute are allowed. */
export interface Rate {
  readonly kind: 'principal' | 'view' | 'provider';
  readonly name: string;
  readonly perMinute: number;
}

const OF: Readonly<Record<Rate['kind'], readonly [whose: string, setting: string]>> = {
  principal: ['this client', 'limits.ratePerPrincipal'],
  view: ['this view', 'limits.ratePerView'],
  provider: ["the tool's provider", 'limits.ratePerProvider'],
};

interface TakenCalls {
  left: number;
  readonly until: number;
}

/** Counts calls a minute: on all replicas together if they share a store, as long as it answers. */
export class RateLimits {
  readonly #counter: RateLimiterMemory | RateLimiterRedis;
  readonly #scope: string;
  readonly #isShared: boolean;
  /** What is left of the calls that were taken from the counter, by kind and name. */
  readonly #taken: Readonly<Record<Rate['kind'], Map<string, TakenCalls>>> = {
    principal: new Map(),
    view: new Map(),
    provider: new Map(),
  };

  /** `scope`: only counts of the same one are added up. */
  constructor(scope: string, storeClient?: RateStore) {
    this.#scope = scope;
    // The limits are compared here, because each view has one of its own.
    const options = { points: Number.MAX_SAFE_INTEGER, duration: WINDOW_S };
    const own = new RateLimiterMemory(options);
    this.#isShared = storeClient !== undefined;
    this.#counter =
      storeClient === undefined
        ? own
        : new RateLimiterRedis({
            ...options,
            storeClient,
            useRedisPackage: true,
            insuranceLimiter: own,
            keyPrefix: 'dify-mcp-bridge:rate',
          });
  }

  /**
   * Counts a call for each of these, in their order, up to the first that has no more calls left.
   * @throws BridgeError `rate_limited`.
   */
  async count(rates: readonly Rate[]): Promise<void> {
    for (const rate of rates) {
      if (this.#takesKept(rate)) continue;
      const waitMs = await this.#take(rate);
      if (waitMs !== undefined) throw rateLimited(rate.kind, rate.perMinute, waitMs);
    }
  }

  /** Takes one of the calls that are left; returns false if there are none. */
  #takesKept({ kind, name }: Rate): boolean {
    const taken = this.#taken[kind].get(name);
    if (taken === undefined || taken.left === 0 || performance.now() >= taken.until) return false;
    taken.left -= 1;
    return true;
  }

  /** Resolves with undefined if the call is allowed, otherwise with the milliseconds until the next minute. */
  async #take({ kind, name, perMinute }: Rate): Promise<number | undefined> {
    const batch = Math.max(1, Math.floor(perMinute * SHARE));
    const { consumedPoints, msBeforeNext } = await this.#consume(`${this.#scope} ${kind} ${name}`, batch);
    const allowed = Math.min(batch, perMinute - (consumedPoints - batch));
    if (allowed <= 0) return msBeforeNext;
    if (allowed > 1) keep(this.#taken[kind], name, allowed - 1, performance.now() + msBeforeNext);
    return undefined;
  }

  /** The shared store contains principals only as hashes. */
  #consume(name: string, calls: number): Promise<RateLimiterRes> {
    return this.#counter.consume(this.#isShared ? hash('sha256', name, 'base64url') : name, calls);
  }
}

function keep(kept: Map<string, TakenCalls>, name: string, left: number, until: number): void {
  const before = kept.get(name);
  // Other calls may have asked at the same time.
  const more = before !== undefined && performance.now() < before.until ? before.left : 0;
  kept.set(name, { left: left + more, until });
  if (kept.size <= MAX_NAMES) return;
  for (const [each, taken] of kept) if (taken.until < performance.now()) kept.delete(each);
}

function rateLimited(kind: Rate['kind'], perMinute: number, waitMs: number): BridgeError {
  const [whose, setting] = OF[kind];
  const message = `The calls of ${whose} exceed ${perMinute} a minute (${setting}).`;
  return refusedFor(waitMs, 'rate_limited', message);
}
