import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { conformanceProvider } from '../../support/conformance-tools.ts';
import { type RunningBridge, sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const TASKS = 'io.modelcontextprotocol/tasks';

interface Answer {
  readonly status?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** Requests of the 2026 revision as they are on the wire, since no client library follows tasks. */
type Send = (method: string, params: Record<string, unknown>, options?: SendOptions) => Promise<Answer>;

interface SendOptions {
  readonly extensions?: Record<string, unknown>;
  readonly token?: string;
  readonly headers?: Record<string, string>;
}

let sandbox: Sandbox;
let bridge: RunningBridge;
let nextId = 1;

beforeAll(async () => {
  sandbox = await createSandbox({ tools: [conformanceProvider] });
  bridge = await startBridge({
    env: {
      ...sandboxEnv(sandbox),
      DIFY_BRIDGE_TOOLS_NAMES: 'bare',
      DIFY_BRIDGE_TOKEN: 'test-token',
      DIFY_BRIDGE_TOOLS_HAND_OFF: '50s',
    },
  });
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await sandbox.close();
});

function message(
  method: string,
  params: Record<string, unknown>,
  { extensions = { [TASKS]: {} } }: SendOptions = {},
) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { extensions },
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  };
  nextId += 1;
  return { jsonrpc: '2.0', id: nextId, method, params: { ...params, _meta } };
}

async function overHttp(): Promise<Send> {
  const url = await bridge.url();
  return async (method, params, options = {}) => {
    const name = params['name'] ?? params['taskId'];
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${options.token ?? 'test-token'}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
        ...options.headers,
      },
      body: JSON.stringify(message(method, params, options)),
    });
    const text = await response.text();
    const data = /^data: (.*"(?:result|error)":.*)$/m.exec(text)?.[1] ?? text;
    return { status: response.status, ...(JSON.parse(data) as Answer) };
  };
}

async function overStdio(): Promise<Send> {
  const ends = { stdin: new PassThrough(), stdout: new PassThrough() };
  const waiting = new Map<unknown, (answer: Answer) => void>();
  createInterface({ input: ends.stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer & { id?: unknown };
    waiting.get(answer.id)?.(answer);
  });
  void bridge.app.serveStdio(ends);
  return (method, params, options) =>
    new Promise((resolve) => {
      const request = message(method, params, options);
      waiting.set(request.id, resolve);
      ends.stdin.write(`${JSON.stringify(request)}\n`);
    });
}

/** Asks until the task has ended. */
async function ended(send: Send, taskId: unknown): Promise<Record<string, unknown>> {
  let task: Record<string, unknown> = {};
  await expect
    .poll(async () => {
      task = (await send('tasks/get', { taskId })).result ?? {};
      return task['status'];
    })
    .not.toBe('working');
  return task;
}

