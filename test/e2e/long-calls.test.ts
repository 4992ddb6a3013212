import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GATE, type GatedSandbox, startGatedSandbox } from '../support/gated-sandbox.ts';
import { connectClient, type TestClient, type TestResult } from '../support/mcp-clients.ts';
import { cleanEnvironment, PROGRAM, type Started, start } from '../support/program.ts';
import { startRaw } from '../support/raw-stdio.ts';

const SLOW = 'workflow__slow_report';
const HAND_OFF = { DIFY_BRIDGE_TOOLS_HAND_OFF: '1s' };

const textOf = (result: Partial<TestResult> = {}): string =>
  (result.content ?? []).map(({ text }) => text).join('\n');

const callIdOf = (result: Partial<TestResult> = {}): string =>
  /"call_id": "(call_[^"]+)"/.exec(textOf(result))?.[1] ?? `not handed off: ${textOf(result)}`;

async function serve(
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Started & { url: string }> {
  const started = start(['serve', '--http', '--port', '0', '-o', 'json', ...args], { env });
  const [line] = await started.match('stdout', /^.*\n/);
  return Object.assign(started, JSON.parse(line) as { url: string });
}

/** What a client with a limit of two seconds gets of a workflow of six, by hand-off and with progress. */
async function survive(client: TestClient) {
  try {
    await client.listPage();
    const patient = { timeoutMs: 2000, resetOnProgress: true, onprogress: () => undefined };
    const withProgress = client.callTool(SLOW, { seconds: 6 }, patient);
    let result = await client.callTool(SLOW, { seconds: 6 }, { timeoutMs: 2000 });
    const callId = callIdOf(result);
    let requests = 1;
    for (; textOf(result).includes('is still running'); requests += 1) {
      result = await client.callTool('get_call_result', { call_id: callId }, { timeoutMs: 2000 });
    }
    return { byHandOff: textOf(result), requests, withProgress: textOf(await withProgress) };
  } finally {
    await client.close();
  }
}

describe.concurrent.each(['v1', 'v2 auto'] as const)('a workflow that outlasts a %s client', (kind) => {
  const env = { ...HAND_OFF, DIFY_BRIDGE_CALLS_PROGRESS_INTERVAL: '500ms' };
  const survived = {
    byHandOff: expect.stringContaining('This took 6 seconds.'),
    withProgress: expect.stringContaining('This took 6 seconds.'),
  };

  it('arrives over standard input and output', async () => {
    const args = [PROGRAM, 'serve', '--sandbox', 'long', '--log-level', 'error'];
    const target = { command: process.execPath, args, env: cleanEnvironment(env) };
    const outcome = await survive(await connectClient(kind, target));
    expect(outcome).toMatchObject(survived);
    expect(outcome.requests).toBeGreaterThan(4);
  });

  it('arrives over HTTP', async () => {
    await using serving = await serve(env, '--sandbox', 'long');
    const outcome = await survive(await connectClient(kind, { url: serving.url }));
    expect(outcome).toMatchObject(survived);
    expect(outcome.requests).toBeGreaterThan(4);
  });
});

describe('SIGTERM and a call that was handed off', () => {
  let dify: GatedSandbox;
  beforeEach(async () => {
    dify = await startGatedSandbox();
  });
  afterEach(() => dify[Symbol.asyncDispose]());

  async function introduced(env: Record<string, string>) {
    const raw = startRaw([], { env: { ...dify.env, ...HAND_OFF, ...env } });
    const clientInfo = { name: 'raw', version: '1' };
    await raw.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    raw.send({ method: 'notifications/initialized' });
    const running = (await raw.request('tools/call', { name: GATE, arguments: { note: 'x' } })).result;
    return { raw, callId: callIdOf(running) };
  }

  async function untilStopping(raw: ReturnType<typeof startRaw>): Promise<void> {
    const turnedAway = async (): Promise<string> =>
      textOf((await raw.request('tools/call', { name: 'time__current_time' })).result);
    await expect.poll(turnedAway).toMatch(/The bridge is stopping\.\nThe tool was not started/);
  }

  it('gives it the grace: who waits for it gets the result, while new calls are refused', async () => {
    const { raw, callId } = await introduced({ DIFY_BRIDGE_CALLS_SHUTDOWN_GRACE: '20s' });
    await using process = raw;
    process.process.child.kill('SIGTERM');
    await untilStopping(raw);
    raw.send({
      id: 'late',
      method: 'tools/call',
      params: { name: 'get_call_result', arguments: { call_id: callId } },
    });
    await untilStopping(raw);
    dify.open();
    expect(textOf((await raw.message(({ id }) => id === 'late')).result)).toBe('passed');
    expect(await raw.process.ended).toMatchObject({ code: 0 });
  });

  it('ends it after the grace, and says so to who waits', async () => {
    const { raw, callId } = await introduced({ DIFY_BRIDGE_CALLS_SHUTDOWN_GRACE: '500ms' });
    await using process = raw;
    const abandoned = dify.abandoned();
    process.process.child.kill('SIGTERM');
    const late = await raw.request('tools/call', { name: 'get_call_result', arguments: { call_id: callId } });
    expect(late.result).toMatchObject({ isError: true });
    expect(textOf(late.result)).toMatch(/stopping and ended the call[^]*may still be running/);
    await abandoned;
    expect(await raw.process.ended).toMatchObject({ code: 0 });
  });

  it('does the same over HTTP, and the bridge that follows knows nothing of it', async () => {
    const env = { ...dify.env, ...HAND_OFF };
    let callId: string;
    {
      await using serving = await serve({ ...env, DIFY_BRIDGE_CALLS_SHUTDOWN_GRACE: '300ms' });
      const client = await connectClient('v1', { url: serving.url });
      callId = callIdOf(await client.callTool(GATE, { note: 'x' }));
      const abandoned = dify.abandoned();
      const late = client.callTool('get_call_result', { call_id: callId });
      serving.child.kill('SIGTERM');
      // Either the wait ends with the grace or before; then it is asked again.
      const answers = [await late];
      if (textOf(answers[0]).includes('is still running')) {
        answers.push(await client.callTool('get_call_result', { call_id: callId }));
      }
      expect(textOf(answers.at(-1))).toMatch(/stopping and ended the call/);
      await abandoned;
      expect(await serving.ended).toMatchObject({ code: 0 });
      await client.close().catch(() => undefined);
    }
    await using serving = await serve(env);
    const client = await connectClient('v2 auto', { url: serving.url });
    const unknown = await client.callTool('get_call_result', { call_id: callId });
    expect(unknown.isError).toBe(true);
    expect(textOf(unknown)).toContain('or was lost in a restart, or the call belongs to another client');
    await client.close();
  });
});
