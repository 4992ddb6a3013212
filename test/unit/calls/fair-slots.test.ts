import { describe, expect, it } from 'vitest';
import { FairSlots, type SlotClaim, type SlotLimits } from '../../../src/calls/fair-slots.ts';
import { errorOf } from '../../support/error-of.ts';

const MANY = 1000;

function slotsWith(limits: Partial<SlotLimits>): FairSlots {
  return new FairSlots({
    maxConcurrent: MANY,
    maxQueued: MANY,
    maxPerPrincipal: MANY,
    maxQueuedPerPrincipal: MANY,
    maxPerProvider: MANY,
    ...limits,
  });
}

/** Asks for slots, and notes in which order they are given. */
function asking(slots: FairSlots) {
  const given: string[] = [];
  const releases = new Map<string, () => void>();
  return {
    given,
    ask: async (name: string, claim: Partial<SlotClaim> = {}, signal = new AbortController().signal) => {
      const whole = { principal: 'a', view: 'v', maxPerView: MANY, provider: 'p', ...claim };
      releases.set(name, await slots.acquire(whole, signal));
      given.push(name);
    },
    release: async (name: string) => {
      releases.get(name)?.();
      await new Promise(setImmediate);
    },
  };
}

const settle = (): Promise<unknown> => new Promise(setImmediate);

describe('waiting calls', () => {
  it('of several principals take turns, each in its own order', async () => {
    const slots = slotsWith({ maxConcurrent: 1 });
    const { ask, release, given } = asking(slots);
    await ask('running');
    for (const name of ['a1', 'a2', 'a3']) void ask(name);
    for (const name of ['b1', 'b2']) void ask(name, { principal: 'b' });
    void ask('c1', { principal: 'c' });
    for (const name of ['running', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']) await release(name);
    expect(given).toEqual(['running', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
    expect(slots.running).toBe(0);
  });

  it('are refused beyond the limit of all, and of one principal, with the seconds to wait', async () => {
    const { ask } = asking(slotsWith({ maxConcurrent: 1, maxQueued: 3, maxQueuedPerPrincipal: 2 }));
    await ask('running');
    void ask('a1');
    void ask('a2');
    // The first principal is alone so far, so it may fill the queue.
    void ask('a3');
    expect(await errorOf(ask('a4'))).toMatchObject({ code: 'busy', retryAfterSeconds: 4 });
    const shared = asking(
      slotsWith({ maxConcurrent: 1, maxQueued: 3, maxQueuedPerPrincipal: 2, hasSeveral: true }),
    );
    await shared.ask('running');
    void shared.ask('a1');
    void shared.ask('a2');
    const refused = await errorOf(shared.ask('a3'));
    expect(refused.message).toBe('The bridge is busy: 2 calls of this client are waiting (limit 2).');
    expect(refused.toText()).toContain(`Wait ${refused.retryAfterSeconds} s, then call again.`);
    void shared.ask('b1', { principal: 'b' });
    expect(await errorOf(shared.ask('b2', { principal: 'b' }))).toMatchObject({ code: 'busy' });
  });

  it('that their callers give up make room and keep nobody back', async () => {
    const slots = slotsWith({ maxConcurrent: 1, maxQueued: 1 });
    const { ask, release, given } = asking(slots);
    await ask('running');
    const controller = new AbortController();
    const left = ask('left', {}, controller.signal).catch((reason: unknown) => reason);
    controller.abort('gone');
    expect(await left).toBe('gone');
    void ask('next');
    await release('running');
    expect(given).toEqual(['running', 'next']);
  });
});

describe('running calls', () => {
  it('of one principal take all slots only while it is alone', async () => {
    const { ask, release, given } = asking(slotsWith({ maxConcurrent: 4, maxPerPrincipal: 3 }));
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']) void ask(name);
    void ask('b1', { principal: 'b' });
    await settle();
    expect(given).toEqual(['a1', 'a2', 'a3', 'a4']);
    await release('a1');
    // The first principal holds three slots, so the fourth is not its own any more.
    expect(given.slice(4)).toEqual(['b1']);
    await release('b1');
    expect(given.slice(5)).toEqual([]);
    await release('a2');
    expect(given.slice(5)).toEqual(['a5']);
  });

  it('of one principal leave a slot to the others from the start where there are several', async () => {
    const { ask, given } = asking(slotsWith({ maxConcurrent: 4, maxPerPrincipal: 3, hasSeveral: true }));
    for (const name of ['a1', 'a2', 'a3', 'a4']) void ask(name);
    void ask('b1', { principal: 'b' });
    await settle();
    expect(given).toEqual(['a1', 'a2', 'a3', 'b1']);
  });

  it.each([
    ['provider', { maxPerProvider: 1 }, {}, { provider: 'other' }],
    ['view', {}, { maxPerView: 1 }, { maxPerView: 1, view: 'other' }],
  ])('of one %s leave the slots to the others, who overtake', async (_what, limits, own, other) => {
    const { ask, release, given } = asking(slotsWith({ maxConcurrent: 3, ...limits }));
    for (const name of ['first', 'second', 'third']) void ask(name, own);
    void ask('other', other);
    await settle();
    expect(given).toEqual(['first', 'other']);
    await release('first');
    await release('second');
    expect(given).toEqual(['first', 'other', 'second', 'third']);
  });

  it('of many principals never exceed a limit and all end, whatever order they end in', async () => {
    const slots = slotsWith({ maxConcurrent: 5, maxPerPrincipal: 3, maxPerProvider: 2, hasSeveral: true });
    const running = new Map<string, number>();
    let most = 0;
    const count = (key: string, change: number): number => {
      running.set(key, (running.get(key) ?? 0) + change);
      return running.get(key) ?? 0;
    };
    await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const [principal, provider] = [`principal ${n % 7}`, `provider ${n % 4}`];
        const claim = { principal, provider, view: 'v', maxPerView: 4 };
        const release = await slots.acquire(claim, new AbortController().signal);
        most = Math.max(most, slots.running);
        expect(count(principal, 1)).toBeLessThanOrEqual(3);
        expect(count(provider, 1)).toBeLessThanOrEqual(2);
        for (let turn = 0; turn < (n * 13) % 5; turn += 1) await settle();
        count(principal, -1);
        count(provider, -1);
        release();
      }),
    );
    expect(most).toBe(4);
    expect(slots.running).toBe(0);
  });
});
