import { PassThrough } from 'node:stream';
import { JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../../src/app/app.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { type FixtureDify, startFixtureDify } from '../../support/fixture-dify.ts';
import { GATE, type GatedSandbox, startGatedSandbox } from '../../support/gated-sandbox.ts';
import { CLIENT_KINDS, connectClient, type TestResult } from '../../support/mcp-clients.ts';
import { CONSOLE_WAYS, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import type { ScriptedAnswer } from '../../support/scripted-dify.ts';
import { cli } from '../../support/fake-cli.ts';
import { frame } from '../../support/dify-wire.ts';
import { failing, messages, refused, said, streamed, textMessage, TOOLS } from './rows/row.ts';

const CASES = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));

const textOf = ({ content }: TestResult): string => content.map(({ text = '' }) => text).join('\n');

describe('6. a started call always gets an answer, and a cancelled one closes its request', () => {
  let gate: GatedSandbox;
  beforeAll(async () => {
    gate = await startGatedSandbox();
  });
  afterAll(() => gate[Symbol.asyncDispose]());

  it.each(CASES)('a $kind client over $transport gets the result', async ({ kind, transport }) => {
    await using bridge = await startBridge({ env: gate.env });
    const client = await bridge.connect(kind, transport);
    const arrived = gate.arrived();
    const call = client.callTool(GATE);
    await arrived;
    gate.open();
    expect((await call).content).toEqual([said('passed')]);
  });

  it.each(CASES)(
    'a $kind client over $transport that adds arguments of its own gets the result, which names them',
    async ({ kind, transport }) => {
      await using bridge = await startBridge({ env: gate.env });
      const client = await bridge.connect(kind, transport);
      const added = { sessionId: 's', action: 'sendMessage', toolCallId: 'call_1' };
      const result = await client.callTool('time__current_time', added);
      expect(result.isError ?? false).toBe(false);
      expect(textOf(result)).toMatch(/^\d{4}-/);
      expect(result.content.at(-1)).toEqual(
        said('Ignored, because the tool has no such argument: "sessionId", "action", "toolCallId".'),
      );
      const refused = await client.callTool('time__weekday', { yeer: 2026 });
      expect(refused.isError).toBe(true);
      expect(textOf(refused)).toContain('did you mean "year"?');
    },
  );

  it.each(CASES)(
    "a $kind client over $transport that adds arguments of its own to calls of the bridge's tools reads which",
    async ({ kind, transport }) => {
      const env = { ...gate.env, DIFY_BRIDGE_TOOLS_MODE: 'search', DIFY_BRIDGE_TOOLS_HAND_OFF: '20s' };
      await using bridge = await startBridge({ env });
      const client = await bridge.connect(kind, transport);
      const own = { toolCallId: 'call_1' };
      const now = 'time__current_time';
      const results = [
        await client.callTool('search_tools', { query: 'weekday', ...own }),
        await client.callTool('describe_tool', { name: now, ...own }),
        await client.callTool('call_tool', { name: now, arguments: own, ...own }),
      ];
      const line = said('Ignored, because the tool has no such argument: "toolCallId".');
      expect(results.map(({ content }) => content.at(-1))).toEqual([line, line, line]);
      expect(results.map(({ isError }) => isError ?? false)).toEqual([false, false, false]);
    },
  );

  it.each(CASES)('a $kind client over $transport cancels a call', async ({ kind, transport }) => {
    await using bridge = await startBridge({ env: gate.env });
    const client = await bridge.connect(kind, transport);
    const [arrived, abandoned] = [gate.arrived(), gate.abandoned()];
    const cancel = new AbortController();
    const call = client.callTool(GATE, {}, { signal: cancel.signal });
    await arrived;
    cancel.abort('not needed');
    await expect(call).rejects.toThrow('not needed');
    await abandoned;
    expect(bridge.log.join('')).toContain('"outcome":"cancelled"');
    expect(textOf(await client.callTool('time__current_time'))).toMatch(/^\d{4}-/);
  });

  it.each(CASES)('a $kind client over $transport that leaves ends its call', async ({ kind, transport }) => {
    // Over stdio, a call may go on for this long.
    const env = { ...gate.env, DIFY_BRIDGE_CALLS_SHUTDOWN_GRACE: '100ms' };
    await using bridge = await startBridge({ env });
    const client = await bridge.connect(kind, transport);
    const [arrived, abandoned] = [gate.arrived(), gate.abandoned()];
    const call = client.callTool(GATE).catch((error: unknown) => error);
    await arrived;
    await client.close();
    await abandoned;
    expect(await call).toBeInstanceOf(Error);
  });

  it.each(CASES)(
    'the bridge stops: a $kind client over $transport hears of it',
    async ({ kind, transport }) => {
      await using bridge = await startBridge({ env: gate.env });
      const client = await bridge.connect(kind, transport);
      const [arrived, abandoned] = [gate.arrived(), gate.abandoned()];
      const call = client.callTool(GATE);
      await arrived;
      const closed = bridge.app.close(0);
      const result = await call;
      expect(result.isError).toBe(true);
      expect(textOf(result)).toContain('The bridge is stopping and ended the call.');
      expect(textOf(result)).toContain('Dify may still be running it');
      await abandoned;
      await closed;
    },
  );

  it.each(CASES)(
    'the bridge stops before it knows the tools: a $kind client over $transport hears of it',
    async ({ kind, transport }) => {
      await using bridge = await startBridge({ env: gate.env, start: false });
      const client = await bridge.connect(kind, transport);
      const asked = Promise.allSettled([client.callTool(GATE), client.listPage()]);
      // Needs no tools: once it is answered, the bridge has read the requests before it.
      await client.listTemplates();
      await bridge.app.close(0);
      for (const outcome of await asked) {
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: { message: expect.stringContaining('The bridge is stopping') },
        });
      }
    },
  );

  it('a call that takes too long is ended, and its request closed', async () => {
    await using bridge = await startBridge({ env: { ...gate.env, DIFY_BRIDGE_CALLS_TIMEOUT: '1s' } });
    const client = await bridge.connect('v1', 'stdio');
    const abandoned = gate.abandoned();
    const result = await client.callTool(GATE);
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(/did not finish within 1 second[^]*check there before calling again/);
    await abandoned;
  });

  it('a call beyond the limit is refused, and a waiting one continues', async () => {
    const env = { DIFY_BRIDGE_CALLS_MAX_CONCURRENT: '1', DIFY_BRIDGE_CALLS_MAX_QUEUED: '1' };
    await using bridge = await startBridge({ env: { ...gate.env, ...env } });
    const client = await bridge.connect('v2 auto');
    const arrived = gate.arrived();
    const first = client.callTool(GATE);
    await arrived;
    const second = client.callTool('time__current_time');
    const third = await client.callTool('time__current_time');
    expect(third.isError).toBe(true);
    expect(textOf(third)).toMatch(/The bridge is busy[^]*Wait \d+ s, then call again/);
    gate.open();
    expect((await first).content).toEqual([said('passed')]);
    expect((await second).isError).toBeUndefined();
  });

  it('Dify goes away during a call', async () => {
    const dying = await startGatedSandbox();
    await using bridge = await startBridge({ env: dying.env });
    const client = await bridge.connect('v1');
    const arrived = dying.arrived();
    const call = client.callTool(GATE);
    await arrived;
    await dying.sandbox.close();
    const result = await call;
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain('check before repeating it');
    const next = await client.callTool(GATE);
    expect(textOf(next)).toContain('the connection was refused');
  });
});

