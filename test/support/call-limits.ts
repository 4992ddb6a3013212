import { CallLimits, type CallLimitsOptions } from '../../src/calls/call-limits.ts';
import { silentLogger } from '../../src/model/logger.ts';

/** Limits that no test meets, but for these. */
export function callLimits(options: Partial<CallLimitsOptions> = {}): CallLimits {
  const many = 1_000_000;
  return new CallLimits({
    scope: 'default',
    maxConcurrent: many,
    maxQueued: many,
    maxPerPrincipal: many,
    maxQueuedPerPrincipal: many,
    maxPerProvider: many,
    ratePerPrincipal: many,
    ratePerProvider: many,
    breaker: { failures: many, pauseMs: 1000, logger: silentLogger },
    ...options,
  });
}

/** A view without a limit that a test meets. */
export const UNLIMITED_VIEW = { name: 'default', ratePerView: 1_000_000 };
