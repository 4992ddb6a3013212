import { mkdtemp } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { GATE, type GatedSandbox, startGatedSandbox } from '../support/gated-sandbox.ts';
import { CLIENT_KINDS, connectClient, type TestClient, type TestProgress } from '../support/mcp-clients.ts';
import { decodePng } from '../support/png.ts';
import { run, start, type Started } from '../support/program.ts';
import { logLinesIn } from '../support/raw-stdio.ts';

const TOKEN = 'fake-bridge-token';
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

interface Serving extends AsyncDisposable {
  readonly process: Started;
  readonly url: string;
}

/** Starts the built program over HTTP on a free port. */
async function serve(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Serving> {
  const process = start(['serve', '--http', '--port', '0', '-o', 'json', ...args], { env });
  const [line] = await process.match('stdout', /^.*\n/);
  const { url } = JSON.parse(line) as { url: string };
  return { process, url, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** One request with every header as given, Host and Origin too. */
function send(url: string, headers: Readonly<Record<string, string>> = {}, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: body === undefined ? 'GET' : 'POST',
        agent: false,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const textsOf = (result: unknown): string =>
  (result as { content: { text?: string }[] }).content.map(({ text }) => text ?? '').join('\n');

let dify: GatedSandbox;
beforeAll(async () => {
  dify = await startGatedSandbox();
});
afterAll(() => dify[Symbol.asyncDispose]());

describe('the built program over HTTP', () => {
  let serving: Serving;
  beforeAll(async () => {
    serving = await serve({
      ...dify.env,
      DIFY_BRIDGE_TOKEN: TOKEN,
      DIFY_BRIDGE_CALLS_MAX_CONCURRENT: '1',
      DIFY_BRIDGE_LOG_LEVEL: 'debug',
    });
  });
  afterAll(() => serving[Symbol.asyncDispose]());

  describe.each(CLIENT_KINDS)('for client %s', (kind) => {
    let client: TestClient;
    beforeAll(async () => {
      client = await connectClient(kind, { url: serving.url, token: TOKEN });
    });
    afterAll(() => client.close());

    it('lists and calls tools, with progress, pictures and errors', async () => {
      expect(client.modern).toBe(kind === 'v2 auto' || kind === 'v2 pinned');
      const names = (await client.listPage()).tools.map(({ name }) => name);
      expect(names).toHaveLength(19);
      const seen: TestProgress[] = [];
      const research = await client.callTool(
        'paperkite_studio__research',
        { topic: 'kites', seconds: 0 },
        { onprogress: (progress) => seen.push(progress) },
      );
      expect(textsOf(research)).toContain('On kites:');
      expect(seen.map(({ progress }) => progress)).toEqual(seen.map((_, index) => index));
      expect(seen.length).toBeGreaterThan(5);
      const { content } = await client.callTool('paperkite_studio__draw_chart', { values: [1], width: 320 });
      const image = content.find(({ type }) => type === 'image') as unknown as { data: string };
      expect(decodePng(Buffer.from(image.data, 'base64')).width).toBe(320);
      const failed = await client.callTool('paperkite_mishaps__break_midway');
      expect(failed.isError).toBe(true);
      await expect(client.callTool('no_such_tool')).rejects.toMatchObject({ code: -32_602 });
    });

    it('cancels a call in Dify, which frees its place', async () => {
      const cancel = new AbortController();
      const [arrived, abandoned] = [dify.arrived(), dify.abandoned()];
      const call = client.callTool(GATE, {}, { signal: cancel.signal });
      await arrived;
      cancel.abort('not needed');
      await expect(call).rejects.toThrow('not needed');
      await abandoned;
      const next = await client.callTool('time__weekday', { year: 2026, month: 11, day: 23 });
      expect(textsOf(next)).toContain('Monday');
    });
  });

  it('serves nothing without the token', async () => {
    const without = await send(serving.url, {}, INITIALIZE);
    expect(without.status).toBe(401);
    expect(without.headers['www-authenticate']).toMatch(/^Bearer realm=/);
    expect(JSON.parse(without.text)).toMatchObject({ error: { data: { code: 'unauthorized' } } });
    const wrong = await send(serving.url, { authorization: `Bearer ${TOKEN}x` }, INITIALIZE);
    expect(wrong.status).toBe(401);
    const right = await send(serving.url, { authorization: `Bearer ${TOKEN}` }, INITIALIZE);
    expect(right.status).toBe(200);
  });

  it('turns foreign hosts and web pages away, even those that know the token', async () => {
    const authorization = `Bearer ${TOKEN}`;
    for (const headers of [
      { host: 'evil.example' },
      { host: 'evil.example:80' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ]) {
      const answer = await send(serving.url, { authorization, ...headers }, INITIALIZE);
      expect({ headers, status: answer.status }).toEqual({ headers, status: 403 });
    }
    const own = await send(serving.url, { authorization, origin: 'http://localhost:3000' }, INITIALIZE);
    expect(own.status).toBe(200);
  });

  it('tells a supervisor that it lives and is ready, without the token', async () => {
    expect(await send(new URL('/livez', serving.url).href)).toMatchObject({ status: 200 });
    expect(await send(new URL('/readyz', serving.url).href)).toMatchObject({
      status: 200,
      text: '{"status":"ready"}',
    });
  });

  it('writes nothing but the address on standard output, and the log on standard error', async () => {
    const { process, url } = serving;
    process.child.kill('SIGTERM');
    const { code, stdout, stderr } = await process.ended;
    expect(code).toBe(0);
    // One line is all that a script has to read, and nothing follows it.
    expect(stdout).toBe(`${JSON.stringify({ url })}\n`);
    logLinesIn(stderr);
    expect(stderr).not.toContain(TOKEN);
  });
});

describe('the start over HTTP', () => {
  it('is not ready while Dify is away, and yet lives', async () => {
    await using serving = await serve({ ...dify.env, DIFY_API_URL: 'http://127.0.0.1:9' });
    expect(await send(new URL('/livez', serving.url).href)).toMatchObject({ status: 200 });
    expect(await send(new URL('/readyz', serving.url).href)).toMatchObject({
      status: 503,
      text: '{"status":"loading"}',
    });
  });

  it('is a log line without a terminal, like everything else on standard error', async () => {
    // What Node.js itself would print: a warning, and an error that nothing catches.
    const faults = `
      process.on('SIGUSR2', () => process.emitWarning('A fake warning.'));
      process.on('SIGWINCH', () => { throw new Error('A fake fault.'); });`;
    const preload = `--import data:text/javascript,${encodeURIComponent(faults)}`;
    const env = { NODE_OPTIONS: preload, DIFY_BRIDGE_UNKNOWN: 'x' };
    await using serving = start(['serve', '--http', '--port', '0', '--sandbox'], { env });
    const [, url = ''] = await serving.match('stderr', /"url":"(http:[^"]+\/mcp)"/);
    expect(await send(url, {}, INITIALIZE)).toMatchObject({ status: 200 });
    serving.child.kill('SIGUSR2');
    await serving.match('stderr', /A fake warning/);
    serving.child.kill('SIGWINCH');
    const { code, stdout, stderr } = await serving.ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(logLinesIn(stderr).map(({ level, msg }) => [level, msg])).toEqual(
      expect.arrayContaining([
        ['warn', 'Doubtful setting'],
        ['info', 'Serving MCP'],
        ['warn', 'Node.js warns'],
        ['error', 'The bridge failed and ends'],
      ]),
    );
  });

  it.each([
    [['--port', 'x'], {}, 'config_invalid'],
    [['--prot', '1'], {}, 'usage'],
    [[], { DIFY_BRIDGE_REDIS_URL: 'redis://127.0.0.1:9/nonsense' }, 'config_invalid'],
    [['--config', '/nowhere.yaml'], {}, 'config_invalid'],
    [['--view', 'none'], {}, 'usage'],
    [['--host', '203.0.113.1'], { DIFY_BRIDGE_TOKEN: TOKEN }, 'port_unavailable'],
  ])('that fails is a log line: %j %j', async (args, env, code) => {
    const ended = await run(['serve', '--http', '--sandbox', ...args], { env });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    const lines = logLinesIn(ended.stderr);
    expect(lines.at(-1)?.level).toBe('error');
    expect(ended.stderr.trim().split('\n').at(-1)).toContain(`"code":"${code}"`);
  });

  it('says why and how it stops', async () => {
    await using serving = start(['serve', '--http', '--port', '0', '--sandbox']);
    await serving.match('stderr', /Serving MCP/);
    serving.child.kill('SIGINT');
    const { code, stderr } = await serving.ended;
    expect(code).toBe(0);
    expect(logLinesIn(stderr).at(-1)?.msg).toBe('The bridge is stopping');
    expect(stderr).toContain('"cause":"a signal"');
  });

  it('says so when the port is taken', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as AddressInfo;
    try {
      const args = ['serve', '--http', '--port', String(port), '--sandbox'];
      const text = await run(args);
      expect(text).toMatchObject({ code: 2, stdout: '' });
      expect(text.stderr).toContain(`Another program listens on 127.0.0.1:${port} already.`);
      const json = await run([...args, '-o', 'json']);
      expect(json).toMatchObject({ code: 2, stdout: '' });
      const lastLine = json.stderr.trim().split('\n').at(-1) ?? '';
      expect(JSON.parse(lastLine)).toMatchObject({ error: { code: 'port_unavailable' } });
    } finally {
      await new Promise((resolve) => squatter.close(resolve));
    }
  });

  it('refuses to serve the network without a token', async () => {
    const args = ['serve', '--http', '--host', '0.0.0.0', '--port', '0', '--sandbox', '-o', 'json'];
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/"code":"config_invalid"[^]*DIFY_BRIDGE_TOKEN/);
    await using serving = await serve({ DIFY_BRIDGE_TOKEN: TOKEN }, '--host', '0.0.0.0', '--sandbox');
    const url = serving.url.replace('0.0.0.0', '127.0.0.1');
    expect(await send(url, {}, INITIALIZE)).toMatchObject({ status: 401 });
  });
});

describe('a restart over HTTP', () => {
  it('loses no client, even if the bridge was killed', async () => {
    const port = String(await freePort());
    const home = await mkdtemp(join(tmpdir(), 'bridge-home-'));
    const env = { ...dify.env, HOME: home, DIFY_BRIDGE_PORT: port, DIFY_BRIDGE_TOKEN: TOKEN };
    const args = ['serve', '--http', '-o', 'json'];
    const before = start(args, { env });
    await before.match('stdout', /\n/);
    const target = { url: `http://127.0.0.1:${port}/mcp`, token: TOKEN };
    const kinds = ['v1', 'v2 default', 'v2 pinned'] as const;
    const clients = await Promise.all(kinds.map((kind) => connectClient(kind, target)));
    for (const client of clients) expect((await client.listPage()).tools).toHaveLength(19);
    before.child.kill('SIGKILL');
    await before.ended;
    await using after = start(args, { env });
    await after.match('stdout', /\n/);
    for (const [index, client] of clients.entries()) {
      // Until the client has seen that its connections are closed.
      await expect
        .poll(
          async () => textsOf(await client.callTool('time__weekday', { year: 2026, month: 11, day: 23 })),
          { message: kinds[index] ?? '' },
        )
        .toContain('Monday');
      await client.close().catch(() => undefined);
    }
  });
});

describe('the end over HTTP', () => {
  /** Calls the tool that waits, and resolves when the call has reached Dify. */
  async function callGate(client: TestClient): Promise<{ result: Promise<unknown> }> {
    const arrived = dify.arrived();
    const result = client.callTool(GATE);
    result.catch(() => undefined);
    await arrived;
    return { result };
  }

  /** Resolves when the program has heard of the signal. */
  const stopping = (url: string) =>
    expect.poll(async () => (await send(new URL('/readyz', url).href)).text).toBe('{"status":"stopping"}');

  it.each(['v1', 'v2 pinned'] as const)('waits for the answer of a running call, client %s', async (kind) => {
    await using serving = await serve(dify.env);
    const client = await connectClient(kind, { url: serving.url });
    const { result } = await callGate(client);
    serving.process.child.kill('SIGTERM');
    await stopping(serving.url);
    dify.open();
    expect(textsOf(await result)).toBe('passed');
    expect(await serving.process.ended).toMatchObject({ code: 0, signal: null });
    await client.close().catch(() => undefined);
  });

  it('comes at once with a second signal', async () => {
    await using serving = await serve(dify.env);
    const client = await connectClient('v1', { url: serving.url });
    const abandoned = dify.abandoned();
    await callGate(client);
    serving.process.child.kill('SIGTERM');
    await stopping(serving.url);
    serving.process.child.kill('SIGTERM');
    expect(await serving.process.ended).toMatchObject({ code: 130, signal: null });
    await abandoned;
    await client.close().catch(() => undefined);
  });
});