describe('7. a call is sent to Dify once', () => {
  const ANSWERS: Readonly<Record<string, ScriptedAnswer>> = {
    success: messages(textMessage('done')),
    'a connection that ends with the answer': {
      ...messages(textMessage('done')),
      headers: { connection: 'close' },
    },
    'no output': streamed(),
    failure: failing('no'),
    'failure after output': failing('no', textMessage('half')),
    refusal: refused(400, 'invalid_param', 'no'),
    'a wrong key': refused(404, 'not_found', 'no'),
    'an internal error': refused(500, 'unknown', 'no'),
    'a gateway': { status: 502, body: '' },
    'a gateway that waited': { status: 504, body: '' },
    'a limit': { status: 429, headers: { 'retry-after': '0' }, body: '{}' },
    'an unavailable service': { status: 503, headers: { 'retry-after': '0' }, body: '' },
    'a redirect': { status: 307, headers: { location: '/inner/api/invoke/tool' } },
    'a broken connection': { chunks: [], ending: 'reset' },
    'a broken stream': { ...streamed(frame(textMessage('half'))), ending: 'reset' },
    'half a frame': streamed(frame(textMessage('half')).subarray(0, 20)),
    'no protocol at all': streamed(Buffer.from([1, 2, 3])),
  };
  let dify: FixtureDify;
  beforeAll(async () => {
    dify = await startFixtureDify({ invoke: (name) => ANSWERS[name] });
  });
  afterAll(() => dify[Symbol.asyncDispose]());

  it.each(Object.keys(ANSWERS))('whatever Dify answers: %s', async (name) => {
    await using bridge = await startBridge({ env: dify.env });
    const client = await bridge.connect('v2 pinned');
    const before = dify.invocations.length;
    await client.callTool(TOOLS.plugin, { case: name });
    // Whatever the bridge would send again comes before the next call does.
    await client.callTool(TOOLS.plugin, { case: 'success' });
    const cases = dify.invocations.slice(before).map(({ body }) => body);
    expect(cases).toMatchObject([
      { tool_parameters: { case: name } },
      { tool_parameters: { case: 'success' } },
    ]);
  });
});

