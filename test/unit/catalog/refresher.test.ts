import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type CatalogRefresher,
  type CatalogRefresherOptions,
  createCatalogRefresher,
} from '../../../src/catalog/refresher.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import type { CatalogListing, CatalogSource } from '../../../src/model/ports.ts';
import { errorOf } from '../../support/error-of.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { provider } from '../../support/providers.ts';

const MINUTE = 60_000;
const one: CatalogListing = { providers: [provider('api', 'one')], problems: [] };
const two: CatalogListing = { providers: [provider('api', 'two')], problems: [] };
const down = new BridgeError('upstream_unreachable', 'No connection to Dify.', { hint: 'Start it.' });

/** A source whose loads end when the test says so. */
function scriptedSource() {
  const loads: { signal: AbortSignal; settle: (outcome: CatalogListing | Error) => void }[] = [];
  const source: CatalogSource = {
    list: (signal) =>
      new Promise((resolve, reject) => {
        loads.push({
          signal,
          settle: (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)),
        });
      }),
  };
  return {
    source,
    loads,
    end: async (outcome: CatalogListing | Error): Promise<void> => {
      loads.at(-1)?.settle(outcome);
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

const running: CatalogRefresher[] = [];

function create(options: Partial<CatalogRefresherOptions> = {}) {
  const script = scriptedSource();
  const heard: CatalogListing[] = [];
  const refresher = createCatalogRefresher({
    source: script.source,
    intervalMs: MINUTE,
    random: () => 0.5,
    onListing: (listing) => heard.push(listing),
    ...options,
  });
  running.push(refresher);
  return { ...script, refresher, heard };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  for (const refresher of running.splice(0)) refresher.stop();
  vi.useRealTimers();
});

describe('schedule', () => {
  it('loads at once and then an interval after each end', async () => {
    const { refresher, loads, end, heard } = create();
    refresher.start();
    expect(loads).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(loads).toHaveLength(1);
    await end(one);
    await vi.advanceTimersByTimeAsync(MINUTE - 1);
    expect(loads).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(loads).toHaveLength(2);
    await end(two);
    expect(heard).toEqual([one, two]);
  });

  it.each([
    [0, 54_000],
    [0.25, 57_000],
    [0.999_999, 66_000],
  ])('varies the interval by a tenth: chance %d gives %d ms', async (chance, delay) => {
    const { refresher, loads, end } = create({ random: () => chance });
    refresher.start();
    await end(one);
    await vi.advanceTimersByTimeAsync(delay - 10);
    expect(loads).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(20);
    expect(loads).toHaveLength(2);
  });

  it('waits 1, 2, 4, … s after failures, at most the interval, and a second again after a success', async () => {
    const { refresher, loads, end } = create({ intervalMs: 5_000 });
    refresher.start();
    for (const delay of [1_000, 2_000, 4_000, 5_000, 5_000]) {
      const count = loads.length;
      await end(down);
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(loads).toHaveLength(count);
      await vi.advanceTimersByTimeAsync(1);
      expect(loads).toHaveLength(count + 1);
    }
    await end(one);
    await vi.advanceTimersByTimeAsync(5_000);
    const count = loads.length;
    await end(down);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(loads).toHaveLength(count + 1);
  });

  it.each(['upstream_unauthorized', 'upstream_rate_limited'] as const)(
    'waits for the whole interval after %s',
    async (code) => {
      const { refresher, loads, end } = create();
      refresher.start();
      await end(new BridgeError(code, 'No.'));
      await vi.advanceTimersByTimeAsync(MINUTE - 1);
      expect(loads).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(loads).toHaveLength(2);
    },
  );

  it('tries a listing without a whole type again early, ever later', async () => {
    const { refresher, loads, end } = create();
    const partial: CatalogListing = { ...one, problems: [{ providerType: 'mcp', message: 'Down.' }] };
    refresher.start();
    await end(partial);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(loads).toHaveLength(2);
    await end(partial);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(loads).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(loads).toHaveLength(3);
  });

  it('keeps to the interval when a single provider has a problem', async () => {
    const { refresher, loads, end } = create();
    refresher.start();
    await end({ ...one, problems: [{ providerType: 'mcp', providerId: 'm', message: 'Down.' }] });
    await vi.advanceTimersByTimeAsync(MINUTE - 1);
    expect(loads).toHaveLength(1);
  });

  it('without an interval loads again only after a failure', async () => {
    const { refresher, loads, end } = create({ intervalMs: 0 });
    refresher.start();
    await end(down);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(loads).toHaveLength(2);
    await end(one);
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(loads).toHaveLength(2);
  });

  it('does not run wild with an interval beyond what a timer holds', async () => {
    const { refresher, loads, end } = create({ intervalMs: 90 * 24 * 60 * MINUTE });
    refresher.start();
    await end(one);
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(loads).toHaveLength(1);
  });

  it('never keeps the process alive', async () => {
    vi.useRealTimers();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const { refresher } = create({ source: { list: () => Promise.resolve(one) } });
    await refresher.refresh();
    const [timer] = timers.mock.results.map(({ value }) => value as NodeJS.Timeout);
    timers.mockRestore();
    expect(timer?.hasRef()).toBe(false);
  });
});

describe('refresh', () => {
  it('joins the load that runs', async () => {
    const { refresher, loads, end } = create();
    refresher.start();
    const answers = Promise.all([refresher.refresh(), refresher.refresh()]);
    await end(one);
    expect(await answers).toEqual([one, one]);
    expect(loads).toHaveLength(1);
  });

  it('loads at once between two loads, and restarts the interval', async () => {
    const { refresher, loads, end } = create();
    refresher.start();
    await end(one);
    await vi.advanceTimersByTimeAsync(MINUTE / 2);
    const answer = refresher.refresh();
    expect(loads).toHaveLength(2);
    await end(two);
    expect(await answer).toEqual(two);
    await vi.advanceTimersByTimeAsync(MINUTE - 1);
    expect(loads).toHaveLength(2);
  });

  it('when fresh, runs once more after the load that runs, however often it was asked', async () => {
    const { refresher, loads, end } = create();
    refresher.start();
    const fresh = [refresher.refresh({ fresh: true }), refresher.refresh({ fresh: true })];
    const joined = refresher.refresh();
    expect(loads).toHaveLength(1);
    await end(one);
    expect(await joined).toEqual(one);
    expect(loads).toHaveLength(2);
    await end(two);
    expect(await Promise.all(fresh)).toEqual([two, two]);
    expect(loads).toHaveLength(2);
  });

  it('when fresh, runs once more after a load that fails', async () => {
    const { refresher, loads, end } = create();
    refresher.start();
    const fresh = refresher.refresh({ fresh: true });
    await end(down);
    expect(loads).toHaveLength(2);
    await end(one);
    expect(await fresh).toEqual(one);
  });

  it('when fresh and idle, is an ordinary load', async () => {
    const { refresher, loads, end } = create();
    const answer = refresher.refresh({ fresh: true });
    await end(one);
    expect(await answer).toEqual(one);
    expect(loads).toHaveLength(1);
  });

  it('never runs two loads at once, though one is begun where a fresh one was due', async () => {
    const { refresher, loads, end } = create();
    const first = refresher.refresh();
    const next = first.then(() => refresher.refresh());
    const fresh = refresher.refresh({ fresh: true });
    await end(one);
    expect(loads).toHaveLength(2);
    await end(two);
    expect(await Promise.all([next, fresh])).toEqual([two, two]);
  });

  it('rejects with what went wrong', async () => {
    const { refresher, end } = create();
    const failure = errorOf(refresher.refresh());
    await end(down);
    expect(await failure).toBe(down);
  });
});

describe('what is reported', () => {
  it('has a status: listing, time and last error', async () => {
    const { refresher, end } = create();
    expect(refresher.status()).toEqual({
      listing: undefined,
      loadedAt: undefined,
      lastError: undefined,
      stale: [],
    });
    vi.setSystemTime(new Date('2026-11-22T10:00:00Z'));
    refresher.start();
    await end(one);
    const loadedAt = new Date('2026-11-22T10:00:00Z');
    expect(refresher.status()).toEqual({ listing: one, loadedAt, lastError: undefined, stale: [] });
    await vi.advanceTimersByTimeAsync(MINUTE);
    await end(down);
    expect(refresher.status()).toEqual({
      listing: one,
      loadedAt,
      lastError: 'No connection to Dify.\nStart it.',
      stale: [{ providerType: 'api', since: loadedAt, message: 'No connection to Dify.' }],
    });
    await vi.advanceTimersByTimeAsync(1_000);
    await end(two);
    expect(refresher.status()).toMatchObject({ listing: two, lastError: undefined, stale: [] });
  });

  it('reports begin, listing and failure', async () => {
    const events: string[] = [];
    const { refresher, end } = create({
      onStart: () => events.push('start'),
      onListing: () => events.push('listing'),
      onFailure: (error) => events.push(error.code),
    });
    refresher.start();
    await end(down);
    await vi.advanceTimersByTimeAsync(1_000);
    await end(one);
    expect(events).toEqual(['start', 'upstream_unreachable', 'start', 'listing']);
  });

  it('keeps the providers of a type whose list failed', async () => {
    const { refresher, end, heard } = create();
    refresher.start();
    await end({ providers: [provider('api', 'x'), provider('mcp', 'm')], problems: [] });
    await vi.advanceTimersByTimeAsync(MINUTE);
    await end({ providers: [provider('mcp', 'm')], problems: [{ providerType: 'api', message: 'Down.' }] });
    expect(heard[1]?.providers.map(({ id }) => id)).toEqual(['x', 'm']);
    expect(refresher.status().listing?.problems).toHaveLength(1);
  });

  it('wraps what is no BridgeError', async () => {
    const failures: BridgeError[] = [];
    const { refresher, end } = create({ onFailure: (error) => failures.push(error) });
    refresher.start();
    await end(new TypeError('oops'));
    expect(failures[0]).toMatchObject({ code: 'internal', cause: { message: 'oops' } });
  });

  it('warns of the same failure once and says when it is over', async () => {
    const logger = recordingLogger();
    const { refresher, end } = create({ logger });
    refresher.start();
    await end(down);
    await vi.advanceTimersByTimeAsync(1_000);
    await end(down);
    await vi.advanceTimersByTimeAsync(2_000);
    await end(one);
    await vi.advanceTimersByTimeAsync(MINUTE);
    await end(one);
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'debug', 'info']);
  });
});

