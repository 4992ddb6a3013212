import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BridgeError } from '../../../src/model/errors.ts';
import { fakeLog } from '../../support/fake-bridge.ts';
import { aTool } from '../../support/published-tool.ts';
import { answer, type Bench, bench, callIdOf, textOf } from '../../support/task-bench.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

/** A call that was handed off, and its id. */
async function handedOff(made: Bench): Promise<string> {
  const call = made.call();
  await pass(1000);
  return callIdOf(await call);
}

describe('a call that ends in time', () => {
  it('is answered as if there were no hand-off', async () => {
    const made = bench();
    const call = made.call();
    await pass(999);
    made.runs[0]?.end(answer('done'));
    expect(await call).toEqual(answer('done'));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is nobody’s business afterwards', async () => {
    const made = bench();
    const call = made.call();
    made.runs[0]?.end(answer('done'));
    await call;
    expect(made.tasks.started).toHaveLength(1);
    expect(
      await made.tasks.find(made.tasks.started[0] ?? '', { view: 'default', principal: 'local' }),
    ).toBeUndefined();
  });

  it('is cancelled by its caller', async () => {
    const made = bench();
    const leave = new AbortController();
    const call = made.call({ signal: leave.signal });
    leave.abort();
    expect(await call).toMatchObject({ isError: true });
    expect(made.runs[0]?.signal.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('never starts for a caller who has left already', async () => {
    const made = bench();
    await made.call({ signal: AbortSignal.abort() });
    expect(made.runs[0]?.signal.aborted).toBe(true);
  });
});

describe('an argument that a hand-off tool does not have', () => {
  it('is ignored, and the answer names it', async () => {
    const made = bench();
    const args = { call_id: await handedOff(made), wait_seconds: 0, toolCallId: 'x' };
    const running = made.own('get_call_result', args);
    await pass(0);
    const ended = ['cancel_call', 'get_call_result'].map((name) => made.own(name, args));
    for (const answered of [running, ...ended]) {
      expect(textOf(await answered)).toMatch(
        /\nIgnored, because the tool has no such argument: .*"toolCallId"\.$/,
      );
    }
  });
});

describe('a call that takes longer', () => {
  it('is answered with what is known, as text and as structured content', async () => {
    const made = bench({ after: 50_000 });
    const call = made.call();
    await pass(20_000);
    made.runs[0]?.observer.log?.(fakeLog('Fetching pages', 'start'));
    await pass(30_000);
    const result = await call;
    const callId = callIdOf(result);
    expect(callId).toMatch(/^call_[\w-]{22}$/);
    expect(textOf(result)).toBe(
      'slow is still running (50 s, last progress: "Fetching pages"); this is not its result yet. ' +
        `Call get_call_result with {"call_id": "${callId}"}. ` +
        'Do not call slow again: that would start it twice. cancel_call gives it up.',
    );
    expect(result.structuredContent).toEqual({ status: 'running', call_id: callId, next: textOf(result) });
    expect(result.isError).toBeUndefined();
    expect(made.runs[0]?.signal.aborted).toBe(false);
  });

  it('leaves out of the structured content what the tool itself promises under that name', async () => {
    const made = bench();
    const outputSchema = { type: 'object', properties: { status: { type: 'number' } } };
    const tool = aTool({ name: 'report', outputSchema });
    const call = made.call({}, {}, tool);
    await pass(1000);
    const result = await call;
    expect(result.structuredContent).not.toHaveProperty('status');
    expect(result.structuredContent).toMatchObject({ call_id: callIdOf(result) });
  });

  it('goes on when the request that started it is gone', async () => {
    const made = bench();
    const leave = new AbortController();
    const call = made.call({ signal: leave.signal });
    await pass(1000);
    const callId = callIdOf(await call);
    leave.abort();
    expect(made.runs[0]?.signal.aborted).toBe(false);
    made.runs[0]?.end(answer('late'));
    expect(await made.own('get_call_result', { call_id: callId })).toEqual(answer('late'));
  });

  it.each([
    ['the view hands nothing off', bench({ after: 'off' }), 'plain'],
    ['its caller hears of progress', bench(), 'progress'],
  ] as const)('is waited for where %s', async (_why, made, waiting) => {
    const call = made.call({ waiting });
    await pass(600_000);
    made.runs[0]?.end(answer('patience'));
    expect(await call).toEqual(answer('patience'));
  });

  it('is handed off in spite of progress where the view says so', async () => {
    const made = bench({ withProgress: true });
    const call = made.outcome({ waiting: 'progress' });
    await pass(1000);
    expect(await call).toMatchObject({ kind: 'running', state: { status: 'working', tool: 'slow' } });
  });

  it('becomes a task sooner, and whatever the view says', async () => {
    const made = bench({ after: 'off' });
    const call = made.call({ waiting: 'task' });
    await pass(500);
    expect((await made.calls.get(callIdOf(await call), 'local')).status).toBe('working');
  });
});

describe('get_call_result', () => {
  it('answers the result as the tool itself would, errors and structured content included, as often as asked', async () => {
    const made = bench();
    const callId = await handedOff(made);
    const result = { ...answer('{"n":1}'), structuredContent: { n: 1 } };
    made.runs[0]?.end(result);
    expect(await made.own('get_call_result', { call_id: callId })).toEqual(result);
    expect(await made.own('get_call_result', { call_id: callId })).toEqual(result);

    const failing = await handedOff(made);
    made.runs[1]?.fail(new BridgeError('tool_failed', 'No.'));
    expect(await made.own('get_call_result', { call_id: failing })).toEqual({
      ...answer('No.'),
      isError: true,
    });
  });

  it('waits below the limit of the view, and says so again when that was not enough', async () => {
    const made = bench({ after: 50_000 });
    const call = made.call();
    await pass(50_000);
    const callId = callIdOf(await call);
    const [getResult] = made.calls.toolsFor(made.rules);
    expect(getResult?.inputSchema).toMatchObject({
      properties: { wait_seconds: { minimum: 0, maximum: 45, default: 45 } },
    });
    const waiting = made.own('get_call_result', { call_id: callId });
    await pass(44_999);
    let isAnswered = false;
    void waiting.then(() => (isAnswered = true));
    await pass(0);
    expect(isAnswered).toBe(false);
    await pass(1);
    const again = await waiting;
    expect(textOf(again)).toContain('is still running (95 s)');
    expect(callIdOf(again)).toBe(callId);
  });

  it('answers as soon as the call ends, and looks only with wait_seconds 0', async () => {
    const made = bench();
    const callId = await handedOff(made);
    const look = made.own('get_call_result', { call_id: callId, wait_seconds: 0 });
    await pass(0);
    expect(callIdOf(await look)).toBe(callId);
    const waiting = made.own('get_call_result', { call_id: callId });
    await pass(100);
    made.runs[0]?.end(answer('now'));
    expect(await waiting).toEqual(answer('now'));
    expect(vi.getTimerCount()).toBe(1);
  });

  it('tells its own caller of progress while it waits', async () => {
    const made = bench();
    const callId = await handedOff(made);
    const seen: string[] = [];
    const observer = { progress: (message: string) => void seen.push(message) };
    const waiting = made.own('get_call_result', { call_id: callId }, { observer });
    await pass(10);
    made.runs[0]?.observer.progress?.('Received 1 message');
    made.runs[0]?.end(answer('x'));
    await waiting;
    made.runs[0]?.observer.progress?.('too late');
    expect(seen).toEqual(['Received 1 message']);
  });

  it('cancels nothing but its own wait when its caller leaves', async () => {
    const made = bench();
    const callId = await handedOff(made);
    const leave = new AbortController();
    const waiting = made.own('get_call_result', { call_id: callId }, { signal: leave.signal });
    await pass(10);
    leave.abort();
    await waiting;
    expect(made.runs[0]?.signal.aborted).toBe(false);
  });

  it('names what is wrong with its arguments', async () => {
    const made = bench();
    const missing = await made.own('get_call_result', {});
    expect(missing.isError).toBe(true);
    expect(textOf(missing)).toContain('/call_id');
    const tooLong = await made.own('get_call_result', { call_id: 'x', wait_seconds: 500 });
    expect(textOf(tooLong)).toContain('/wait_seconds');
  });
});

describe('cancel_call', () => {
  it('closes the request to Dify and says what that means', async () => {
    const made = bench();
    const callId = await handedOff(made);
    const result = await made.own('cancel_call', { call_id: callId });
    expect(made.runs[0]?.signal.aborted).toBe(true);
    expect(textOf(result)).toMatch(/was cancelled.*it may run to its end there/);
    expect(await made.own('get_call_result', { call_id: callId })).toMatchObject({ isError: true });
    expect((await made.calls.get(callId, 'local')).status).toBe('cancelled');
  });

  it('says so when the call had ended before', async () => {
    const made = bench();
    const callId = await handedOff(made);
    made.runs[0]?.end(answer('kept'));
    await pass(0);
    expect(textOf(await made.own('cancel_call', { call_id: callId }))).toContain(
      'had already ended (completed)',
    );
    expect(await made.own('get_call_result', { call_id: callId })).toEqual(answer('kept'));
  });
});

describe('what is not there', () => {
  it('is one and the same answer for unknown, foreign and expired calls', async () => {
    const made = bench();
    const other = bench({ with: made, view: 'other' });
    const callId = await handedOff(made);
    const ask = async (by: Bench, principal: string, id = callId): Promise<string> => {
      const result = await by.own('get_call_result', { call_id: id, wait_seconds: 0 }, { principal });
      expect(result.isError).toBe(true);
      return textOf(result).replaceAll(id, 'ID');
    };
    const unknown = await ask(made, 'local', 'call_nonsense');
    expect(unknown).toMatch(/Unknown call ID "ID"\.\n.*expired.*lost in a restart/s);
    expect(await ask(made, 'somebody else')).toBe(unknown);
    expect(await ask(other, 'local')).toBe(unknown);
    const foreign = await made.own('cancel_call', { call_id: callId }, { principal: 'somebody else' });
    expect(textOf(foreign).replaceAll(callId, 'ID')).toBe(unknown);
    expect(made.runs[0]?.signal.aborted).toBe(false);
    await expect(made.calls.get(callId, 'somebody else')).rejects.toThrow(/Unknown call ID/);

    made.runs[0]?.end(answer('x'));
    await pass(59_999);
    expect(await made.own('get_call_result', { call_id: callId })).toEqual(answer('x'));
    await pass(1);
    expect(await ask(made, 'local')).toBe(unknown);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves other tools, and with hand-off off all of them, to the view', async () => {
    const made = bench();
    expect(await made.own('echo', {})).toEqual(answer('not ours'));
    made.rules.after = 'off';
    expect(await made.own('get_call_result', { call_id: 'x' })).toEqual(answer('not ours'));
    expect(made.calls.toolsFor(made.rules)).toEqual([]);
  });
});

describe('stored results', () => {
  it('are evicted for newer ones, and their callers learn why', async () => {
    const made = bench({ maxBytes: 250 });
    const ids = [];
    for (const index of [0, 1, 2]) {
      ids.push(await handedOff(made));
      made.runs[index]?.end(answer(String(index).repeat(80)));
      await pass(0);
    }
    const results = await Promise.all(ids.map((id) => made.own('get_call_result', { call_id: id })));
    expect(results.map(({ isError = false }) => isError)).toEqual([true, false, false]);
    expect(textOf(results[0] ?? answer(''))).toMatch(
      /was evicted to store newer ones\.\n.*calls\.maxKeptBytes/s,
    );
    expect(await made.calls.get(ids[0] ?? '', 'local')).toMatchObject({
      status: 'failed',
      error: { code: 'call_not_found' },
    });
  });

  it('that are larger than all the room are not kept, and that is said', async () => {
    const made = bench({ maxBytes: 100 });
    const callId = await handedOff(made);
    made.runs[0]?.end(answer('x'.repeat(500)));
    await pass(0);
    expect(textOf(await made.own('get_call_result', { call_id: callId }))).toMatch(
      /its result of \d+ bytes is larger than the bridge stores/,
    );
  });
});

describe('how a call ended', () => {
  it.each([
    ['completed', (made: Bench) => made.runs[0]?.end(answer('x'))],
    ['completed', (made: Bench) => made.runs[0]?.fail(new BridgeError('tool_failed', 'No.'))],
    ['failed', (made: Bench) => made.runs[0]?.fail(new BridgeError('stream_broken', 'Broken.'))],
    ['failed', (made: Bench) => made.runs[0]?.crash(new Error('a fault'))],
  ])('is %s', async (status, end) => {
    const made = bench();
    const callId = await handedOff(made);
    end(made);
    await pass(0);
    const state = await made.calls.get(callId, 'local');
    expect(state.status).toBe(status);
    expect(state.error === undefined).toBe(status === 'completed');
  });

  it('an internal error is thrown to the caller, which logs it', async () => {
    const made = bench();
    const callId = await handedOff(made);
    made.runs[0]?.crash(new Error('a fault'));
    await expect(made.own('get_call_result', { call_id: callId })).rejects.toMatchObject({
      code: 'internal',
    });
  });
});

it('abandons the calls of one principal', async () => {
  const made = bench();
  const [mine, other] = [made.call({ principal: 'me' }), made.call({ principal: 'you' })];
  await pass(1000);
  await Promise.all([mine, other]);
  made.calls.abandon('me');
  expect(made.runs.map(({ signal }) => signal.aborted)).toEqual([true, false]);
});

it('is idle when no call goes on', async () => {
  const made = bench();
  await made.calls.idle(1000);
  await handedOff(made);
  let idle = false;
  void made.calls.idle(5000).then(() => (idle = true));
  await pass(4000);
  expect(idle).toBe(false);
  made.runs[0]?.end(answer('x'));
  await pass(0);
  expect(idle).toBe(true);
});
