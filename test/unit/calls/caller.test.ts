import { EventEmitter, getEventListeners, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Caller, type CallerOptions } from '../../../src/calls/caller.ts';
import type { CallObserver } from '../../../src/model/call.ts';
import type { CallEnd, CallFacts, CallRecorder } from '../../../src/model/call-record.ts';
import type { ToolResult } from '../../../src/model/content.ts';
import { BridgeError, type ErrorCode } from '../../../src/model/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { MemoryBudget } from '../../../src/model/memory-budget.ts';
import type { ToolInvokeMessage } from '../../../src/model/message.ts';
import type { InvokeOptions, Invoker } from '../../../src/model/ports.ts';
import type { PublishedTool } from '../../../src/model/registry.ts';
import type { ToolRef } from '../../../src/model/tool.ts';
import { PLACE } from '../../support/test-view.ts';
import type { CallLimitsOptions } from '../../../src/calls/call-limits.ts';
import { callLimits, UNLIMITED_VIEW } from '../../support/call-limits.ts';
import { aTool } from '../../support/published-tool.ts';

type Begin = CallerOptions['results']['begin'];

const text = (value: string): ToolInvokeMessage => ({ type: 'text', text: value });

/** One invocation that a test steers. */
interface Invocation {
  readonly parameters: JsonObject;
  readonly options: InvokeOptions;
  send(message: ToolInvokeMessage): void;
  finish(error?: unknown): void;
  /** The stream was closed by its reader. */
  closed: boolean;
}

/** An invoker whose streams wait for the test. `obedient`: an aborted signal ends the stream. */
function steered(obedient = true): Invoker & { readonly invocations: Invocation[] } {
  const invocations: Invocation[] = [];
  return {
    invocations,
    invoke(_ref, parameters, options) {
      const steps: (() => IteratorResult<ToolInvokeMessage>)[] = [];
      let wake: (() => void) | undefined;
      const add = (step: () => IteratorResult<ToolInvokeMessage>): void => {
        steps.push(step);
        wake?.();
      };
      const invocation: Invocation = {
        parameters,
        options,
        closed: false,
        send: (message) => add(() => ({ done: false, value: message })),
        finish: (error) =>
          add(() => {
            if (error !== undefined) throw error;
            return { done: true, value: undefined };
          }),
      };
      if (obedient)
        options.signal.addEventListener('abort', () => invocation.finish(new Error('socket closed')));
      invocations.push(invocation);
      return {
        [Symbol.asyncIterator]: () => ({
          async next() {
            while (steps.length === 0) {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            }
            return (steps.shift() as () => IteratorResult<ToolInvokeMessage>)();
          },
          async return() {
            invocation.closed = true;
            return { done: true, value: undefined };
          },
        }),
      };
    },
  };
}

const PLUGIN: ToolRef = { providerType: 'builtin', providerId: 'acme/kit/kit', tool: 't' };

const LIMITS = { maxImageBytes: 1, maxInlineBytes: 1, maxTextChars: 1 };

/** What was read of a call, in place of its result. */
interface Reading {
  readonly messages: readonly ToolInvokeMessage[];
  readonly error?: BridgeError;
}

/** Reads everything, as what makes the results does. */
const readAll: Begin = () => {
  const messages: ToolInvokeMessage[] = [];
  let error: BridgeError | undefined;
  return {
    add: (message) => void messages.push(message),
    fail: (failure) => void (error = failure),
    end: async () => result({ messages, error }),
  };
};

function result(reading: unknown): ToolResult {
  return reading as ToolResult;
}