describe('what is stale', () => {
  const both: CatalogListing = { providers: [provider('builtin', 'a'), provider('api', 'x')], problems: [] };
  const withoutA: CatalogListing = {
    providers: [provider('api', 'x')],
    problems: [{ providerType: 'builtin', providerId: 'a', message: 'Timed out.' }],
  };
  const at = (clock: string): Date => new Date(`2026-11-22T${clock}Z`);
  const parts = (refresher: CatalogRefresher) =>
    refresher.status().stale.map(({ providerType, providerId, since }) => [providerType, providerId, since]);

  it('is as old as the listing that had it last, however often it is missed since', async () => {
    const { refresher, end } = create();
    vi.setSystemTime(at('10:00:00'));
    refresher.start();
    await end(both);
    await vi.advanceTimersByTimeAsync(MINUTE);
    await end(withoutA);
    expect(parts(refresher)).toEqual([['builtin', 'a', at('10:00:00')]]);
    expect(refresher.status().stale[0]?.message).toBe('Timed out. The tools listed before stay published.');
    await vi.advanceTimersByTimeAsync(MINUTE);
    await end(withoutA);
    expect(parts(refresher)).toEqual([['builtin', 'a', at('10:00:00')]]);
    await vi.advanceTimersByTimeAsync(MINUTE);
    await end(down);
    expect(parts(refresher)).toEqual([
      ['builtin', undefined, at('10:02:00')],
      ['builtin', 'a', at('10:00:00')],
      ['api', undefined, at('10:02:00')],
    ]);
    await vi.advanceTimersByTimeAsync(1_000);
    await end(both);
    expect(parts(refresher)).toEqual([]);
  });

  it('is nothing before anything was listed, nor what merely has a problem', async () => {
    const { refresher, end } = create();
    refresher.start();
    await end(down);
    expect(refresher.status().stale).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    await end(withoutA);
    expect(refresher.status().stale).toEqual([]);
  });

  it('is kept from what was known at the start', async () => {
    vi.setSystemTime(at('09:00:00'));
    const { refresher, end, heard } = create({ initial: both });
    expect(refresher.status()).toMatchObject({ listing: both, loadedAt: undefined, stale: [] });
    refresher.start();
    await vi.advanceTimersByTimeAsync(2_000);
    await end(withoutA);
    expect(heard[0]?.providers.map(({ id }) => id)).toEqual(['a', 'x']);
    expect(parts(refresher)).toEqual([['builtin', 'a', at('09:00:00')]]);
  });
});

