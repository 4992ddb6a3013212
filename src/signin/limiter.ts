import { type IRateLimiterOptions, RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { RateStore } from '../model/ports.ts';

/** Returns a limiter that counts on all replicas together if they share a store, as long as it answers. */
export function createLimiter(
  options: IRateLimiterOptions,
  storeClient: RateStore | undefined,
): Pick<RateLimiterMemory, 'consume' | 'reward'> {
  const own = new RateLimiterMemory(options);
  if (storeClient === undefined) return own;
  return new RateLimiterRedis({
    ...options,
    storeClient,
    useRedisPackage: true,
    insuranceLimiter: own,
    keyPrefix: 'dify-mcp-bridge:sign-in-rate',
  });
}