/** A caller whose calls a test makes in one step. */
function callerWith({
  maxConcurrent = 2,
  maxQueued = 2,
  limits,
  ...options
}: Partial<Omit<CallerOptions, 'limits'>> & {
  invoker: Invoker;
  maxConcurrent?: number;
  maxQueued?: number;
  limits?: Partial<CallLimitsOptions>;
}) {
  const caller = new Caller({
    files: { store: () => Promise.reject(new Error('no files expected')) },
    results: { begin: readAll },
    userId: '',
    timeoutMs: 60_000,
    limits: callLimits({ maxConcurrent, maxQueued, ...limits }),
    memory: new MemoryBudget(Number.POSITIVE_INFINITY),
    place: PLACE,
    ...options,
  });
  return {
    get running() {
      return caller.running;
    },
    close: (graceMs: number) => caller.close(graceMs),
    /** Resolves with what was read; rejects where the arguments do not fit. */
    async call(
      tool: PublishedTool,
      args: unknown,
      {
        signal,
        observer,
        principal = 'local',
      }: {
        readonly signal: AbortSignal;
        readonly observer?: CallObserver;
        readonly principal?: string;
      },
    ): Promise<unknown> {
      const checked = caller.check(tool, { args, view: 'default', principal }, 1000);
      const request = { tool, ...checked, args, principal, view: UNLIMITED_VIEW, limits: LIMITS };
      return caller.call(request, { signal, observer });
    },
    async start(...call: Parameters<typeof this.call>): Promise<readonly ToolInvokeMessage[]> {
      const { messages, error } = (await this.call(...call)) as Reading;
      if (error !== undefined) throw error;
      return messages;
    },
  };
}

const idleSignal = (): AbortSignal => new AbortController().signal;

/** The messages, or the error that ended them. */
function outcomeOf(
  call: Promise<readonly ToolInvokeMessage[]>,
): Promise<BridgeError | readonly ToolInvokeMessage[]> {
  return call.catch((error: unknown) => error as BridgeError);
}