describe.each([
  ['HTTP', overHttp],
  ['stdio', overStdio],
])('a client of the 2026 revision over %s', (_transport, connect) => {
  let send: Send;
  beforeAll(async () => {
    send = await connect();
  });

  it('gets a quick answer at once', async () => {
    const { result } = await send('tools/call', { name: 'greet', arguments: { name: 'Ada' } });
    expect(result).toMatchObject({
      resultType: 'complete',
      content: [{ type: 'text', text: 'Hello, Ada!' }],
    });
    expect(result).not.toHaveProperty('taskId');
  });

  it('gets a task for a slow one, and its result when it has ended', async () => {
    const { result = {} } = await send('tools/call', {
      name: 'slow_compute',
      arguments: { seconds: 1, label: 'x' },
    });
    expect(result).toMatchObject({
      resultType: 'task',
      taskId: expect.stringMatching(/^call_/),
      status: 'working',
      ttlMs: 3_600_000,
      pollIntervalMs: 1000,
    });
    expect(result).not.toHaveProperty('structuredContent');
    const { taskId } = result;
    expect((await send('tasks/get', { taskId })).result).toMatchObject({ taskId, status: 'working' });
    expect((await send('tasks/update', { taskId, inputResponses: {} })).result).toMatchObject({
      resultType: 'complete',
    });
    const task = await ended(send, taskId);
    expect(task).toMatchObject({
      status: 'completed',
      result: { content: [{ type: 'text', text: 'Computed x for 1 seconds.' }] },
    });
    // The same call by the tool that other clients use.
    const { result: same } = await send('tools/call', {
      name: 'get_call_result',
      arguments: { call_id: taskId },
    });
    expect(same?.['content']).toEqual((task['result'] as { content: unknown }).content);
  });

  it('tells an error of the tool from a call that broke off', async () => {
    const [failing, broken] = await Promise.all(
      ['failing_job', 'protocol_error_job'].map(async (name) => {
        const { result } = await send('tools/call', { name, arguments: {} });
        return ended(send, result?.['taskId']);
      }),
    );
    expect(failing).toMatchObject({
      status: 'completed',
      result: { isError: true, content: [{ text: expect.stringContaining('failed on purpose') }] },
    });
    expect(broken).toMatchObject({
      status: 'failed',
      error: { code: -32_603, message: expect.any(String), data: { code: 'stream_broken' } },
    });
    expect(broken).not.toHaveProperty('result');
  });

  it('cancels a task, again and again, and closes the request to Dify', async () => {
    const { result } = await send('tools/call', { name: 'slow_compute', arguments: { seconds: 60 } });
    const taskId = result?.['taskId'];
    for (const _time of [1, 2]) {
      const { result: acknowledged = {} } = await send('tasks/cancel', { taskId });
      expect(acknowledged).toMatchObject({ resultType: 'complete' });
      expect(acknowledged).not.toHaveProperty('status');
    }
    expect(await ended(send, taskId)).toMatchObject({ status: 'cancelled' });
    expect(bridge.log.some((line) => line.includes('"outcome":"cancelled"'))).toBe(true);
  });

  it('gets no task, and no answer about one, without the extension', async () => {
    const without = { extensions: {} };
    const { result } = await send(
      'tools/call',
      { name: 'slow_compute', arguments: { seconds: 0.8 } },
      without,
    );
    expect(result).toMatchObject({ resultType: 'complete', content: [{ type: 'text' }] });
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const { error } = await send(method, { taskId: 'x' }, without);
      expect(error).toMatchObject({
        code: -32_021,
        data: { requiredCapabilities: { extensions: { [TASKS]: {} } } },
      });
    }
  });

  it('gets -32602 for a task that is not there, or not named', async () => {
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const { error } = await send(method, { taskId: 'call_nonsense' });
      expect(error).toMatchObject({ code: -32_602, data: { code: 'call_not_found' } });
      expect((await send(method, {})).error).toMatchObject({ code: -32_602 });
    }
    for (const method of ['tasks/list', 'tasks/result']) {
      expect((await send(method, { taskId: 'x' })).error).toMatchObject({ code: -32_601 });
    }
  });
});

it('belongs to its principal', async () => {
  const [http, stdio] = [await overHttp(), await overStdio()];
  const { result } = await http('tools/call', { name: 'slow_compute', arguments: { seconds: 1 } });
  const taskId = result?.['taskId'];
  expect((await stdio('tasks/get', { taskId })).error).toMatchObject({ code: -32_602 });
  expect((await http('tasks/get', { taskId })).result).toMatchObject({ status: 'working' });
});

it('is named by a header over HTTP', async () => {
  const send = await overHttp();
  const answer = await send('tasks/get', { taskId: 'call_a' }, { headers: { 'mcp-name': 'call_b' } });
  expect(answer).toMatchObject({ status: 400, error: { code: -32_020 } });
});

it('is nothing for a client of a 2025 revision', async () => {
  const client = await bridge.connect('v1');
  expect(client.capabilities).not.toHaveProperty('extensions');
  const modern = await bridge.connect('v2 pinned');
  expect(modern.capabilities).toMatchObject({ extensions: { [TASKS]: {} } });
});
