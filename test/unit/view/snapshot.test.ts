import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BridgeError } from '../../../src/model/errors.ts';
import { Snapshot } from '../../../src/view/snapshot.ts';
import { errorOf } from '../../support/error-of.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const down = new BridgeError('upstream_unreachable', 'No connection to Dify at http://127.0.0.1:5001.', {
  hint: 'Check that Dify runs.',
});

interface Content {
  readonly fingerprint: string;
  readonly hidden: number;
}

const content = (fingerprint: string, hidden = 0): Content => ({ fingerprint, hidden });
const cell = (): Snapshot<Content> => new Snapshot(10_000);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the first snapshot', () => {
  it('is waited for', async () => {
    const snapshot = cell();
    expect(snapshot.current()).toBeUndefined();
    const readers = Promise.all([snapshot.ready(), snapshot.ready()]);
    snapshot.begin();
    snapshot.set(content('a'));
    const [first, second] = await readers;
    expect(first.fingerprint).toBe('a');
    expect(second).toBe(first);
    expect(snapshot.current()).toBe(first);
    expect(await snapshot.ready()).toBe(first);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is waited for up to the limit', async () => {
    const snapshot = cell();
    const failure = errorOf(snapshot.ready());
    await vi.advanceTimersByTimeAsync(9_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failure).toMatchObject({
      code: 'catalog_unavailable',
      message: 'Dify has not listed its tools within 10 seconds.',
      hint: expect.stringContaining('doctor'),
    });
  });

  it('is not waited for once its load has failed: the answer says why and what to do', async () => {
    const snapshot = cell();
    const waiting = errorOf(snapshot.ready());
    snapshot.begin();
    snapshot.fail(down);
    expect((await waiting).code).toBe('catalog_unavailable');
    const error: unknown = await snapshot.ready().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'catalog_unavailable', cause: down });
    expect((error as BridgeError).toText()).toBe(
      'The tools could not be loaded. No connection to Dify at http://127.0.0.1:5001.\nCheck that Dify runs.',
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is waited for again while a further load runs', async () => {
    const snapshot = cell();
    snapshot.fail(down);
    snapshot.begin();
    const reader = snapshot.ready();
    snapshot.set(content('a'));
    expect((await reader).fingerprint).toBe('a');
  });

  it('when the further load is slow, ends with the reason of the earlier failure', async () => {
    const snapshot = cell();
    snapshot.fail(down);
    snapshot.begin();
    const failure = errorOf(snapshot.ready());
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await failure).message).toContain('No connection to Dify');
  });

  it('is not waited for by one who has gone', async () => {
    const snapshot = cell();
    const gone = new AbortController();
    const waiting = errorOf(snapshot.ready(gone.signal));
    gone.abort();
    expect((await waiting).code).toBe('cancelled');
    await expect(snapshot.ready(gone.signal)).rejects.toMatchObject({ code: 'cancelled' });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('changes', () => {
  it('are heard when clients would see something else, and only then', () => {
    const snapshot = cell();
    const heard: string[] = [];
    snapshot.onChange(({ fingerprint }) => heard.push(fingerprint));
    snapshot.set(content('a'));
    expect(heard).toEqual([]);
    snapshot.set(content('a'));
    expect(heard).toEqual([]);
    snapshot.set(content('ab'));
    snapshot.set(content('a'));
    expect(heard).toEqual(['ab', 'a']);
  });

  it('swap the snapshot even where clients see no difference', () => {
    const snapshot = cell();
    snapshot.set(content('a'));
    snapshot.set(content('a', 1));
    expect(snapshot.current()?.hidden).toBe(1);
  });

  it('are not reported to a listener that is added during a notification', () => {
    const snapshot = cell();
    const heard: string[] = [];
    snapshot.onChange(() => {
      snapshot.onChange(({ fingerprint }) => heard.push(fingerprint));
    });
    snapshot.set(content('a'));
    snapshot.set(content('b'));
    expect(heard).toEqual([]);
    snapshot.set(content('c'));
    expect(heard).toEqual(['c']);
  });

  it('include the first snapshot for those who were turned away before it', async () => {
    const snapshot = cell();
    const heard: string[] = [];
    snapshot.onChange(({ fingerprint }) => heard.push(fingerprint));
    snapshot.fail(down);
    await expect(snapshot.ready()).rejects.toMatchObject({ code: 'catalog_unavailable' });
    snapshot.begin();
    snapshot.set(content('a'));
    expect(heard).toEqual(['a']);
  });

  it('are no longer heard after the end', () => {
    const snapshot = cell();
    const heard: string[] = [];
    const listener = (): void => void heard.push('x');
    const endFirst = snapshot.onChange(listener);
    snapshot.onChange(listener);
    snapshot.set(content('a'));
    snapshot.set(content('b'));
    endFirst();
    snapshot.set(content('c'));
    expect(heard).toEqual(['x', 'x', 'x']);
  });

  it('reach the other listeners when one throws', () => {
    const logger = recordingLogger();
    const snapshot = new Snapshot<Content>(10_000, logger);
    const heard: string[] = [];
    snapshot.onChange(() => {
      throw new Error('gone');
    });
    snapshot.onChange(({ fingerprint }) => heard.push(fingerprint));
    snapshot.set(content('a'));
    snapshot.set(content('b'));
    expect(heard).toEqual(['b']);
    expect(logger.lines.map(({ level }) => level)).toEqual(['error']);
  });

  it('do not come from failures: the snapshot stays', async () => {
    const snapshot = cell();
    const heard: string[] = [];
    snapshot.onChange(({ fingerprint }) => heard.push(fingerprint));
    snapshot.set(content('a'));
    snapshot.begin();
    snapshot.fail(down);
    expect(snapshot.current()?.fingerprint).toBe('a');
    expect((await snapshot.ready()).fingerprint).toBe('a');
    expect(heard).toEqual([]);
  });

  it('are the same for readers of one part', async () => {
    const snapshot = cell();
    const part = snapshot.select(({ hidden }) => hidden);
    const heard: number[] = [];
    const end = part.onChange((hidden) => heard.push(hidden));
    expect(part.current()).toBeUndefined();
    const waiting = part.ready();
    snapshot.set(content('a', 1));
    expect([await waiting, part.current()]).toEqual([1, 1]);
    snapshot.set(content('b', 2));
    end();
    snapshot.set(content('c', 3));
    expect(heard).toEqual([2]);
  });
});