describe('what has not changed', () => {
  const key = { id: 'c1', name: 'first' };
  const listing = (more: Partial<CatalogListing> = {}): CatalogListing =>
    structuredClone({ ...one, credentials: new Map([['a', [key]]]), ...more });

  /** What two loads in a row hand on. */
  async function loadTwice(...listings: readonly [CatalogListing, CatalogListing]) {
    const { refresher, end, heard } = create();
    refresher.start();
    await end(listings[0]);
    await vi.advanceTimersByTimeAsync(MINUTE);
    await end(listings[1]);
    return heard as [CatalogListing, CatalogListing];
  }

  it('is the same object as before: providers and credentials, each for itself', async () => {
    const [first, same] = await loadTwice(listing(), listing());
    expect(same.providers).toBe(first.providers);
    expect(same.credentials).toBe(first.credentials);

    const problems = [{ providerType: 'mcp', providerId: 'm', message: 'Down.' } as const];
    const [before, renamed] = await loadTwice(
      listing(),
      listing({ problems, credentials: new Map([['a', [{ ...key, name: 'other' }]]]) }),
    );
    expect(renamed.providers).toBe(before.providers);
    expect(renamed).toMatchObject({ problems, credentials: new Map([['a', [{ ...key, name: 'other' }]]]) });
  });

  it('is distinguished from a change, even of one word of one tool', async () => {
    const [tool] = one.providers[0]?.tools ?? [];
    const changed = { ...provider('api', 'one'), tools: [{ ...tool, description: { en_US: 'New.' } }] };
    const [first, second] = await loadTwice(listing(), listing({ providers: [changed as never] }));
    expect(second.providers).not.toBe(first.providers);
    expect(second.providers).toEqual([changed]);
    expect(second.credentials).toBe(first.credentials);
  });
});

