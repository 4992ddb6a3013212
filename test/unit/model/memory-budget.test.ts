import { describe, expect, it } from 'vitest';
import { defaultMemoryBytes, MemoryBudget, type MemoryLease } from '../../../src/model/memory-budget.ts';
import { errorOf } from '../../support/error-of.ts';

const never = new AbortController().signal;

/** Whether a promise is still waiting after everything that was due has run. */
async function waits(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => false,
    () => false,
  );
  return Promise.race([settled, new Promise<boolean>((resolve) => setImmediate(() => resolve(true)))]);
}

const take = (lease: MemoryLease, bytes: number): Promise<void> => lease.take(bytes, never);

describe('a memory budget', () => {
  it('lets one call have all of it, and refuses what is more', async () => {
    const budget = new MemoryBudget(100);
    const lease = budget.lease();
    await take(lease, 60);
    await take(lease, 40);
    expect(await errorOf(take(lease, 1))).toMatchObject({
      code: 'frame_too_large',
      message:
        "The tool's answer needs about 101 bytes of memory, and the bridge has 100 bytes for all answers.",
      hint: expect.stringMatching(/may have run.*raise calls\.maxMemoryBytes/),
    });
    lease.end();
    expect(budget.used).toBe(0);
  });

  it('lets others wait until the first has ended, in their order', async () => {
    const budget = new MemoryBudget(100);
    const [a, b, c] = [budget.lease(), budget.lease(), budget.lease()];
    await take(a, 80);
    const second = take(b, 80);
    const third = take(c, 80);
    expect(await waits(second)).toBe(true);
    a.end();
    await second;
    expect(await waits(third)).toBe(true);
    b.end();
    await third;
    c.end();
    expect(budget.used).toBe(0);
  });

  it('keeps room for the first, so that calls whose needs grow end one after the other', async () => {
    const budget = new MemoryBudget(100);
    const leases = Array.from({ length: 8 }, () => budget.lease());
    const grow = async (lease: MemoryLease): Promise<void> => {
      for (let round = 0; round < 70; round += 1) {
        await take(lease, 1);
        await new Promise((resolve) => setImmediate(resolve));
      }
      lease.end();
    };
    await Promise.all(leases.map(grow));
    expect(budget.used).toBe(0);
  });

  it('refuses the last call that would wait if none would end', async () => {
    const budget = new MemoryBudget(100);
    const [a, b] = [budget.lease(), budget.lease()];
    await take(a, 20);
    await take(b, 5);
    const first = take(a, 80);
    expect(await waits(first)).toBe(true);
    expect(await errorOf(take(b, 30))).toMatchObject({
      code: 'busy',
      hint: expect.stringMatching(/Call again when other calls have finished/),
    });
    b.end();
    await first;
  });

  it('ends a wait with its call, and counts nothing after that', async () => {
    const budget = new MemoryBudget(100);
    const [a, b] = [budget.lease(), budget.lease()];
    await take(a, 90);
    const stop = new AbortController();
    const waiting = b.take(90, stop.signal);
    stop.abort(new Error('over'));
    await expect(waiting).rejects.toThrow('over');
    await expect(b.take(90, stop.signal)).rejects.toThrow('over');
    a.end();
    await take(a, 50);
    expect(a.tryTake(500)).toBe(true);
    expect(budget.used).toBe(0);
  });

  it('gives back parts', async () => {
    const budget = new MemoryBudget(100);
    const [a, b] = [budget.lease(), budget.lease()];
    await take(a, 90);
    const waiting = take(b, 20);
    a.release(85);
    await waiting;
    expect(budget.used).toBe(25);
  });

  it('is by default a part of the heap', () => {
    expect(defaultMemoryBytes()).toBeGreaterThan(50_000_000);
    expect(defaultMemoryBytes()).toBeLessThanOrEqual(256 * 1024 ** 2);
  });

  it('lets calls wait for what clients have yet to read, even if that is more than there is', async () => {
    const budget = new MemoryBudget(100);
    const read = budget.hold(150);
    const lease = budget.lease();
    const taken = take(lease, 10);
    expect(await waits(taken)).toBe(true);
    read();
    await taken;
    lease.end();
    expect(budget.used).toBe(0);
  });
});
