import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { logData, logLevel, logSentence } from '../../../src/mcp/log-message.ts';
import { startProgress } from '../../../src/mcp/progress.ts';
import { fakeLog } from '../../support/fake-bridge.ts';

describe('progress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function start(intervalMs = 15_000) {
    const sent: [number, string][] = [];
    const progress = startProgress({ intervalMs, send: (value, message) => sent.push([value, message]) });
    return { progress, sent, messages: () => sent.map(([, message]) => message) };
  }

  it('starts at once', () => {
    expect(start().sent).toEqual([[0, 'Started']]);
  });

  it('gives a sign of life after each silent interval and counts from the start', () => {
    const { sent } = start();
    vi.advanceTimersByTime(45_000);
    expect(sent).toEqual([
      [0, 'Started'],
      [1, 'Still waiting for Dify, 15 s'],
      [2, 'Still waiting for Dify, 30 s'],
      [3, 'Still waiting for Dify, 45 s'],
    ]);
  });

  it('counts the silence from the last report', () => {
    const { progress, messages } = start();
    vi.advanceTimersByTime(14_000);
    progress.step('Search');
    vi.advanceTimersByTime(14_999);
    expect(messages()).toEqual(['Started', 'Search']);
    vi.advanceTimersByTime(1);
    expect(messages()).toEqual(['Started', 'Search', 'Still waiting for Dify, 29 s']);
  });

  it('sends every step, however fast they come', () => {
    const { progress, sent } = start();
    for (let n = 0; n < 20; n += 1) progress.step(`step ${n}`);
    expect(sent.map(([value]) => value)).toEqual(Array.from({ length: 21 }, (_, index) => index));
  });

  it('sends four sentences about output at once, then four a second with the latest text', () => {
    const { progress, messages } = start();
    for (let n = 1; n <= 400; n += 1) {
      progress.output(`Received ${n} messages`);
      vi.advanceTimersByTime(10);
    }
    const count = messages().length - 1;
    expect(count).toBeGreaterThanOrEqual(16);
    expect(count).toBeLessThanOrEqual(4 + 16);
    expect(messages().slice(1, 5)).toEqual([1, 2, 3, 4].map((n) => `Received ${n} messages`));
    vi.advanceTimersByTime(250);
    expect(messages().at(-1)).toBe('Received 400 messages');
  });

  it('sends a waiting sentence at the end and nothing later', () => {
    const { progress, messages } = start();
    for (let n = 1; n <= 6; n += 1) progress.output(`Received ${n} messages`);
    progress.end();
    expect(messages().at(-1)).toBe('Received 6 messages');
    const count = messages().length;
    progress.step('late');
    progress.output('late');
    progress.end();
    vi.advanceTimersByTime(60_000);
    expect(messages()).toHaveLength(count);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets a step replace earlier output', () => {
    const { progress, messages } = start();
    for (let n = 1; n <= 6; n += 1) progress.output(`Received ${n} messages`);
    progress.step('Search');
    vi.advanceTimersByTime(250);
    expect(messages().at(-1)).toBe('Search');
  });
});

describe('a step of a tool', () => {
  it.each([
    ['start', 'info', 'Search'],
    ['success', 'info', 'Search: done'],
    ['error', 'error', 'Search: failed'],
    ['paused', 'info', 'Search: paused'],
  ])('with status %s has level %s and reads "%s"', (status, level, sentence) => {
    const entry = fakeLog('Search', status);
    expect(logLevel(entry)).toBe(level);
    expect(logSentence(entry)).toBe(sentence);
  });

  it('hands on label, status, error and the time it took, and no data of the tool', () => {
    const entry = fakeLog('Search', 'error', {
      error: 'no index',
      metadata: { elapsed_time: 0.25, total_price: 3, query: 'private' },
    });
    expect(logData(entry)).toEqual({ label: 'Search', status: 'error', error: 'no index', elapsed: 0.25 });
    expect(logData(fakeLog('Search', 'start', { metadata: { elapsed_time: null } }))).toEqual({
      label: 'Search',
      status: 'start',
    });
  });

  it('gets a name if it has none, and a short one if it is long', () => {
    expect(logSentence(fakeLog('', 'success'))).toBe('Step: done');
    expect(logSentence(fakeLog('x'.repeat(500), 'start'))).toHaveLength(200);
  });
});
