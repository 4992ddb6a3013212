import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Breakers } from '../../../src/calls/breakers.ts';
import { BridgeError, type ErrorCode } from '../../../src/model/errors.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const PAUSE_MS = 30_000;
const TARGET = { provider: 'builtin acme', providerLabel: 'Acme' };
const OTHER = { provider: 'builtin other', providerLabel: 'Other' };
const UPSTREAM: readonly ErrorCode[] = [
  'upstream_unreachable',
  'upstream_error',
  'upstream_unavailable',
  'stream_broken',
];

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

function breakersWith(failures = 3) {
  const logger = recordingLogger();
  const breakers = new Breakers({ failures, pauseMs: PAUSE_MS, logger });
  /** Makes a call that ends so. */
  const call = async (code?: ErrorCode, target = TARGET): Promise<void> => {
    breakers.enter(target).ended(code && new BridgeError(code, 'It said so.'));
    await new Promise(setImmediate);
  };
  return {
    breakers,
    lines: () => logger.lines.map(({ level, message }) => [level, message]),
    call,
    open: async () => {
      for (let n = 0; n < failures; n += 1) await call('upstream_error');
    },
  };
}

const REFUSED = expect.objectContaining({ code: 'provider_unavailable', retryAfterSeconds: 30 });

describe('a breaker', () => {
  it.each(UPSTREAM)('opens on %s, for its provider alone', async (code) => {
    const { breakers, call, lines } = breakersWith();
    for (let n = 0; n < 3; n += 1) await call(code);
    expect(() => breakers.enter(TARGET)).toThrow(REFUSED);
    expect(() => breakers.check(TARGET)).toThrow(
      'Acme is not called at the moment, because its last calls failed in Dify or on the way to it. The last failure: It said so.',
    );
    await call(undefined, OTHER);
    expect(lines()).toEqual([['warn', 'A provider is not called for a while, because its calls fail']]);
  });

  it.each(['tool_failed', 'provider_unauthorized', 'upstream_rejected', 'upstream_rate_limited'] as const)(
    'begins to count again after %s, by which Dify answered',
    async (code) => {
      const { breakers, call } = breakersWith();
      for (const each of [
        'upstream_error',
        'upstream_error',
        code,
        'upstream_error',
        'upstream_error',
      ] as const)
        await call(each);
      expect(() => breakers.check(TARGET)).not.toThrow();
    },
  );

  it.each(['cancelled', 'deadline_exceeded', 'shutting_down', 'file_refused'] as const)(
    'neither counts nor forgets for %s',
    async (code) => {
      const { breakers, call } = breakersWith();
      for (let n = 0; n < 5; n += 1) await call(code);
      for (const each of ['upstream_error', 'upstream_error', code, 'upstream_error'] as const)
        await call(each);
      expect(() => breakers.enter(TARGET)).toThrow(REFUSED);
    },
  );

  it('lets one call try after its pause, and closes when Dify answers it, before it ends', async () => {
    const opened = breakersWith();
    await opened.open();
    vi.advanceTimersByTime(PAUSE_MS - 1000);
    expect(() => opened.breakers.check(TARGET)).toThrow(expect.objectContaining({ retryAfterSeconds: 1 }));
    vi.advanceTimersByTime(1000);
    const trial = opened.breakers.enter(TARGET);
    expect(() => opened.breakers.enter(TARGET)).toThrow(REFUSED);
    trial.answered();
    await new Promise(setImmediate);
    await opened.call();
    expect(opened.lines().at(-1)).toEqual(['info', 'A provider is called again']);
  });

  it('opens again when the call that tries fails', async () => {
    const opened = breakersWith();
    await opened.open();
    vi.advanceTimersByTime(PAUSE_MS);
    await opened.call('upstream_unreachable');
    expect(() => opened.breakers.enter(TARGET)).toThrow(REFUSED);
    vi.advanceTimersByTime(PAUSE_MS);
    await opened.call('tool_failed');
    await opened.call();
  });

  it('lets the next call try at once when the one that tries is cancelled', async () => {
    const opened = breakersWith();
    await opened.open();
    vi.advanceTimersByTime(PAUSE_MS);
    await opened.call('cancelled');
    const trial = opened.breakers.enter(TARGET);
    expect(() => opened.breakers.enter(TARGET)).toThrow(REFUSED);
    trial.ended(new BridgeError('upstream_error', 'It still fails.'));
    await new Promise(setImmediate);
    expect(() => opened.breakers.enter(TARGET)).toThrow(
      expect.objectContaining({ retryAfterSeconds: PAUSE_MS / 1000 }),
    );
    vi.advanceTimersByTime(PAUSE_MS);
    await opened.call('cancelled');
    await opened.call();
    expect(opened.lines().at(-1)).toEqual(['info', 'A provider is called again']);
  });
});