describe('8. stdout carries the protocol alone, and no secret, argument or result is logged', () => {
  it('every byte of stdout is a message, also when calls fail', async () => {
    const written = vi.spyOn(process.stdout, 'write');
    const sandbox = await createSandbox();
    await using bridge = await startBridge({ env: sandboxEnv(sandbox) });
    const ends = { stdin: new PassThrough(), stdout: new PassThrough() };
    const bytes: Buffer[] = [];
    ends.stdout.on('data', (part: Buffer) => bytes.push(part));
    const served = bridge.app.serveStdio(ends);
    const client = await connectClient('v1', ends);
    await client.listPage();
    await client.callTool('paperkite_studio__draw_chart', { values: [1, 2] });
    await client.callTool('paperkite_mishaps__break_midway');
    await client.callTool('nobody').catch(() => undefined);
    await sandbox.close();
    await client.callTool('time__current_time');
    await client.close();
    await served;
    const lines = Buffer.concat(bytes).toString('utf8').split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.length).toBeGreaterThan(5);
    for (const text of lines) JSONRPCMessageSchema.parse(JSON.parse(text));
    expect(written).not.toHaveBeenCalled();
    written.mockRestore();
  });

  it.each(CONSOLE_WAYS)('a day of work with the %s leaves no secret anywhere', async (way) => {
    const sandbox = await createSandbox();
    const token = 'fake-bearer-token-of-the-bridge';
    const env = { ...sandboxEnv(sandbox, way), DIFY_BRIDGE_TOKEN: token };
    const seen: unknown[] = [];
    const keep = async (work: Promise<unknown>): Promise<void> => {
      seen.push(await work.catch((error: unknown) => [String(error), JSON.stringify(error)]));
    };
    await using bridge = await startBridge({ env });
    const client = await bridge.connect('v2 auto');
    const marker = 'a-word-that-only-arguments-and-results-have';
    const document = { data: Buffer.from(marker).toString('base64'), filename: 'n.txt' };
    await keep(client.listPage());
    await keep(client.callTool('paperkite_studio__draw_chart', { values: [1], title: marker }));
    await keep(client.callTool('paperkite_studio__research', { topic: marker, seconds: 0 }));
    await keep(client.callTool('workflow__text_report', { document }));
    await keep(client.callTool('paperkite_mishaps__break_midway'));
    await keep(client.callTool('paperkite_postbox__send_letter', { to: marker, body: marker }));
    await keep(client.callTool('time__timezone_conversion', { current_time: marker }));
    await keep(client.callTool('nobody', { marker }));
    sandbox.workspace.breakListing('builtin');
    sandbox.sessions.expireAccessTokens();
    sandbox.sessions.expireRefreshTokens();
    await keep(bridge.app.refresh());
    const wrong = { DIFY_SECRET_KEY: 'wrong-secret-key', DIFY_INNER_API_KEY: 'wrong-inner-key' };
    await using lost = await startBridge({ env: { ...env, ...wrong } });
    await keep((await lost.connect('v1')).callTool('time__current_time'));
    await using stranger = await startBridge({
      env: { ...env, DIFY_PASSWORD: 'wrong-password', DIFY_ADMIN_API_KEY: 'wrong-admin-key' },
    });
    await keep((await stranger.connect('v1')).listPage());
    for (const argv of [['doctor'], ['tools', 'list'], ['config', 'show']]) {
      const { stdout, stderr } = await cli(argv, {
        env: { HOME: '/nonexistent', DIFY_BRIDGE_FILES_STORE: 'memory', ...env },
        io: { createApp },
      });
      seen.push(stdout, stderr);
    }
    await sandbox.close();
    await keep(client.callTool('time__current_time'));
    await keep(bridge.app.refresh());

    const log = [...bridge.log, ...lost.log, ...stranger.log];
    const everything = JSON.stringify([seen, log]);
    const { innerApiKey, adminApiKey, password, secretKey } = sandbox.credentials;
    const secrets = [innerApiKey, adminApiKey, password, secretKey, token, ...Object.values(wrong)];
    secrets.push(Buffer.from(password).toString('base64'), 'wrong-password', 'wrong-admin-key');
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([]);
    // Tokens of the console, signatures of links.
    expect(everything).not.toMatch(/eyJ[\w-]{10}|[0-9a-f]{100}|sign=(?!\[redacted])|csrf_token=/);
    expect(log.length).toBeGreaterThan(8);
    expect(log.filter((text) => text.includes(marker))).toEqual([]);
    expect(log.filter((text) => text.includes(document.data))).toEqual([]);
    expect(JSON.stringify(seen)).toContain(marker);
  });
});

