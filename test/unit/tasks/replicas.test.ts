// @module-tag redis
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { TasksOptions } from '../../../src/tasks/tasks.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import { createRedisCalls } from '../../../src/tasks/redis-calls.ts';
import { errorOf } from '../../support/error-of.ts';
import { connectTo, keysOf, type RedisServer, sharedRedis, startRedis } from '../../support/redis-server.ts';
import { answer, type Bench, bench, callIdOf, textOf } from '../../support/task-bench.ts';

const redis = await sharedRedis();

interface Replica extends Bench {
  /** Names of all keys in Redis. */
  keys(): Promise<readonly string[]>;
  /** Ends it like a killed process, without a report. */
  kill(): Promise<void>;
}

interface ReplicaOptions extends Partial<Omit<TasksOptions, 'caller'>> {
  readonly leaseMs?: number;
  readonly after?: number | 'off';
  readonly server?: RedisServer;
}

/** One replica on a Redis. */
async function replica(url: string, options: ReplicaOptions = {}): Promise<Replica> {
  const { keepMs = 60_000, maxBytes = 1_000_000, leaseMs = 2000, after = 100 } = options;
  const connection = await connectTo(url);
  const shared = createRedisCalls({ connection, keepMs, maxBytes, leaseMs });
  const made = bench({ keepMs, maxBytes, shared, after });
  onTestFinished(() => made.tasks.close());
  return {
    ...made,
    keys: () => keysOf(connection),
    kill: () => connection.close(),
  };
}

async function pair(options?: ReplicaOptions): Promise<[Replica, Replica]> {
  const url = redis.newUrl();
  return [await replica(url, options), await replica(url, options)];
}

/** Asks for a result; a wait may be as long as the limit of the replica's view lets it. */
function get(at: Replica, callId: string, seconds = 0, principal?: string) {
  if (seconds > 0) at.rules.after = 20_000;
  const args = { call_id: callId, wait_seconds: seconds };
  return at.own('get_call_result', args, principal === undefined ? {} : { principal });
}

async function keyTaken(at: Replica): Promise<boolean> {
  return (await at.keys()).some((name) => name.includes(':key:'));
}

const key = { idempotencyKey: 'order-1' };

