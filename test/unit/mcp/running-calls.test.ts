import { describe, expect, it } from 'vitest';
import { RunningCalls } from '../../../src/mcp/running-calls.ts';

describe('running calls', () => {
  it('are known by their server until they end, well or not', async () => {
    const calls = new RunningCalls();
    const [one, other] = [{}, {}];
    let finish = (): void => undefined;
    const running = calls.track(one, () => new Promise<void>((resolve) => (finish = resolve)));
    const failing = calls.track(one, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect([calls.has(one), calls.has(other)]).toEqual([true, false]);
    finish();
    await running;
    expect(calls.has(one)).toBe(false);
  });

  it('are waited for, but not longer than asked', async () => {
    const calls = new RunningCalls();
    await calls.idle(60_000);
    let finish = (): void => undefined;
    const running = calls.track({}, () => new Promise<void>((resolve) => (finish = resolve)));
    const startedAt = performance.now();
    await calls.idle(30);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(25);
    const idle = calls.idle(60_000);
    finish();
    await Promise.all([idle, running]);
  });
});
