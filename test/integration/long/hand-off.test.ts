import { describe, expect, it } from 'vitest';
import { IDEMPOTENCY_KEY_META_KEY } from '../../../src/mcp/idempotency-key.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { CLIENT_KINDS, type TestClient, type TestResult } from '../../support/mcp-clients.ts';
import { type RunningBridge, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';

const CASES = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));
const SLOW = 'workflow__slow_report';
const CHART = 'paperkite_studio__draw_chart';
const STEPS = 'paperkite_studio__research';
const INVOKE = '/inner/api/invoke/tool';

/** A bridge to a sandbox of its own. */
interface Long extends AsyncDisposable, Pick<RunningBridge, 'connect' | 'log'> {
  readonly sandbox: Sandbox;
  /** Calls that Dify got. */
  invocations(): number;
  /** Calls that were cancelled. */
  cancellations(): number;
}

async function startLong(env: Record<string, string> = {}): Promise<Long> {
  const sandbox = await createSandbox({ tools: 'long' });
  const bridge = await startBridge({
    env: {
      ...sandboxEnv(sandbox),
      DIFY_BRIDGE_TOOLS_HAND_OFF: '400ms',
      DIFY_BRIDGE_CALLS_PROGRESS_INTERVAL: '200ms',
      ...env,
    },
  });
  return {
    sandbox,
    connect: (kind, transport) => bridge.connect(kind, transport),
    log: bridge.log,
    invocations: () => sandbox.requests.filter(({ path }) => path === INVOKE).length,
    cancellations: () => bridge.log.filter((line) => line.includes('"outcome":"cancelled"')).length,
    async [Symbol.asyncDispose]() {
      await bridge[Symbol.asyncDispose]();
      await sandbox.close();
    },
  };
}

const textOf = ({ content }: TestResult): string => content.map(({ text }) => text).join('\n');

function callIdOf(result: TestResult): string {
  const callId = /"call_id": "(call_[^"]+)"/.exec(textOf(result))?.[1];
  expect(callId).toBeDefined();
  return callId ?? '';
}

/** Asks until the call has ended. */
async function resultOf(client: TestClient, callId: string, timeoutMs = 4000): Promise<TestResult> {
  for (;;) {
    const result = await client.callTool('get_call_result', { call_id: callId }, { timeoutMs });
    if (!textOf(result).includes('is still running')) return result;
  }
}