describe('a call that was handed off by one replica', () => {
  it('is known to another at once, which waits for its result and gives it more than once', async () => {
    const [a, b] = await pair({ after: 3000 });
    a.rules.after = 50;
    const callId = callIdOf(await a.call());
    expect(textOf(await get(b, callId))).toMatch(/^slow is still running \(\d s\)/);
    // The other replica does not look by itself again: it has to be told.
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const waiting = get(b, callId, 2);
    await pause(50);
    a.runs[0]?.end({ ...answer('done'), structuredContent: { n: 1 } });
    expect(await waiting).toEqual({ ...answer('done'), structuredContent: { n: 1 } });
    vi.useRealTimers();
    expect(await get(b, callId)).toEqual({ ...answer('done'), structuredContent: { n: 1 } });
    expect(await get(a, callId)).toEqual({ ...answer('done'), structuredContent: { n: 1 } });
    expect((await b.calls.get(callId, 'local')).status).toBe('completed');
  });

  it('tells another replica of its progress', async () => {
    const [a, b] = await pair({ after: 50 });
    const callId = callIdOf(await a.call());
    const heard: string[] = [];
    b.rules.after = 5000;
    const waiting = b.own(
      'get_call_result',
      { call_id: callId, wait_seconds: 4 },
      { observer: { progress: (message) => heard.push(message) } },
    );
    a.runs[0]?.observer.progress?.('Read 3 pages');
    await expect.poll(() => heard).toEqual(['Read 3 pages']);
    expect(textOf(await get(b, callId))).toContain('last progress: "Read 3 pages"');
    a.runs[0]?.end(answer('done'));
    await waiting;
  });

  it('is cancelled by another, which closes the request to Dify', async () => {
    const [a, b] = await pair();
    const callId = callIdOf(await a.call());
    const cancelled = await b.own('cancel_call', { call_id: callId });
    expect(textOf(cancelled)).toMatch(/^The call of slow was cancelled/);
    expect(a.runs[0]?.signal.aborted).toBe(true);
    expect(await get(b, callId)).toMatchObject({ isError: true });
    expect((await b.calls.get(callId, 'local')).status).toBe('cancelled');
    expect(textOf(await b.own('cancel_call', { call_id: callId }))).toContain('had already ended');
  });

  it('is a task that another may ask for and cancel', async () => {
    const [a, b] = await pair();
    const callId = callIdOf(await a.call({ waiting: 'task' }));
    expect(await b.calls.get(callId, 'local')).toMatchObject({ status: 'working', tool: 'slow' });
    await b.calls.cancel(callId, 'local');
    await expect.poll(async () => (await b.calls.get(callId, 'local')).status).toBe('cancelled');
  });

  it.each([
    ['fails in the tool', 'tool_failed', 'completed'],
    ['breaks off', 'stream_broken', 'failed'],
    ['is ended by the bridge as it stops', 'shutting_down', 'failed'],
  ] as const)('and %s is the same error anywhere', async (_, code, status) => {
    const [a, b] = await pair();
    const callId = callIdOf(await a.call());
    a.runs[0]?.fail(new BridgeError(code, 'Something happened.', { hint: 'Do this.' }));
    expect(textOf(await get(b, callId, 1))).toBe('Something happened.\nDo this.');
    const state = await b.calls.get(callId, 'local');
    expect(state.status).toBe(status);
    expect(state.error?.code).toBe(status === 'failed' ? code : undefined);
  });

  it('and crashed is an error with its words anywhere', async () => {
    const [a, b] = await pair();
    const callId = callIdOf(await a.call());
    a.runs[0]?.crash(new BridgeError('busy', 'Too much.'));
    expect(textOf(await get(b, callId, 1))).toBe('Too much.');
  });

  it('is found only by its principal and view, neither of which is in Redis', async () => {
    const [a, b] = await pair();
    const callId = callIdOf(await a.call({ principal: 'ada-the-principal' }));
    expect(textOf(await get(b, callId, 0, 'bob'))).toMatch(/^Unknown call ID "call_/);
    expect(await errorOf(b.calls.get(callId, 'bob'))).toMatchObject({ code: 'call_not_found' });
    expect(textOf(await b.own('cancel_call', { call_id: callId }, { principal: 'bob' }))).toMatch(
      /^Unknown call ID/,
    );
    const other = bench({ with: b, view: 'other' });
    const attempt = await other.own(
      'get_call_result',
      { call_id: callId },
      { principal: 'ada-the-principal' },
    );
    expect(textOf(attempt)).toMatch(/^Unknown call ID/);
    expect(a.runs[0]?.signal.aborted).toBe(false);
    expect(textOf(await get(b, callId, 0, 'ada-the-principal'))).toContain('is still running');
    a.runs[0]?.end(answer('done'));
    expect((await a.keys()).join()).not.toContain('ada');
  });

  it('expires for all', async () => {
    const [a, b] = await pair({ keepMs: 2000 });
    const callId = callIdOf(await a.call());
    a.runs[0]?.end(answer('done'));
    expect(await get(b, callId, 0.1)).toEqual(answer('done'));
    await expect.poll(async () => textOf(await get(b, callId))).toMatch(/^Unknown call ID/);
    expect(textOf(await get(a, callId))).toMatch(/^Unknown call ID/);
  });

  it('outlives its replica once it has ended', async () => {
    const [a, b] = await pair();
    const callId = callIdOf(await a.call());
    a.runs[0]?.end(answer('done'));
    // What has ended is published by the close at the latest.
    await get(a, callId, 15);
    await a.tasks.close();
    await a.kill();
    expect(await get(b, callId)).toEqual(answer('done'));
  });

  it('is lost with its replica, and its callers are informed', async () => {
    const [a, b] = await pair({ leaseMs: 400 });
    const callId = callIdOf(await a.call());
    const waiting = get(b, callId, 15);
    await pause(50);
    await a.kill();
    const result = await waiting;
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(
      /^The result of the call of slow was lost: the replica of the bridge that ran it is gone/,
    );
    expect(textOf(result)).toContain('check there before you call it again');
    expect(await b.calls.get(callId, 'local')).toMatchObject({
      status: 'failed',
      error: { code: 'call_not_found' },
    });
    expect(textOf(await b.own('cancel_call', { call_id: callId }))).toContain('had already ended (failed)');
  });
});

describe('results in Redis', () => {
  it('are evicted for those of other replicas, the oldest first, and their callers learn why', async () => {
    const [a, b] = await pair({ maxBytes: 1000 });
    const ids: string[] = [];
    for (const at of [a, b, a]) {
      at.rules.after = 50;
      const callId = callIdOf(await at.call());
      at.runs.at(-1)?.end(answer('x'.repeat(400)));
      await get(b, callId, 1);
      ids.push(callId);
    }
    const [first = '', second = '', third = ''] = ids;
    await expect.poll(async () => textOf(await get(b, first))).toMatch(/was evicted to store newer ones/);
    for (const callId of [second, third]) expect((await get(a, callId)).isError).toBeUndefined();
  });

  it('that are larger than all room are not kept', async () => {
    const [a, b] = await pair({ maxBytes: 1000 });
    const callId = callIdOf(await a.call());
    a.runs[0]?.end(answer('x'.repeat(2000)));
    const result = await get(b, callId, 1);
    expect(textOf(result)).toMatch(/result of 20\d\d bytes is larger than the bridge stores/);
  });
});

describe('calls with the same key', () => {
  it('are one call on all replicas, and all get its result, also afterwards', async () => {
    const [a, b] = await pair({ after: 3000 });
    const calls = [a.call(key), b.call(key), a.call(key), b.call(key)];
    await expect.poll(() => a.runs.length + b.runs.length).toBe(1);
    await pause(100);
    expect(a.runs.length + b.runs.length).toBe(1);
    (a.runs[0] ?? b.runs[0])?.end(answer('once'));
    for (const result of await Promise.all(calls)) expect(result).toEqual(answer('once'));
    expect(await a.call(key)).toEqual(answer('once'));
    expect(await b.call(key)).toEqual(answer('once'));
    expect(a.runs.length + b.runs.length).toBe(1);
  });

  it('are refused with other arguments', async () => {
    const [a, b] = await pair({ after: 3000 });
    void a.call(key, { n: 1 });
    await expect.poll(() => a.runs.length).toBe(1);
    expect(textOf(await b.call(key, { n: 2 }))).toContain('with other arguments');
    expect(b.runs).toHaveLength(0);
  });

  it('are handed off from each other', async () => {
    const [a, b] = await pair({ after: 100 });
    const callId = callIdOf(await a.call(key));
    expect(callIdOf(await b.call(key))).toBe(callId);
    a.runs[0]?.end(answer('late'));
    expect(await b.call(key)).toEqual(answer('late'));
  });

  it('are cancelled when the last waiter on any replica has left, and then start again', async () => {
    const [a, b] = await pair({ after: 5000 });
    const [first, second] = [new AbortController(), new AbortController()];
    void a.call({ ...key, signal: first.signal });
    await expect.poll(() => a.runs.length).toBe(1);
    const joined = b.call({ ...key, signal: second.signal });
    // The word that another waits has no answer that could be awaited.
    await pause(500);
    first.abort();
    await pause(100);
    expect(a.runs[0]?.signal.aborted).toBe(false);
    second.abort();
    await joined;
    await expect.poll(() => a.runs[0]?.signal.aborted).toBe(true);
    await expect.poll(() => keyTaken(a)).toBe(false);
    void b.call(key);
    await expect.poll(() => b.runs.length).toBe(1);
  });

  it.each([
    ['tool_failed', 0],
    ['busy', 1],
    ['cancelled', 1],
  ] as const)('after %s make %i further calls', async (code, expected) => {
    const [a, b] = await pair({ after: 3000 });
    const first = a.call(key);
    await expect.poll(() => a.runs.length).toBe(1);
    a.runs[0]?.fail(new BridgeError(code, 'Something.'));
    await first;
    await expect.poll(() => keyTaken(a)).toBe(expected === 0);
    const next = b.call(key);
    const outcome = async (): Promise<unknown> => [b.runs.length, b.runs.length > 0 || textOf(await next)];
    await expect.poll(outcome).toEqual([expected, expected > 0 || 'Something.']);
    b.runs[0]?.end(answer('again'));
    await next;
  });

  it('are free again where a key was taken and nothing started, as when the answer of Redis came too late', async () => {
    const connection = await connectTo(redis.newUrl());
    const shared = createRedisCalls({ connection, keepMs: 60_000, maxBytes: 1000, leaseMs: 300 });
    const claim = (callId: string) => {
      const call = { callId, tool: 'slow', status: 'working', startedAt: 0, changedAt: 0 } as const;
      const scope = { scope: 'order-1', argumentsDigest: 'digest' };
      return shared.claim({ call, isOver: false, owner: 'ada', key: scope });
    };
    expect(await claim('call_1')).toBeUndefined();
    expect(await claim('call_2')).toEqual({ callId: 'call_1', argumentsDigest: 'digest' });
    await expect.poll(() => claim('call_3')).toBeUndefined();
  });

  it('are not started a second time when their replica is gone', async () => {
    const [a, b] = await pair({ leaseMs: 400, after: 5000 });
    void a.call(key);
    await expect.poll(() => a.runs.length).toBe(1);
    await a.kill();
    const result = await b.call(key);
    expect(textOf(result)).toMatch(/was lost: the replica of the bridge that ran it is gone/);
    expect(b.runs).toHaveLength(0);
  });
});

describe('while Redis is away', () => {
  it('calls go on, also past hand-off, and those with a key are refused', async () => {
    const server = await startRedis();
    const url = server.newUrl();
    const [a, b] = [await replica(url), await replica(url)];
    await server.kill();
    const quick = a.call();
    a.runs[0]?.end(answer('quick'));
    expect(await quick).toEqual(answer('quick'));
    const callId = callIdOf(await a.call());
    // Its own replica knows it; another cannot tell.
    expect(textOf(await get(a, callId))).toContain('is still running');
    expect(textOf(await get(b, callId))).toMatch(
      /^The Redis that stores files and results cannot be reached/,
    );
    const refused = await a.call(key);
    expect(textOf(refused)).toMatch(/Without it, idempotency keys do not work\.\nNothing was sent to Dify/);
    expect(a.runs).toHaveLength(2);
    // A call that ended meanwhile is published after the reconnect.
    a.runs[1]?.end(answer('late'));
    expect(await get(a, callId)).toEqual(answer('late'));
    await server.start();
    await expect.poll(async () => textOf(await get(b, callId))).toBe('late');
  });

  it('what goes on is known again after Redis has lost everything', async () => {
    const server = await startRedis();
    const url = server.newUrl();
    const [a, b] = [await replica(url), await replica(url)];
    const callId = callIdOf(await a.call(key));
    await server.kill();
    await server.start();
    await expect.poll(async () => textOf(await get(b, callId))).toContain('is still running');
    const joined = b.call(key);
    a.runs[0]?.end(answer('late'));
    expect(await joined).toEqual(answer('late'));
    expect(b.runs).toHaveLength(0);
  });
});

it('a replica that goes says so, so that nobody waits for its calls', async () => {
  const [a, b] = await pair({ leaseMs: 60_000 });
  const callId = callIdOf(await a.call());
  await a.tasks.close();
  await a.kill();
  expect(textOf(await get(b, callId))).toMatch(/was lost: the replica of the bridge that ran it is gone/);
  expect((await b.keys()).filter((name) => name.includes(':replica:'))).toHaveLength(1);
});
