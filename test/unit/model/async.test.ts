import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { abortable, after, forEachBounded, onAbort, settlesWithin } from '../../../src/model/async.ts';
import { errorOf } from '../../support/error-of.ts';
import { BridgeError } from '../../../src/model/errors.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = new Promise<never>(() => undefined);

describe('waiting for an abort', () => {
  it('calls back once, at once where it has come already, and not after it was stopped', () => {
    const heard: string[] = [];
    const controller = new AbortController();
    const stop = onAbort(controller.signal, () => heard.push('stopped'));
    onAbort(controller.signal, () => heard.push('first'));
    stop();
    controller.abort();
    onAbort(controller.signal, () => heard.push('late'))();
    expect(heard).toEqual(['first', 'late']);
  });

  it('ends a promise that nobody settles, with the reason', async () => {
    const reason = new BridgeError('cancelled', 'Enough.');
    expect(await errorOf(abortable(never, AbortSignal.abort(reason)))).toBe(reason);
    const controller = new AbortController();
    const waiting = errorOf(abortable(never, controller.signal));
    controller.abort(reason);
    expect(await waiting).toBe(reason);
  });

  it('lets through what comes before it, and leaves no listener', async () => {
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, 'removeEventListener');
    expect(await abortable(Promise.resolve(1), signal)).toBe(1);
    expect(remove).toHaveBeenCalledOnce();
    await expect(abortable(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });
});

describe('waiting for a time', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('says whether something settled in it, however it did', async () => {
    expect(await settlesWithin(Promise.reject(new Error('no')), 1000)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    const late = settlesWithin(never, 1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await late).toBe(false);
  });

  it('does not end at once where it is longer than timers take', async () => {
    let isOver = false;
    const stop = after(2 ** 40, () => (isOver = true));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(isOver).toBe(false);
    stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('bounded work', () => {
  it('is done for every item, and for no more than the limit at once', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await forEachBounded([1, 2, 3, 4, 5], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await settle();
      running -= 1;
      done.push(item);
    });
    expect([done, most]).toEqual([[1, 2, 3, 4, 5], 2]);
  });

  it('ends with its first failure: what runs is aborted, nothing else begins, and all have ended', async () => {
    const failure = new BridgeError('busy', 'First.');
    const began: number[] = [];
    const ended: number[] = [];
    const work = forEachBounded([1, 2, 3], 2, async (item, signal) => {
      began.push(item);
      if (item === 2) throw failure;
      await abortable(never, signal).catch(() => undefined);
      await settle();
      ended.push(item);
      throw new Error('second');
    });
    expect(await errorOf(work)).toBe(failure);
    expect([began, ended]).toEqual([[1, 2], [1]]);
  });

  it('ends with the signal, whose reason goes before what fails because of it', async () => {
    const reason = new BridgeError('cancelled', 'Enough.');
    const controller = new AbortController();
    const began: number[] = [];
    const work = forEachBounded(
      [1, 2],
      1,
      async (item, signal) => {
        began.push(item);
        await abortable(never, signal).catch(() => {
          throw new Error('because of it');
        });
      },
      controller.signal,
    );
    controller.abort(reason);
    expect(await errorOf(work)).toBe(reason);
    expect(began).toEqual([1]);
  });
});