// In tests that run at once, a poll needs the test's own `expect`: the common one does not know whose poll it is.
describe.concurrent.each(CASES)('$kind client over $transport', ({ transport, kind }) => {
  it('that gives up after four seconds gets the result of a tool that takes five', async () => {
    await using bridge = await startLong();
    const client = await bridge.connect(kind, transport);
    const { tools } = await client.listPage();
    expect(tools.map(({ name }) => name)).toEqual(['cancel_call', 'get_call_result', CHART, STEPS, SLOW]);
    const running = await client.callTool(SLOW, { seconds: 5 }, { timeoutMs: 4000 });
    expect(running.isError).toBeUndefined();
    expect(textOf(running)).toContain('is still running');
    // The workflow has an output of that name, which the client would take this for.
    expect(running.structuredContent).toEqual({ call_id: callIdOf(running), next: textOf(running) });
    const result = await resultOf(client, callIdOf(running));
    expect(JSON.parse(textOf(result))).toEqual({ report: 'This took 5 seconds.', status: 'done' });
    expect(bridge.invocations()).toBe(1);
  });

  it('that restarts its limit at each progress gets the result without hand-off', async () => {
    await using bridge = await startLong();
    const client = await bridge.connect(kind, transport);
    let heard = 0;
    const result = await client.callTool(
      SLOW,
      { seconds: 2 },
      { timeoutMs: 1500, resetOnProgress: true, onprogress: () => (heard += 1) },
    );
    expect(result.structuredContent).toEqual({ report: 'This took 2 seconds.', status: 'done' });
    expect(heard).toBeGreaterThan(4);
  });

  it('hears of the steps of a call that was handed off while it waits for it', async ({ expect }) => {
    await using bridge = await startLong();
    const client = await bridge.connect(kind, transport);
    const running = await client.callTool(STEPS, { topic: 'kites', seconds: 5 });
    // Structured content is for clients that see an output schema.
    expect(running.structuredContent).toBeUndefined();
    const look = { call_id: callIdOf(running), wait_seconds: 0 };
    await expect
      .poll(async () => textOf(await client.callTool('get_call_result', look)))
      .toMatch(/ s, last progress: "Read/);
    const seen: (string | undefined)[] = [];
    await client.callTool(
      'get_call_result',
      { call_id: callIdOf(running) },
      { onprogress: ({ message }) => seen.push(message) },
    );
    expect(seen[0]).toBe('Started');
    expect(seen.length).toBeGreaterThan(1);
  });

  it('cancels a call that was handed off', async () => {
    await using bridge = await startLong();
    const client = await bridge.connect(kind, transport);
    const callId = callIdOf(await client.callTool(SLOW, { seconds: 60 }));
    const cancelled = await client.callTool('cancel_call', { call_id: callId });
    expect(textOf(cancelled)).toContain('it may run to its end there');
    expect(bridge.cancellations()).toBe(1);
    const result = await client.callTool('get_call_result', { call_id: callId });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain('The call was cancelled.');
  });

  it('cancels the call by cancelling its request before hand-off, and no more than a wait afterwards', async ({
    expect,
  }) => {
    await using bridge = await startLong({ DIFY_BRIDGE_TOOLS_HAND_OFF: '2s' });
    const client = await bridge.connect(kind, transport);
    const sent = bridge.sandbox.nextRequest(INVOKE);
    const early = new AbortController();
    const call = client.callTool(SLOW, { seconds: 60 }, { signal: early.signal });
    await sent;
    early.abort('enough');
    await expect(call).rejects.toThrow('enough');
    await expect.poll(() => bridge.cancellations()).toBe(1);

    const callId = callIdOf(await client.callTool(STEPS, { topic: 'kites', seconds: 4 }));
    const late = new AbortController();
    const waiting = client.callTool('get_call_result', { call_id: callId }, { signal: late.signal });
    setImmediate(() => late.abort('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(textOf(await resultOf(client, callId, 10_000))).toContain('On kites:');
  });

  it('joins its own calls by an idempotency key', async () => {
    await using bridge = await startLong({ DIFY_BRIDGE_TOOLS_HAND_OFF: 'off' });
    const client = await bridge.connect(kind, transport);
    const { tools } = await client.listPage();
    expect(tools.map(({ name }) => name)).toEqual([CHART, STEPS, SLOW]);
    const options = { meta: { [IDEMPOTENCY_KEY_META_KEY]: 'order-1' } };
    const both = [1, 2].map(() => client.callTool(SLOW, { seconds: 0.5 }, options));
    const results = await Promise.all(both);
    results.push(await client.callTool(SLOW, { seconds: 0.5 }, options));
    for (const result of results) expect(textOf(result)).toContain('This took 0.5 seconds.');
    expect(bridge.invocations()).toBe(1);

    const other = await client.callTool(SLOW, { seconds: 0.6 }, options);
    expect(other.isError).toBe(true);
    expect(textOf(other)).toContain('with other arguments');
    const bad = await client.callTool(SLOW, { seconds: 0 }, { meta: { [IDEMPOTENCY_KEY_META_KEY]: 7 } });
    expect(bad.isError).toBe(true);
    expect(textOf(bad)).toContain('/_meta/io.github.dify-mcp-bridge~1idempotency-key: expected a string');
    expect(bridge.invocations()).toBe(1);
  });
});

describe('a call that was handed off', () => {
  it('is known to its own view only, and to no other principal', async () => {
    await using bridge = await startLong({ DIFY_BRIDGE_TOKEN: 'test-token' });
    const [first, second] = [await bridge.connect('v1'), await bridge.connect('v2 auto')];
    const local = await bridge.connect('v1', 'stdio');
    const callId = callIdOf(await first.callTool(SLOW, { seconds: 2 }));
    const foreign = await local.callTool('get_call_result', { call_id: callId, wait_seconds: 0 });
    expect(foreign.isError).toBe(true);
    expect(textOf(foreign)).toMatch(/^Unknown call ID "call_[\w-]+"\./);
    expect((await local.callTool('cancel_call', { call_id: callId })).isError).toBe(true);
    // The same token, in another session and of another era.
    expect(textOf(await resultOf(second, callId))).toContain('This took 2 seconds.');
  });

  it('expires', async () => {
    await using bridge = await startLong({ DIFY_BRIDGE_CALLS_KEEP_RESULTS: '1s' });
    const client = await bridge.connect('v2 auto');
    const callId = callIdOf(await client.callTool(SLOW, { seconds: 0.6 }));
    expect(textOf(await resultOf(client, callId))).toContain('This took 0.6 seconds.');
    await expect
      .poll(async () => textOf(await client.callTool('get_call_result', { call_id: callId })))
      .toContain('the result expired (results are stored for 1 second after the call ends)');
  });

  it('is ended when the client on standard input is gone', async () => {
    await using bridge = await startLong();
    const client = await bridge.connect('v2 auto', 'stdio');
    await client.callTool(SLOW, { seconds: 60 });
    await client.close();
    await expect.poll(() => bridge.cancellations()).toBe(1);
  });

  it('works in mode search as well, where its tools are listed next to the search tools', async () => {
    await using bridge = await startLong({ DIFY_BRIDGE_TOOLS_MODE: 'search' });
    const client = await bridge.connect('v1');
    const { tools } = await client.listPage();
    expect(tools.map(({ name }) => name)).toEqual([
      'call_tool',
      'cancel_call',
      'describe_tool',
      'get_call_result',
      'search_tools',
    ]);
    const running = await client.callTool('call_tool', { name: SLOW, arguments: { seconds: 1 } });
    expect(textOf(await resultOf(client, callIdOf(running)))).toContain('This took 1 seconds.');
  });
});