async function errorOf(call: Promise<readonly ToolInvokeMessage[]>): Promise<BridgeError> {
  const outcome = await outcomeOf(call);
  if (!(outcome instanceof BridgeError)) throw new Error('the call did not fail with a BridgeError');
  return outcome;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A recorder that notes how calls ended. */
function recordedCalls(): { recorder: CallRecorder; ends: (CallFacts & CallEnd)[] } {
  const ends: (CallFacts & CallEnd)[] = [];
  const recorder: CallRecorder = {
    started: (facts) => ({ ended: (end) => void ends.push({ ...facts, ...end }) }),
  };
  return { recorder, ends };
}

describe('a call', () => {
  it('passes the messages of one invocation on', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, userId: 'end-user' });
    const args = Object.freeze({ q: 'x' });
    const outcome = outcomeOf(caller.start(aTool({ credentialId: 'c-1' }), args, { signal: idleSignal() }));
    await settle();
    expect(caller.running).toBe(1);
    const [invocation] = invoker.invocations;
    invocation?.send(text('a'));
    invocation?.send(text('b'));
    invocation?.finish();
    expect(await outcome).toEqual([text('a'), text('b')]);
    expect(invoker.invocations).toHaveLength(1);
    expect(invocation?.parameters).toEqual({ q: 'x' });
    expect(invocation?.options).toMatchObject({ userId: 'end-user', credentialId: 'c-1' });
    expect(invocation?.options.signal.aborted).toBe(false);
    expect(caller.running).toBe(0);
  });

  it('names no credential where the tool has none', async () => {
    const invoker = steered();
    const outcome = outcomeOf(callerWith({ invoker }).start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    expect(invoker.invocations[0]?.options.credentialId).toBeUndefined();
    invoker.invocations[0]?.finish();
    await outcome;
  });

  it('has its arguments checked before it waits for a slot', async () => {
    const invoker = steered();
    const { recorder, ends } = recordedCalls();
    const caller = callerWith({ invoker, recorder, maxConcurrent: 1, maxQueued: 0 });
    const first = outcomeOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    const wrong = aTool({ parseArguments: () => ({ ok: false, problems: [] }) });
    expect((await errorOf(caller.start(wrong, {}, { signal: idleSignal() }))).code).toBe('invalid_arguments');
    expect(ends).toMatchObject([{ outcome: 'invalid_arguments', tool: 'acme__tool', view: 'default' }]);
    invoker.invocations[0]?.finish();
    await first;
  });

  it('with wrong arguments sends nothing and lists every problem', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker });
    const problems = [
      { path: '/city', message: 'required' },
      { path: '/days', message: 'expected a number' },
    ];
    const error = await errorOf(
      caller.start(aTool({ parseArguments: () => ({ ok: false, problems }) }), {}, { signal: idleSignal() }),
    );
    expect(error.code).toBe('invalid_arguments');
    expect(error.problems).toEqual(problems);
    expect(error.toText()).toBe(
      [
        'The arguments do not fit the tool acme__tool: 2 problems.',
        '- /city: required',
        '- /days: expected a number',
        'Nothing was sent to Dify. Correct the arguments and call again.',
      ].join('\n'),
    );
    expect(invoker.invocations).toEqual([]);
  });

  it('with arguments that are nested too deeply to be written says so, and sends and records none of them', async () => {
    const invoker = steered();
    const { recorder, ends } = recordedCalls();
    const caller = callerWith({ invoker, recorder });
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    const error = await errorOf(caller.start(aTool(), { deep }, { signal: idleSignal() }));
    expect(error.code).toBe('invalid_arguments');
    expect(error.toText()).toContain('the arguments are nested too deeply');
    expect(ends).toMatchObject([{ outcome: 'invalid_arguments', args: undefined }]);
    expect(invoker.invocations).toEqual([]);
  });

  it('that ends while a message is read leaves no rejection of its stream unhandled', async () => {
    const invoker = steered();
    const controller = new AbortController();
    const begin: Begin = (context) => ({ ...readAll(context), add: () => controller.abort() });
    const caller = callerWith({ invoker, results: { begin } });
    const outcome = errorOf(caller.start(aTool(), {}, { signal: controller.signal }));
    await settle();
    invoker.invocations[0]?.send(text('a'));
    expect((await outcome).code).toBe('cancelled');
    await settle();
  });

  it('passes the errors of the invocation on, and never tries again', async () => {
    const invoker = steered();
    const failure = new BridgeError('tool_failed', 'kaput');
    const messages = callerWith({ invoker }).start(aTool(), {}, { signal: idleSignal() });
    const outcome = outcomeOf(messages);
    await settle();
    invoker.invocations[0]?.send(text('before'));
    invoker.invocations[0]?.finish(failure);
    expect(await outcome).toBe(failure);
    expect(invoker.invocations).toHaveLength(1);
  });

  it('hides what is no BridgeError', async () => {
    const invoker: Invoker = {
      invoke: () => {
        throw new TypeError('inside');
      },
    };
    const caller = callerWith({ invoker });
    const error = await errorOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    expect(error).toMatchObject({ code: 'internal', message: 'The bridge failed unexpectedly.' });
    expect(caller.running).toBe(0);
  });

  const rejected = (status: number) =>
    new BridgeError('upstream_rejected', 'no default provider', {
      upstream: { status, path: '/inner/api/invoke/tool' },
    });

  const failed = (status: number) =>
    new BridgeError('upstream_error', 'x', { upstream: { status, path: '/inner/api/invoke/tool' } });

  it('trusts what Dify says about credentials more than its list', async () => {
    const invoker = steered();
    const outcome = errorOf(
      callerWith({ invoker }).start(aTool({ authorized: false }), {}, { signal: idleSignal() }),
    );
    await settle();
    invoker.invocations[0]?.finish(rejected(400));
    expect((await outcome).code).toBe('upstream_rejected');
    expect(invoker.invocations[0]?.options.providerLabel).toBe('Acme Kit');
  });

  it.each<[ErrorCode, string, string]>([
    [
      'upstream_unauthorized',
      'Check the key.',
      'Do not retry; tell the user what the operator of the bridge must do: Check the key.',
    ],
    ['upstream_not_ready', 'Do not retry; wait.', 'Do not retry; wait.'],
    ['upstream_forbidden', 'Set the role.', 'Do not retry; tell the user: Set the role.'],
    [
      'upstream_unreachable',
      'Check that Dify is running.',
      'Do not retry at once; tell the user: Check that Dify is running.',
    ],
    ['upstream_unreachable', 'Whether it took effect is unknown.', 'Whether it took effect is unknown.'],
    ['upstream_error', 'See the log.', 'Do not retry at once; tell the user: See the log.'],
    ['tool_failed', 'Check it.', 'Check it.'],
  ])('says for whom the advice about %s is', async (code, hint, expected) => {
    const invoker = steered();
    const outcome = errorOf(callerWith({ invoker }).start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    invoker.invocations[0]?.finish(new BridgeError(code, 'x', { hint }));
    expect(await outcome).toMatchObject({ code, message: 'x', hint: expected });
  });

  it.each<[string, boolean, BridgeError, boolean]>([
    ['a tool that is gone', true, new BridgeError('tool_gone', 'x'), true],
    ['an internal error', true, failed(500), true],
    ['credentials that the list has', true, new BridgeError('provider_unauthorized', 'x'), true],
    ['credentials that the list lacks too', false, new BridgeError('provider_unauthorized', 'x'), false],
    ['a refused argument', true, rejected(400), false],
    ['a failure of the tool', true, new BridgeError('tool_failed', 'x'), false],
  ])('says whether the list may be stale: %s', async (_, authorized, failure, stale) => {
    const invoker = steered();
    const onStale = vi.fn<() => void>();
    const call = callerWith({ invoker, onStale });
    const outcome = errorOf(call.start(aTool({ authorized }), {}, { signal: idleSignal() }));
    await settle();
    invoker.invocations[0]?.finish(failure);
    await outcome;
    expect(onStale).toHaveBeenCalledTimes(stale ? 1 : 0);
  });

  it('tells the observer of a silent plugin, before and after a message, and no more at the end', async () => {
    const invoker = steered();
    const call = callerWith({ invoker, silenceMs: 5 });
    const said: string[] = [];
    const heard = new EventEmitter();
    const progress = (message: string): void => void (said.push(message), heard.emit('progress'));
    const ended = call.start(aTool({ ref: PLUGIN }), {}, { signal: idleSignal(), observer: { progress } });
    await once(heard, 'progress');
    invoker.invocations[0]?.send(text('a'));
    await once(heard, 'progress');
    invoker.invocations[0]?.finish();
    await ended;
    const count = said.length;
    await delay(20);
    expect(said).toHaveLength(count);
    expect(new Set(said.map((line) => line.startsWith('The plugin has sent nothing for')))).toEqual(
      new Set([true]),
    );
  });

  it('of a tool without credentials says so whatever the arguments, which are not listed, and that the list may be stale', async () => {
    const tool = aTool({
      authorized: false,
      parseArguments: () => ({ ok: false, problems: [{ path: '/to', message: 'is required' }] }),
    });
    const onStale = vi.fn<() => void>();
    const caller = callerWith({ invoker: steered(), onStale });
    for (let calls = 0; calls < 20; calls += 1) {
      await expect(caller.call(tool, {}, { signal: idleSignal() })).rejects.toMatchObject({
        code: 'provider_unauthorized',
        message: 'Acme Kit has no credentials in this Dify workspace, so this tool cannot run.',
      });
    }
    // Many such calls do not make the bridge list the tools as many times.
    expect(onStale).toHaveBeenCalledOnce();
  });

  const breaks: Begin = (context) => ({
    ...readAll(context),
    add: () => {
      throw new Error('FAKE-FAILURE');
    },
  });

  it('is closed when its result cannot be made', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, results: { begin: breaks } });
    const call = caller.call(aTool(), {}, { signal: idleSignal() });
    await settle();
    invoker.invocations[0]?.send(text('a'));
    await call;
    expect(invoker.invocations[0]?.closed).toBe(true);
    expect(caller.running).toBe(0);
  });

  it('gives its slot back even when closing the stream throws', async () => {
    const invoker: Invoker = {
      invoke: () => ({
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false, value: text('a') }),
          return: () => {
            throw new Error('already closed');
          },
        }),
      }),
    };
    const caller = callerWith({ invoker, results: { begin: breaks } });
    await caller.call(aTool(), {}, { signal: idleSignal() });
    expect(caller.running).toBe(0);
  });

  it('is recorded with its facts and its end', async () => {
    const invoker = steered();
    const { recorder, ends } = recordedCalls();
    const caller = callerWith({ invoker, recorder });
    const good = outcomeOf(caller.start(aTool(), { secret: 'FAKE-ARGUMENT' }, { signal: idleSignal() }));
    const bad = outcomeOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    invoker.invocations[0]?.options.exchange?.received(40);
    invoker.invocations[0]?.send(text('FAKE-RESULT'));
    invoker.invocations[0]?.finish();
    await good;
    invoker.invocations[1]?.finish(new BridgeError('tool_failed', 'FAKE-RESULT'));
    await bad;
    const facts = { ...PLACE, tool: 'acme__tool', ref: aTool().ref, view: 'default', principal: 'local' };
    const durationMs = expect.any(Number) as number;
    const args = { secret: 'FAKE-ARGUMENT' };
    expect(ends).toEqual([
      { ...facts, args, outcome: 'ok', messages: 1, bytes: 40, durationMs },
      { ...facts, args: {}, outcome: 'tool_failed', messages: 0, bytes: 0, durationMs },
    ]);
  });
});