describe('stop', () => {
  it('aborts a load that runs and answers all who wait', async () => {
    const { refresher, loads, heard } = create();
    refresher.start();
    const joined = errorOf(refresher.refresh());
    const fresh = errorOf(refresher.refresh({ fresh: true }));
    refresher.stop();
    expect(loads[0]?.signal.aborted).toBe(true);
    loads[0]?.settle(one);
    expect((await joined).code).toBe('shutting_down');
    expect((await fresh).code).toBe('shutting_down');
    expect(heard).toEqual([]);
    expect(loads).toHaveLength(1);
  });

  it('tells nobody of a failure that it caused', async () => {
    const failures: BridgeError[] = [];
    const { refresher, end } = create({ onFailure: (error) => failures.push(error) });
    refresher.start();
    refresher.stop();
    await end(new BridgeError('cancelled', 'Aborted.'));
    expect(failures).toEqual([]);
    expect(refresher.status().lastError).toBeUndefined();
  });

  it('ends the timers and refuses further loads', async () => {
    const { refresher, loads, end } = create();
    refresher.start();
    await end(one);
    refresher.stop();
    expect(vi.getTimerCount()).toBe(0);
    await expect(refresher.refresh()).rejects.toMatchObject({ code: 'shutting_down' });
    refresher.start();
    expect(loads).toHaveLength(1);
  });
});
