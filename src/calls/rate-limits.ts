import { hash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import { BridgeError } from '../model/errors.ts';

const WINDOW_S = 60;

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
      const { consumedPoints, msBeforeNext } = await this.#consume(`${this.#scope} ${kind} ${name}`);
      if (consumedPoints > perMinute) throw rateLimited(kind, perMinute, msBeforeNext);
    }
  }

  /** The shared store contains principals only as hashes. */
  #consume(name: string): Promise<RateLimiterRes> {
    return this.#counter.consume(this.#isShared ? hash('sha256', name, 'base64url') : name);
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
