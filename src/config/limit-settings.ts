import * as z from 'zod';
import { duration, size, wholeNumber } from './fields.ts';
import { optional, setting } from './setting.ts';

const running = wholeNumber(1, 1000);
const aMinute = wholeNumber(1, 100_000_000);
const streams = wholeNumber(1, 100_000);

/** The limits that a view may set for itself. */
const OF_VIEW = {
  callsPerView: optional(running).describe(
    'Most calls of one view that run at once. Default: calls.maxConcurrent.',
  ),
  ratePerView: setting(aMinute, 600_000).describe(
    'Most calls of one view a minute, on all replicas together. The default is more than a process can make.',
  ),
  streamsPerView: optional(streams).describe(
    'Most event streams of one view on which clients wait. Default: http.maxStreams.',
  ),
  maxArgumentBytes: setting(size('1KiB', '512MiB'), '16MiB').describe(
    'Largest arguments of one call, as JSON. http.maxBodyBytes limits them as well.',
  ),
};

/** What calls may cost, for each view, principal and provider. */
export const limits = z.strictObject({
  callsPerPrincipal: optional(running).describe(
    'Most calls of one principal (an API key, a person with an access token, or the holders of the token) that run at once, if several can call. Default: three quarters of calls.maxConcurrent, but never all.',
  ),
  queuedPerPrincipal: optional(wholeNumber(0, 100_000)).describe(
    'Most calls of one principal that wait, if several can call. Default: half of calls.maxQueued.',
  ),
  ratePerPrincipal: setting(aMinute, 300_000).describe(
    'Most calls of one principal a minute, on all replicas together. The default is more than a process can make: set what your Dify can bear, such as 600.',
  ),
  callsPerProvider: optional(running).describe(
    'Most calls of one Dify provider that run at once. Default: calls.maxConcurrent.',
  ),
  ratePerProvider: setting(aMinute, 600_000).describe(
    'Most calls of one Dify provider a minute, on all replicas together. The default is more than a process can make.',
  ),
  ...OF_VIEW,
  streamsPerPrincipal: optional(streams).describe(
    'Most event streams on which one principal waits, if several can call. Default: half of http.maxStreams.',
  ),
  breakerFailures: setting(wholeNumber(1, 1000), 10).describe(
    'Consecutive failures of Dify, or of the way to it, after which the bridge refuses calls of the provider. Errors of the tool itself do not count.',
  ),
  breakerPause: setting(duration('1s', '1h'), '10s').describe(
    'How long the bridge refuses calls of a failing provider. Then one call tests whether the provider works again.',
  ),
});

/** The limits that a view overrides. */
export const viewLimits = z.strictObject(
  {
    callsPerView: OF_VIEW.callsPerView,
    ratePerView: z.exactOptional(OF_VIEW.ratePerView.unwrap()),
    streamsPerView: OF_VIEW.streamsPerView,
    maxArgumentBytes: z.exactOptional(OF_VIEW.maxArgumentBytes.unwrap()),
  },
  { error: 'expected an object with callsPerView, ratePerView, streamsPerView and maxArgumentBytes' },
);