describe('limits', () => {
  it('lets calls wait in order and refuses those that are too many', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, maxConcurrent: 1, maxQueued: 2 });
    const outcomes = [1, 2, 3].map((n) => outcomeOf(caller.start(aTool(), { n }, { signal: idleSignal() })));
    await settle();
    const refused = await errorOf(caller.start(aTool(), { n: 4 }, { signal: idleSignal() }));
    expect(refused.code).toBe('busy');
    expect(refused.message).toBe(
      'The bridge is busy: 1 calls are running (limit 1) and 2 are waiting (limit 2).',
    );
    for (const n of [1, 2, 3]) {
      expect(invoker.invocations.map(({ parameters }) => parameters['n'])).toEqual([1, 2, 3].slice(0, n));
      expect(caller.running).toBe(1);
      invoker.invocations[n - 1]?.finish();
      await outcomes[n - 1];
      await settle();
    }
    expect(caller.running).toBe(0);
  });

  it('takes no waiting call at all with a queue of none', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, maxConcurrent: 1, maxQueued: 0 });
    const first = outcomeOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    expect((await errorOf(caller.start(aTool(), {}, { signal: idleSignal() }))).code).toBe('busy');
    invoker.invocations[0]?.finish();
    await first;
  });

  it('lets a cancelled call leave the queue and keeps the order of the others', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, maxConcurrent: 1, maxQueued: 2 });
    const controller = new AbortController();
    const first = outcomeOf(caller.start(aTool(), { n: 1 }, { signal: idleSignal() }));
    const second = errorOf(caller.start(aTool(), { n: 2 }, { signal: controller.signal }));
    const third = outcomeOf(caller.start(aTool(), { n: 3 }, { signal: idleSignal() }));
    await settle();
    controller.abort();
    expect((await second).toText()).toBe('The call was cancelled.\nThe tool was not started.');
    const fourth = outcomeOf(caller.start(aTool(), { n: 4 }, { signal: idleSignal() }));
    for (const [index, outcome] of [first, third, fourth].entries()) {
      await settle();
      invoker.invocations[index]?.finish();
      await outcome;
    }
    expect(invoker.invocations.map(({ parameters }) => parameters['n'])).toEqual([1, 3, 4]);
  });

  it('gives the slot on when a call ends in the moment in which it gets it', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, maxConcurrent: 1, maxQueued: 2 });
    const controller = new AbortController();
    const first = new AbortController();
    const outcomes = [
      outcomeOf(caller.start(aTool(), { n: 1 }, { signal: first.signal })),
      outcomeOf(caller.start(aTool(), { n: 2 }, { signal: controller.signal })),
      outcomeOf(caller.start(aTool(), { n: 3 }, { signal: idleSignal() })),
    ];
    await settle();
    // The first abort hands the slot to the second call, whose own abort follows before it can run.
    first.abort();
    controller.abort();
    await settle();
    expect(invoker.invocations.map(({ parameters }) => parameters['n'])).toEqual([1, 3]);
    invoker.invocations[1]?.finish();
    await Promise.all(outcomes);
    expect(caller.running).toBe(0);
  });

  it('never runs more than allowed, whatever happens to the calls', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, maxConcurrent: 3, maxQueued: 100 });
    const controllers = Array.from({ length: 60 }, () => new AbortController());
    const outcomes = controllers.map(({ signal }, n) => outcomeOf(caller.start(aTool(), { n }, { signal })));
    for (let round = 0; round < 60; round += 1) {
      await settle();
      expect(caller.running).toBeLessThanOrEqual(3);
      controllers[(round * 7) % 60]?.abort();
      invoker.invocations[round % invoker.invocations.length]?.finish();
    }
    await Promise.all(outcomes);
    expect(caller.running).toBe(0);
  });
});

