import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GATE, type GatedSandbox, startGatedSandbox } from '../support/gated-sandbox.ts';
import { CLIENT_KINDS, connectClient, type TestClient, type TestProgress } from '../support/mcp-clients.ts';
import { decodePng } from '../support/png.ts';
import { cleanEnvironment, PROGRAM, run, start } from '../support/program.ts';
import { introduce, logLinesIn, messagesIn, type RawStdio, startRaw } from '../support/raw-stdio.ts';

let dify: GatedSandbox;
beforeAll(async () => {
  dify = await startGatedSandbox();
});
afterAll(() => dify[Symbol.asyncDispose]());

interface ImageBlock {
  readonly data: string;
  readonly mimeType: string;
}

interface FileBlock {
  readonly resource: { readonly text: string };
}

const textsOf = (result: unknown): string =>
  (result as { content: { text?: string }[] }).content.map(({ text }) => text ?? '').join('\n');

/** Calls the tool that waits, and resolves when the call has reached Dify. */
async function callGate(raw: RawStdio, id: number | string): Promise<void> {
  const arrived = dify.arrived();
  raw.send({ id, method: 'tools/call', params: { name: GATE, arguments: {} } });
  await arrived;
}

describe.each(CLIENT_KINDS)('the built program over stdio, client %s', (kind) => {
  let client: TestClient;
  beforeAll(async () => {
    const env = cleanEnvironment({
      ...dify.env,
      DIFY_BRIDGE_LOG_LEVEL: 'warn',
      DIFY_BRIDGE_CALLS_MAX_CONCURRENT: '1',
    });
    client = await connectClient(kind, { command: process.execPath, args: [PROGRAM, 'serve'], env });
  });
  afterAll(() => client.close());

  it('lists every published tool', async () => {
    expect(client.serverVersion?.name).toBe('dify-mcp-bridge');
    expect(client.modern).toBe(kind === 'v2 auto' || kind === 'v2 pinned');
    const names = (await client.listPage()).tools.map(({ name }) => name);
    expect(names).toEqual(names.toSorted());
    expect(names).toHaveLength(19);
    expect(names).toEqual(expect.arrayContaining([GATE, 'time__weekday', 'workflow__compare_texts']));
  });

  it('calls one tool of each kind', async () => {
    const builtin = await client.callTool('time__weekday', { year: 2026, month: 11, day: 22 });
    expect(textsOf(builtin)).toBe('November 22, 2026 is Sunday.');
    const api = await client.callTool('api_Pet_store__getPet', { petId: 1 });
    expect(api.isError).not.toBe(true);
    const workflow = await client.callTool('workflow__compare_texts', { first: 'a b', second: 'a c' });
    expect(workflow.structuredContent).toMatchObject({ shared_words: ['a'] });
    const mcp = await client.callTool('mcp_library-desk__search_books', { query: 'kite' });
    expect(textsOf(mcp)).toContain('The Kite Maker');
  });

  it('gets pictures and takes files', async () => {
    const { content } = await client.callTool('paperkite_studio__draw_chart', { values: [1, 2], width: 320 });
    const image = content.find(({ type }) => type === 'image') as unknown as ImageBlock;
    expect(image.mimeType).toBe('image/png');
    expect(decodePng(Buffer.from(image.data, 'base64'))).toMatchObject({ width: 320, height: 200 });

    const document = { filename: 'a.txt', data: Buffer.from('one\ntwo\n').toString('base64') };
    const report = await client.callTool('workflow__text_report', { document });
    const file = report.content.find(({ type }) => type === 'resource') as unknown as FileBlock;
    expect(file.resource.text).toContain('- Lines: 2\n');
  });

  it('gets errors that say what to do', async () => {
    const failed = await client.callTool('paperkite_mishaps__break_midway');
    expect(failed.isError).toBe(true);
    expect(textsOf(failed)).toMatch(/missing on purpose[^]*The first half of the text/);
    const wrong = await client.callTool('time__weekday', { year: 'soon', month: 11 });
    expect(wrong.isError).toBe(true);
    expect(textsOf(wrong)).toMatch(/year: [^]*day: [^]*Nothing was sent to Dify/);
    await expect(client.callTool('time__weekdays')).rejects.toMatchObject({
      code: -32_602,
      message: expect.stringContaining('time__weekday'),
    });
  });

  it('hears of progress while a tool runs', async () => {
    const seen: TestProgress[] = [];
    const result = await client.callTool(
      'paperkite_studio__research',
      { topic: 'kites', seconds: 0.2 },
      { onprogress: (progress) => seen.push(progress) },
    );
    expect(textsOf(result)).toContain('On kites:');
    expect(seen.map(({ progress }) => progress)).toEqual(seen.map((_, index) => index));
    // Not the last one: a client that reads it together with the result forgets it.
    expect(seen.slice(0, 2).map(({ message }) => message)).toEqual(['Started', 'Research kites']);
    expect(seen.length).toBeGreaterThan(5);
  });

  it('cancels a call in Dify, which frees its place', async () => {
    const cancel = new AbortController();
    const [arrived, abandoned] = [dify.arrived(), dify.abandoned()];
    const call = client.callTool(GATE, {}, { signal: cancel.signal });
    await arrived;
    cancel.abort('not needed');
    await expect(call).rejects.toThrow('not needed');
    await abandoned;
    // One call at a time is allowed here: the next one could not run if the first still held its place.
    const next = await client.callTool('time__weekday', { year: 2026, month: 11, day: 23 });
    expect(textsOf(next)).toContain('Monday');
  });
});

