import { hash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import { BridgeError } from '../model/errors.ts';

const WINDOW_S = 60;
/**
 * A replica takes this part of a limit from a shared count at once, because asking Redis for every call would cost a tenth
 * of its CPU time.
 */
const SHARE = 1 / 200;
/** Names whose taken calls are remembered before those of earlier minutes are forgotten. */
const MAX_NAMES = 1000;

/** The part of a Redis client that counts. */
export interface RateStore {
  /** Runs a script. Rejects if Redis does not answer. */
  eval(script: string, options: { readonly keys: string[]; readonly arguments: string[] }): Promise<unknown>;
}

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

/** Counts calls a minute: on all replicas together if they share a store, as long as it answers. */
export class RateLimits {
  readonly #counter: RateLimiterMemory | RateLimiterRedis;
  readonly #scope: string;
  readonly #isShared: boolean;
  /** What is left of the calls that this replica took from a shared count. */
  readonly #taken = new Map<string, { left: number; readonly until: number }>();

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
    for (const { kind, name, perMinute } of rates) {
      const waitMs = await this.#take(`${this.#scope} ${kind} ${name}`, perMinute);
      if (waitMs !== undefined) throw rateLimited(kind, perMinute, waitMs);
    }
  }

  /** Resolves with undefined if the call is allowed, otherwise with the milliseconds until the next minute. */
  async #take(name: string, perMinute: number): Promise<number | undefined> {
    const taken = this.#taken.get(name);
    if (taken !== undefined && taken.left > 0 && performance.now() < taken.until) {
      taken.left -= 1;
      return undefined;
    }
    const batch = this.#isShared ? Math.max(1, Math.floor(perMinute * SHARE)) : 1;
    const { consumedPoints, msBeforeNext } = await this.#consume(name, batch);
    const allowed = Math.min(batch, perMinute - (consumedPoints - batch));
    if (allowed <= 0) return msBeforeNext;
    if (allowed > 1) this.#keep(name, allowed - 1, performance.now() + msBeforeNext);
    return undefined;
  }

  #keep(name: string, left: number, until: number): void {
    const before = this.#taken.get(name);
    // Other calls may have asked at the same time.
    const more = before !== undefined && performance.now() < before.until ? before.left : 0;
    this.#taken.set(name, { left: left + more, until });
    if (this.#taken.size <= MAX_NAMES) return;
    for (const [each, taken] of this.#taken) if (taken.until < performance.now()) this.#taken.delete(each);
  }

  /** The shared store contains principals only as hashes. */
  #consume(name: string, calls: number): Promise<RateLimiterRes> {
    return this.#counter.consume(this.#isShared ? hash('sha256', name, 'base64url') : name, calls);
  }
}

function rateLimited(kind: Rate['kind'], perMinute: number, waitMs: number): BridgeError {
  const [whose, setting] = OF[kind];
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  const message = `The calls of ${whose} exceed ${perMinute} a minute (${setting}).`;
  return new BridgeError('rate_limited', message, {
    hint: `Nothing was sent to Dify. Wait ${retryAfterSeconds} s, then call again.`,
    retryAfterSeconds,
  });
}