describe('cancellation', () => {
  it('before the start sends nothing', async () => {
    const invoker = steered();
    const error = await errorOf(callerWith({ invoker }).start(aTool(), {}, { signal: AbortSignal.abort() }));
    expect(error.code).toBe('cancelled');
    expect(invoker.invocations).toEqual([]);
  });

  it.each([
    ['workflow', true, 'Dify stops the workflow'],
    ['workflow', false, 'the tool runs to its end in Dify'],
    ['builtin', true, 'the tool runs to its end in Dify'],
  ] as const)(
    'of a tool of type %s says what Dify does (stops workflows: %s)',
    async (providerType, stops, hint) => {
      const invoker = { ...steered(), stopsWorkflows: stops };
      const caller = callerWith({ invoker });
      const controller = new AbortController();
      const tool = aTool({ ref: { providerType, providerId: 'one', tool: 'tool' } });
      const outcome = errorOf(caller.start(tool, {}, { signal: controller.signal }));
      await settle();
      controller.abort();
      expect((await outcome).hint).toContain(hint);
    },
  );

  it.each([true, false])('in the stream closes the request (stream that obeys: %s)', async (obedient) => {
    const invoker = steered(obedient);
    const caller = callerWith({ invoker });
    const controller = new AbortController();
    const outcome = errorOf(caller.start(aTool(), {}, { signal: controller.signal }));
    await settle();
    invoker.invocations[0]?.send(text('a'));
    await settle();
    controller.abort();
    const error = await outcome;
    expect(error.code).toBe('cancelled');
    expect(error.hint).toContain('the tool runs to its end in Dify');
    expect(invoker.invocations[0]?.options.signal.aborted).toBe(true);
    expect(invoker.invocations[0]?.closed).toBe(true);
    expect(caller.running).toBe(0);
  });

  it('leaves no listener on a signal that outlives the call', async () => {
    const invoker = steered();
    const { signal } = new AbortController();
    const outcome = outcomeOf(callerWith({ invoker }).start(aTool(), {}, { signal }));
    await settle();
    expect(getEventListeners(signal, 'abort')).not.toEqual([]);
    invoker.invocations[0]?.finish();
    await outcome;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('deadline', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    [300_000, '5 minutes'],
    [60_000, '1 minute'],
    [90_000, '90 seconds'],
    [1500, '1.5 seconds'],
    [250, '250 ms'],
  ])('after %i ms ends a call that runs', async (timeoutMs, words) => {
    const invoker = steered(false);
    const caller = callerWith({ invoker, timeoutMs });
    const outcome = errorOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    vi.advanceTimersByTime(timeoutMs - 1);
    await settle();
    expect(caller.running).toBe(1);
    vi.advanceTimersByTime(1);
    expect((await outcome).toText()).toBe(
      `The tool did not finish within ${words}.\nDify may still be running it: check there before calling again.`,
    );
    expect(invoker.invocations[0]?.options.signal.aborted).toBe(true);
    expect(caller.running).toBe(0);
  });

  it('counts the time in the queue', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, timeoutMs: 1000, maxConcurrent: 1 });
    void outcomeOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    const waiting = errorOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    vi.advanceTimersByTime(1000);
    const error = await waiting;
    expect(error).toMatchObject({
      code: 'deadline_exceeded',
      message: 'The call could not be sent to Dify within 1 second.',
    });
    expect(invoker.invocations).toHaveLength(1);
  });

  it('leaves no timer behind, and none fires early for a limit beyond what timers take', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, timeoutMs: 2 ** 40 });
    const call = async (n: number): Promise<void> => {
      const outcome = outcomeOf(caller.start(aTool(), {}, { signal: idleSignal() }));
      await settle();
      vi.advanceTimersByTime(10_000);
      invoker.invocations[n]?.finish();
      expect(await outcome).toEqual([]);
    };
    await call(0);
    // The counts of this minute.
    const before = vi.getTimerCount();
    await call(1);
    expect(vi.getTimerCount()).toBe(before);
  });
});