describe('9. over HTTP nothing is served without authentication, but on loopback', () => {
  let gate: GatedSandbox;
  beforeAll(async () => {
    gate = await startGatedSandbox();
  });
  afterAll(() => gate[Symbol.asyncDispose]());
  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  };
  const ask = (url: string, headers: Record<string, string> = {}, method = 'POST') =>
    fetch(url, {
      method,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      ...(method === 'POST' && { body: JSON.stringify(initialize) }),
    });

  it.each(['0.0.0.0', '::', 'dify-bridge.test'])(
    '%s without a token is refused at the start',
    async (host) => {
      await using bridge = await startBridge({ env: { ...gate.env, DIFY_BRIDGE_HOST: host } });
      await expect(bridge.url()).rejects.toMatchObject({
        code: 'config_invalid',
        hint: expect.stringContaining('DIFY_BRIDGE_TOKEN'),
      });
    },
  );

  it.each(['0.0.0.0', '127.0.0.1'])('%s with a token serves only its holders', async (host) => {
    const env = { ...gate.env, DIFY_BRIDGE_HOST: host, DIFY_BRIDGE_TOKEN: 'fake-token' };
    await using bridge = await startBridge({ env });
    const url = (await bridge.url()).replace('0.0.0.0', '127.0.0.1');
    for (const method of ['POST', 'GET', 'DELETE', 'PUT']) {
      const answer = await ask(url, {}, method);
      expect([method, answer.status]).toEqual([method, 401]);
      expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    }
    for (const authorization of ['Bearer wrong', 'Bearer', 'Basic ZmFrZS10b2tlbg==', 'fake-token']) {
      expect((await ask(url, { authorization })).status).toBe(401);
    }
    expect((await ask(`${url}?token=fake-token`)).status).toBe(401);
    expect((await ask(url.replace('/mcp', '/other'))).status).toBe(401);
    expect((await ask(url, { authorization: 'Bearer fake-token' })).status).toBe(200);
    expect((await ask(url.replace('/mcp', '/livez'), {}, 'GET')).status).toBe(200);
  });

  it('another address without a token is served if the operator says so by name', async () => {
    const env = { DIFY_BRIDGE_HOST: '0.0.0.0', DIFY_BRIDGE_ALLOW_WITHOUT_TOKEN: 'true' };
    await using bridge = await startBridge({ env: { ...gate.env, ...env } });
    const url = (await bridge.url()).replace('0.0.0.0', '127.0.0.1');
    expect((await ask(url)).status).toBe(200);
  });

  it('loopback needs no token, and serves no page of another origin', async () => {
    await using bridge = await startBridge({ env: gate.env });
    const url = await bridge.url();
    expect((await ask(url)).status).toBe(200);
    expect((await ask(url, { origin: 'https://evil.example' })).status).toBe(403);
  });
});
