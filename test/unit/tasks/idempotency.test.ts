import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BridgeError } from '../../../src/model/errors.ts';
import { aTool } from '../../support/published-tool.ts';
import { answer, bench, callIdOf, textOf } from '../../support/task-bench.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const key = { idempotencyKey: 'order-1' };

describe('calls with the same key', () => {
  it('are one call while it runs, and both get its result', async () => {
    const made = bench();
    const calls = [made.call(key, { a: 1, b: [2] }), made.call(key, { b: [2], a: 1 })];
    await pass(10);
    expect(made.runs).toHaveLength(1);
    made.runs[0]?.end(answer('once'));
    expect(await Promise.all(calls)).toEqual([answer('once'), answer('once')]);
  });

  it('get the stored result afterwards, until it expires', async () => {
    const made = bench({ keepMs: 60_000 });
    const first = made.call(key);
    made.runs[0]?.end(answer('once'));
    await first;
    await pass(59_000);
    expect(await made.call(key)).toEqual(answer('once'));
    await pass(1000);
    void made.call(key);
    expect(made.runs).toHaveLength(2);
  });

  it('do not cancel each other by leaving; the last one does', async () => {
    const made = bench();
    const [a, b] = [new AbortController(), new AbortController()];
    void made.call({ ...key, signal: a.signal });
    void made.call({ ...key, signal: b.signal });
    a.abort();
    await pass(0);
    expect(made.runs[0]?.signal.aborted).toBe(false);
    b.abort();
    await pass(0);
    expect(made.runs[0]?.signal.aborted).toBe(true);
  });

  it('start again after a cancellation', async () => {
    const made = bench();
    const leave = new AbortController();
    void made.call({ ...key, signal: leave.signal });
    leave.abort();
    await pass(0);
    void made.call(key);
    expect(made.runs).toHaveLength(2);
    expect(made.runs[1]?.signal.aborted).toBe(false);
  });

  it('join a call that was handed off, and are handed off from it in turn', async () => {
    const made = bench();
    const first = made.call(key);
    await pass(1000);
    const callId = callIdOf(await first);
    const second = made.call(key);
    await pass(1000);
    expect(callIdOf(await second)).toBe(callId);
    expect(made.runs).toHaveLength(1);
    made.runs[0]?.end(answer('late'));
    expect(await made.call(key)).toEqual(answer('late'));
  });

  it('are joined also where nothing is handed off', async () => {
    const made = bench({ after: 'off' });
    const calls = [made.call(key), made.call(key)];
    await pass(0);
    expect(made.runs).toHaveLength(1);
    made.runs[0]?.end(answer('once'));
    expect(await Promise.all(calls)).toEqual([answer('once'), answer('once')]);
  });

  it.each([
    ['tool_failed', 1],
    ['deadline_exceeded', 1],
    ['busy', 2],
    ['invalid_arguments', 2],
    ['upstream_unreachable', 2],
  ] as const)('after %s make %i calls', async (code, expected) => {
    const made = bench();
    const first = made.call(key);
    made.runs[0]?.fail(new BridgeError(code, 'Something.'));
    await first;
    void made.call(key);
    await pass(0);
    expect(made.runs).toHaveLength(expected);
  });
});

describe('what is not the same piece of work', () => {
  it('is refused with other arguments', async () => {
    const made = bench();
    void made.call(key, { a: 1 });
    const other = await made.call(key, { a: 2 });
    expect(other.isError).toBe(true);
    expect(textOf(other)).toMatch(
      /key was already used for a call of slow with other arguments\.\nNothing was sent/,
    );
    expect(made.runs).toHaveLength(1);
  });

  it('is a call of its own: another tool, principal, view or key, and no key at all', async () => {
    const made = bench();
    const other = bench({ with: made, view: 'other' });
    void made.call(key);
    void made.call(key, {}, aTool({ name: 'another' }));
    void made.call({ ...key, principal: 'you' });
    void made.call({ idempotencyKey: 'order-2' });
    void made.call();
    void made.call();
    void other.call(key);
    await pass(0);
    expect(made.runs).toHaveLength(7);
  });
});

it.each(['', 'x'.repeat(257)])('a key of the wrong length is refused', async (idempotencyKey) => {
  const made = bench();
  const result = await made.call({ idempotencyKey });
  expect(result.isError).toBe(true);
  expect(textOf(result)).toContain('1 to 256 characters');
  expect(made.runs).toHaveLength(0);
});