describe('standard output', () => {
  it('carries protocol and nothing else through a whole life, and standard error the log', async () => {
    await using raw = startRaw(['--log-level', 'debug'], { env: dify.env });
    // Garbage from the first byte on.
    raw.write('hello?\n\n{"jsonrpc":"2.0"}\n[]\n"text"\n{"id":"none"}\n');
    await introduce(raw);
    const logging = await raw.request('logging/setLevel', { level: 'debug' });
    expect(logging.result).toEqual({});
    raw.write(Buffer.from([0xff, 0xfe, 0x00, 0x0a]));
    raw.write('{"jsonrpc":"2.0","id":\n');
    const unknown = await raw.request('no/such');
    expect(unknown.error?.code).toBe(-32_601);
    const list = await raw.request('tools/list');
    expect(list.result?.['tools']).toHaveLength(19);

    const steps = await raw.request('tools/call', {
      name: 'paperkite_studio__research',
      arguments: { topic: 'x', seconds: 0 },
      _meta: { progressToken: 'p' },
    });
    expect(textsOf(steps.result)).toContain('On x:');
    const failed = await raw.request('tools/call', { name: 'paperkite_mishaps__break_midway' });
    expect(failed.result?.['isError']).toBe(true);
    // A message of several megabytes is no more than that.
    const note = 'n'.repeat(6_000_000);
    const large = await raw.request('tools/call', { name: 'time__weekday', arguments: { note } });
    expect(large.result?.['isError']).toBe(true);

    raw.process.child.stdin.end();
    const { code, stdout, stderr } = await raw.process.ended;
    expect(code).toBe(0);
    const messages = messagesIn(stdout);
    const methods = new Set(messages.map(({ method }) => method));
    expect(methods).toEqual(new Set([undefined, 'notifications/progress', 'notifications/message']));
    const lines = logLinesIn(stderr);
    expect(lines.map(({ msg }) => msg)).toContain('Tool call ended');
    const { innerApiKey, adminApiKey, secretKey } = dify.sandbox.credentials;
    for (const secret of [innerApiKey, adminApiKey, secretKey]) expect(stderr).not.toContain(secret);
  });

  it('stays clean when the configuration is wrong or Dify is away', async () => {
    const missing = await run(['serve']);
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(/Run dify-mcp-bridge login.*not configured/);

    await using raw = startRaw([], { env: { ...dify.env, DIFY_API_URL: 'http://127.0.0.1:9' } });
    expect((await introduce(raw)).result).toMatchObject({ serverInfo: { name: 'dify-mcp-bridge' } });
    const list = await raw.request('tools/list');
    expect(list.error).toMatchObject({ code: -32_603, message: expect.stringMatching(/DIFY_API_URL/) });
    raw.process.child.stdin.end();
    const { code, stdout, stderr } = await raw.process.ended;
    expect(code).toBe(0);
    messagesIn(stdout);
    expect(logLinesIn(stderr).some(({ level }) => level === 'warn')).toBe(true);
  });

  it('may go away: the bridge ends in peace', async () => {
    await using raw = startRaw([], { env: dify.env });
    await introduce(raw);
    raw.process.child.stdout.destroy();
    for (let id = 100; id < 110; id += 1) raw.send({ id, method: 'tools/list' });
    const { code, stderr } = await raw.process.ended;
    expect(code).toBe(0);
    logLinesIn(stderr);
  });
});