/** Waits for what ends the call after its messages, as a file that is still being fetched does. */
const waitsForEnd: Begin = (context) => ({
  ...readAll(context),
  async end() {
    const { signal } = context;
    if (!signal.aborted) await once(signal, 'abort');
    return result(signal.reason);
  },
});

describe('what follows the messages of a call', () => {
  /** A call whose messages are over. */
  async function following(
    options: { timeoutMs?: number; results?: { begin: Begin } } = {},
    signal = idleSignal(),
  ) {
    const invoker = steered();
    const caller = callerWith({ results: { begin: waitsForEnd }, ...options, invoker });
    const reason = caller.call(aTool(), {}, { signal });
    await settle();
    invoker.invocations[0]?.finish();
    await settle();
    expect(caller.running).toBe(0);
    return { caller, reason };
  }

  it('ends with its caller', async () => {
    const controller = new AbortController();
    const { reason } = await following({}, controller.signal);
    controller.abort();
    expect(await reason).toMatchObject({ code: 'cancelled' });
  });

  it('ends after the time of a whole call', async () => {
    const { reason } = await following({ timeoutMs: 50 });
    expect(await reason).toMatchObject({ code: 'deadline_exceeded' });
  });

  it('is given the grace when the bridge stops, and ended after it', async () => {
    const patient: Begin = (context) => ({
      ...readAll(context),
      async end() {
        await settle();
        await settle();
        await settle();
        return result('done');
      },
    });
    const first = await following({ results: { begin: patient } });
    await first.caller.close(60_000);
    expect(await first.reason).toBe('done');

    const second = await following();
    await second.caller.close(5);
    expect(await second.reason).toMatchObject({ code: 'shutting_down' });
  });
});

