import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLiveRegistry, type LiveRegistry } from '../../../src/view/live-registry.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import type { CatalogListing } from '../../../src/model/ports.ts';
import type { Registry } from '../../../src/model/registry.ts';
import { errorOf } from '../../support/error-of.ts';
import { provider } from '../../support/providers.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const down = new BridgeError('upstream_unreachable', 'No connection to Dify at http://127.0.0.1:5001.', {
  hint: 'Check that Dify runs.',
});

/** A registry that is told apart by the ids of its providers. */
function build({ providers }: CatalogListing): Registry {
  const fingerprint = providers.map(({ id }) => id).join();
  if (fingerprint === 'broken') throw new Error('cannot build');
  return { tools: [], withheld: [], notes: [], fingerprint, get: () => undefined };
}

const listing = (...ids: string[]): CatalogListing => ({
  providers: ids.map((id) => provider('api', id)),
  problems: [],
});

const live = (): LiveRegistry => createLiveRegistry({ build, waitMs: 10_000 });

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the first snapshot', () => {
  it('is waited for', async () => {
    const registry = live();
    expect(registry.current()).toBeUndefined();
    const readers = Promise.all([registry.ready(), registry.ready()]);
    registry.begin();
    registry.update(listing('a'));
    const [first, second] = await readers;
    expect(first.fingerprint).toBe('a');
    expect(second).toBe(first);
    expect(registry.current()).toBe(first);
    expect(await registry.ready()).toBe(first);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is waited for up to the limit', async () => {
    const registry = live();
    const failure = errorOf(registry.ready());
    await vi.advanceTimersByTimeAsync(9_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failure).toMatchObject({
      code: 'catalog_unavailable',
      message: 'Dify has not listed its tools within 10 s.',
      hint: expect.stringContaining('DIFY_API_URL'),
    });
  });

  it('is not waited for once its load has failed: the answer says why and what to do', async () => {
    const registry = live();
    const waiting = errorOf(registry.ready());
    registry.begin();
    registry.fail(down);
    expect((await waiting).code).toBe('catalog_unavailable');
    const error: unknown = await registry.ready().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'catalog_unavailable', cause: down });
    expect((error as BridgeError).toText()).toBe(
      'The tools could not be loaded. No connection to Dify at http://127.0.0.1:5001.\nCheck that Dify runs.',
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is waited for again while a further load runs', async () => {
    const registry = live();
    registry.fail(down);
    registry.begin();
    const reader = registry.ready();
    registry.update(listing('a'));
    expect((await reader).fingerprint).toBe('a');
  });

  it('when the further load is slow, ends with the reason of the earlier failure', async () => {
    const registry = live();
    registry.fail(down);
    registry.begin();
    const failure = errorOf(registry.ready());
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await failure).message).toContain('No connection to Dify');
  });

  it('is not waited for by one who has gone', async () => {
    const registry = live();
    const gone = new AbortController();
    const waiting = errorOf(registry.ready(gone.signal));
    gone.abort();
    expect((await waiting).code).toBe('cancelled');
    await expect(registry.ready(gone.signal)).rejects.toMatchObject({ code: 'cancelled' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that cannot be built is a failure', async () => {
    const logger = recordingLogger();
    const registry = createLiveRegistry({ build, waitMs: 10_000, logger });
    const waiting = errorOf(registry.ready());
    registry.update(listing('broken'));
    expect((await waiting).code).toBe('catalog_unavailable');
    expect(logger.lines.map(({ level }) => level)).toEqual(['error']);
    registry.update(listing('a'));
    expect(registry.current()?.fingerprint).toBe('a');
  });
});

describe('changes', () => {
  it('are heard when clients would see something else, and only then', () => {
    const registry = live();
    const heard: string[] = [];
    registry.onChange(({ fingerprint }) => heard.push(fingerprint));
    registry.update(listing('a'));
    expect(heard).toEqual([]);
    registry.update(listing('a'));
    expect(heard).toEqual([]);
    registry.update(listing('a', 'b'));
    registry.update(listing('a'));
    expect(heard).toEqual(['a,b', 'a']);
  });

  it('swap the snapshot even where clients see no difference', () => {
    const registry = live();
    registry.update(listing('a'));
    const first = registry.current();
    registry.update(listing('a'));
    expect(registry.current()).not.toBe(first);
  });

  it('cost nothing when nothing was listed anew', () => {
    let builds = 0;
    const registry = createLiveRegistry({
      build: (found) => {
        builds += 1;
        return build(found);
      },
      waitMs: 10_000,
    });
    const same = listing('a');
    registry.update(same);
    const snapshot = registry.current();
    registry.begin();
    registry.update({ ...same, problems: [{ providerType: 'mcp', message: 'Down.' }] });
    expect(registry.current()).toBe(snapshot);
    expect(builds).toBe(1);
    registry.update({ ...same, credentials: new Map([['a', []]]) });
    expect(builds).toBe(2);
    registry.rebuild(same);
    registry.rebuild(same);
    expect(builds).toBe(4);
  });

  it('are not told to a listener that comes while others are told', () => {
    const registry = live();
    const heard: string[] = [];
    registry.onChange(() => {
      registry.onChange(({ fingerprint }) => heard.push(fingerprint));
    });
    registry.update(listing('a'));
    registry.update(listing('b'));
    expect(heard).toEqual([]);
    registry.update(listing('c'));
    expect(heard).toEqual(['c']);
  });

  it('include the first snapshot for those who were turned away before it', async () => {
    const registry = live();
    const heard: string[] = [];
    registry.onChange(({ fingerprint }) => heard.push(fingerprint));
    registry.fail(down);
    await expect(registry.ready()).rejects.toMatchObject({ code: 'catalog_unavailable' });
    registry.begin();
    registry.update(listing('a'));
    expect(heard).toEqual(['a']);
  });

  it('are no longer heard after the end', () => {
    const registry = live();
    const heard: string[] = [];
    const listener = (): void => void heard.push('x');
    const endFirst = registry.onChange(listener);
    registry.onChange(listener);
    registry.update(listing('a'));
    registry.update(listing('b'));
    endFirst();
    registry.update(listing('c'));
    expect(heard).toEqual(['x', 'x', 'x']);
  });

  it('reach the other listeners when one throws', () => {
    const logger = recordingLogger();
    const registry = createLiveRegistry({ build, waitMs: 10_000, logger });
    const heard: string[] = [];
    registry.onChange(() => {
      throw new Error('gone');
    });
    registry.onChange(({ fingerprint }) => heard.push(fingerprint));
    registry.update(listing('a'));
    registry.update(listing('b'));
    expect(heard).toEqual(['b']);
    expect(logger.lines.map(({ level }) => level)).toEqual(['error']);
  });

  it('do not come from failures: the snapshot stays', async () => {
    const registry = live();
    const heard: string[] = [];
    registry.onChange(({ fingerprint }) => heard.push(fingerprint));
    registry.update(listing('a'));
    registry.begin();
    registry.fail(down);
    registry.update(listing('broken'));
    expect(registry.current()?.fingerprint).toBe('a');
    expect((await registry.ready()).fingerprint).toBe('a');
    expect(heard).toEqual([]);
  });
});