describe('the end', () => {
  const endings: readonly [string, (raw: RawStdio) => Promise<void>][] = [
    ['before the first message', async () => undefined],
    ['after the introduction', async (raw) => void (await introduce(raw))],
    [
      'after a call that its client cancelled',
      async (raw) => {
        await introduce(raw);
        await callGate(raw, 'running');
        raw.send({ method: 'notifications/cancelled', params: { requestId: 'running' } });
      },
    ],
  ];

  it.each(endings)(
    'comes when standard input ends %s, without waiting for anything',
    async (when, prepare) => {
      // Waiting for the call would take longer than a test may.
      await using raw = startRaw([], { env: { ...dify.env, DIFY_BRIDGE_CALLS_SHUTDOWN_GRACE: '10m' } });
      const abandoned = dify.abandoned();
      await prepare(raw);
      raw.process.child.stdin.end();
      const { code, signal, stdout, stderr } = await raw.process.ended;
      expect({ code, signal }).toEqual({ code: 0, signal: null });
      messagesIn(stdout);
      logLinesIn(stderr);
      if (when.includes('cancelled')) await abandoned;
    },
  );

  it('waits after the end of standard input for the answer of a running call', async () => {
    await using raw = startRaw([], { env: dify.env });
    await introduce(raw);
    await callGate(raw, 'running');
    raw.process.child.stdin.end();
    dify.open();
    const { code, stdout } = await raw.process.ended;
    expect(code).toBe(0);
    expect(textsOf(messagesIn(stdout).find(({ id }) => id === 'running')?.result)).toBe('passed');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('waits on %s for the answer of a running call', async (signal) => {
    await using raw = startRaw([], { env: dify.env });
    await introduce(raw);
    await callGate(raw, 'running');
    raw.process.child.kill(signal);
    // The signal has arrived once a new call is turned away.
    await expect
      .poll(async () => {
        const turned = await raw.request('tools/call', { name: 'time__current_time' });
        return textsOf(turned.result);
      })
      .toMatch(/stopping/);
    dify.open();
    const answer = await raw.message(({ id }) => id === 'running');
    expect(textsOf(answer.result)).toBe('passed');
    const { code, stdout } = await raw.process.ended;
    expect(code).toBe(0);
    messagesIn(stdout);
  });

  it('does not wait longer than the grace, and still answers', async () => {
    await using raw = startRaw([], { env: { ...dify.env, DIFY_BRIDGE_CALLS_SHUTDOWN_GRACE: '50ms' } });
    await introduce(raw);
    const abandoned = dify.abandoned();
    await callGate(raw, 'running');
    raw.process.child.kill('SIGTERM');
    const answer = await raw.message(({ id }) => id === 'running');
    expect(answer.result).toMatchObject({ isError: true });
    expect(textsOf(answer.result)).toMatch(/stopping[^]*may still be running/);
    await abandoned;
    const { code, stdout } = await raw.process.ended;
    expect(code).toBe(0);
    messagesIn(stdout);
  });

  it('comes at once with a second signal', async () => {
    await using raw = startRaw([], { env: dify.env });
    await introduce(raw);
    const abandoned = dify.abandoned();
    await callGate(raw, 'running');
    raw.process.child.kill('SIGTERM');
    await expect
      .poll(async () => textsOf((await raw.request('tools/call', { name: 'time__current_time' })).result))
      .toMatch(/stopping/);
    raw.process.child.kill('SIGTERM');
    const { code, stdout } = await raw.process.ended;
    expect(code).toBe(130);
    messagesIn(stdout);
    await abandoned;
  });

  it('comes when one message has no end', async () => {
    await using raw = startRaw([], { env: dify.env });
    await introduce(raw);
    const piece = Buffer.alloc(8 * 1024 * 1024, 'x');
    for (let piecesLeft = 9; piecesLeft > 0; piecesLeft -= 1) raw.write(piece);
    const { code, stdout, stderr } = await raw.process.ended;
    expect(code).toBe(1);
    expect(messagesIn(stdout).at(-1)).toMatchObject({
      id: null,
      error: { code: -32_600, message: expect.stringContaining('A message is larger than 16.8 MB.') },
    });
    expect(stderr).toContain('A message is larger than');
  });

  it('comes on SIGTERM though nobody reads the answers', async () => {
    await using process = start(['serve', '--log-level', 'debug'], { env: dify.env });
    const { child } = process;
    child.stdout.pause();
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    };
    const requests = [
      { id: 1, method: 'initialize', params },
      ...Array.from({ length: 200 }, (_, n) => ({ id: n + 2, method: 'tools/list' })),
      { id: 'last', method: 'tools/call', params: { name: 'time__current_time' } },
    ];
    for (const message of requests) child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    await process.match('stderr', /Tool call ended/);
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    child.stdout.resume();
  });
});

describe('SIGHUP', () => {
  it('lists the tools of Dify again and notifies the client of a change', async () => {
    await using own = await startGatedSandbox();
    await using raw = startRaw([], { env: own.env });
    await introduce(raw);
    const namesOf = async () => {
      const { result = {} } = await raw.request('tools/list');
      return (result['tools'] as { name: string }[]).map(({ name }) => name);
    };
    expect(await namesOf()).toContain('time__weekday');
    own.sandbox.workspace.removeTool('builtin', 'time', 'weekday');
    raw.process.child.kill('SIGHUP');
    await raw.message(({ method }) => method === 'notifications/tools/list_changed');
    expect(await namesOf()).not.toContain('time__weekday');
    raw.process.child.stdin.end();
    expect((await raw.process.ended).code).toBe(0);
  });
});