describe('file arguments', () => {
  const tool = aTool({
    fileParameters: [{ name: 'f' }, { name: 'fs' }, { name: 'absent' }],
  });
  const given = { f: { data: 'aGk=', filename: 'a' } };

  it('are stored before the one invocation, for whose call it is', async () => {
    const invoker = steered();
    const files: CallerOptions['files'] = {
      async store(asked, parameters, { principal, signal }) {
        expect(invoker.invocations).toEqual([]);
        expect([asked, parameters, principal, signal.aborted]).toEqual([tool, given, 'anna', false]);
        return { f: { tool_file_id: 1 } };
      },
    };
    const caller = callerWith({ invoker, files });
    const outcome = outcomeOf(caller.start(tool, given, { signal: idleSignal(), principal: 'anna' }));
    await settle();
    expect(invoker.invocations[0]?.parameters).toEqual({ f: { tool_file_id: 1 } });
    invoker.invocations[0]?.finish();
    expect(await outcome).toEqual([]);
  });

  it('are none of a tool that takes none', async () => {
    const invoker = steered();
    const outcome = outcomeOf(callerWith({ invoker }).start(aTool(), given, { signal: idleSignal() }));
    await settle();
    expect(invoker.invocations[0]?.parameters).toEqual(given);
    invoker.invocations[0]?.finish();
    await outcome;
  });

  it('that cannot be stored end the call before the invocation', async () => {
    const invoker = steered();
    const failure = new BridgeError('upstream_unreachable', 'No connection.');
    const caller = callerWith({ invoker, files: { store: () => Promise.reject(failure) } });
    expect(await errorOf(caller.start(tool, given, { signal: idleSignal() }))).toBe(failure);
    expect(invoker.invocations).toEqual([]);
    expect(caller.running).toBe(0);
  });

  it('can be cancelled while they are stored, even when nobody there listens', async () => {
    const invoker = steered();
    let seen: AbortSignal | undefined;
    const files: CallerOptions['files'] = {
      store: (_tool, _parameters, { signal }) => {
        seen = signal;
        return new Promise(() => undefined);
      },
    };
    const caller = callerWith({ invoker, files });
    const controller = new AbortController();
    const outcome = errorOf(caller.start(tool, given, { signal: controller.signal }));
    await settle();
    expect(caller.running).toBe(1);
    controller.abort();
    expect((await outcome).code).toBe('cancelled');
    expect(seen?.aborted).toBe(true);
    expect(invoker.invocations).toEqual([]);
    expect(caller.running).toBe(0);
  });
});

