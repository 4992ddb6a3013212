import { describe, expect, it } from 'vitest';
import { RunningCalls } from '../../../src/mcp/running-calls.ts';

describe('running calls', () => {
  it('end well or not', async () => {
    const calls = new RunningCalls();
    const failing = calls.track(() => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await calls.track(() => Promise.resolve('yes'))).toBe('yes');
    await calls.idle(60_000);
  });

  it('are waited for, but not longer than asked', async () => {
    const calls = new RunningCalls();
    await calls.idle(60_000);
    let finish = (): void => undefined;
    const running = calls.track(() => new Promise<void>((resolve) => (finish = resolve)));
    const startedAt = performance.now();
    await calls.idle(30);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(25);
    const idle = calls.idle(60_000);
    finish();
    await Promise.all([idle, running]);
  });
});