describe('close', () => {
  it('refuses new and waiting calls at once and waits for those that run', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker, maxConcurrent: 1 });
    const running = outcomeOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    const waiting = errorOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    let closed = false;
    const closing = caller.close(60_000).then(() => {
      closed = true;
    });
    expect((await waiting).toText()).toBe(
      'The bridge is stopping.\nThe tool was not started. Call again after the bridge has restarted.',
    );
    expect((await errorOf(caller.start(aTool(), {}, { signal: idleSignal() }))).code).toBe('shutting_down');
    await settle();
    expect(closed).toBe(false);
    invoker.invocations[0]?.send(text('a'));
    invoker.invocations[0]?.finish();
    expect(await running).toEqual([text('a')]);
    await closing;
    expect(invoker.invocations).toHaveLength(1);
  });

  it('ends calls that still run after the grace', async () => {
    const invoker = steered(false);
    const caller = callerWith({ invoker });
    const running = errorOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    await caller.close(5);
    const error = await running;
    expect(error).toMatchObject({
      code: 'shutting_down',
      message: 'The bridge is stopping and ended the call.',
    });
    expect(invoker.invocations[0]?.options.signal.aborted).toBe(true);
  });

  it('can be hastened by a second one', async () => {
    const invoker = steered();
    const caller = callerWith({ invoker });
    const running = outcomeOf(caller.start(aTool(), {}, { signal: idleSignal() }));
    await settle();
    await Promise.all([caller.close(60_000), caller.close(0)]);
    expect(await running).toMatchObject({ code: 'shutting_down' });
    await caller.close(60_000);
  });
});
