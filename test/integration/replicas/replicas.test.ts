// @module-tag redis
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { IDEMPOTENCY_KEY_META_KEY } from '../../../src/mcp/idempotency-key.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { CLIENT_KINDS, type TestResult } from '../../support/mcp-clients.ts';
import { REDIS_PASSWORD, sharedRedis, startRedis } from '../../support/redis-server.ts';
import { type RunningBridge, sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const SLOW = 'workflow__slow_report';
const STEPS = 'paperkite_studio__research';
const BYTES = 'paperkite_samples__give_bytes';
const ECHO = 'workflow__echo_file';
const INVOKE = '/inner/api/invoke/tool';

const redis = await sharedRedis();

/** Two bridges as two replicas are: one token, one Redis, one Dify. */
interface Pair extends AsyncDisposable {
  readonly a: RunningBridge;
  readonly b: RunningBridge;
  readonly sandbox: Sandbox;
  invocations(): number;
}

/** Calls of the tools that take long are handed off; a file is waited for, however slow the machine is. */
async function startPair(tools: 'long' | 'files'): Promise<Pair> {
  const sandbox = await createSandbox({ tools });
  const env = {
    ...sandboxEnv(sandbox),
    DIFY_BRIDGE_TOKEN: 'test-token',
    DIFY_BRIDGE_REDIS_URL: redis.newUrl().replace(`:${REDIS_PASSWORD}@`, ''),
    DIFY_BRIDGE_REDIS_PASSWORD: REDIS_PASSWORD,
    DIFY_BRIDGE_TOOLS_HAND_OFF: tools === 'long' ? '400ms' : 'off',
  };
  const [a, b] = [await startBridge({ env }), await startBridge({ env })];
  return {
    a,
    b,
    sandbox,
    invocations: () => sandbox.requests.filter(({ path }) => path === INVOKE).length,
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
      await sandbox.close();
    },
  };
}

const textOf = ({ content }: TestResult): string => content.map(({ text }) => text).join('\n');
const callIdOf = (result: TestResult): string =>
  /"call_id": "(call_[^"]+)"/.exec(textOf(result))?.[1] ?? `not handed off: ${textOf(result)}`;

describe.each(CLIENT_KINDS)('a %s client of two replicas', (kind) => {
  it('starts a call at one, and gets its progress and its result at the other', async () => {
    await using pair = await startPair('long');
    const [a, b] = [await pair.a.connect(kind), await pair.b.connect(kind)];
    const callId = callIdOf(await a.callTool(STEPS, { topic: 'kites', seconds: 3 }));
    const seen: string[] = [];
    let result: TestResult;
    do {
      result = await b.callTool('get_call_result', { call_id: callId });
      seen.push(textOf(result));
    } while (textOf(result).includes('is still running'));
    expect(textOf(result)).toContain('On kites:');
    expect(seen.join()).toMatch(/last progress: "Read/);
    expect(pair.invocations()).toBe(1);
  });

  it('starts a call at one, and cancels it at the other', async () => {
    await using pair = await startPair('long');
    const [a, b] = [await pair.a.connect(kind), await pair.b.connect(kind)];
    const callId = callIdOf(await a.callTool(SLOW, { seconds: 60 }));
    const cancelled = await b.callTool('cancel_call', { call_id: callId });
    expect(textOf(cancelled)).toContain(
      'was cancelled. If the tool has started in Dify, it may run to its end',
    );
    expect(pair.a.log.filter((line) => line.includes('"outcome":"cancelled"'))).toHaveLength(1);
    expect((await a.callTool('get_call_result', { call_id: callId })).isError).toBe(true);
  });

  it('makes one call of two with the same key, one at each', async () => {
    await using pair = await startPair('long');
    const [a, b] = [await pair.a.connect(kind), await pair.b.connect(kind)];
    await Promise.all([a.listPage(), b.listPage()]);
    const meta = { [IDEMPOTENCY_KEY_META_KEY]: 'order-1' };
    const progress = { meta, onprogress: () => undefined };
    const both = [a, b].map((client) => client.callTool(SLOW, { seconds: 1 }, progress));
    for (const result of await Promise.all(both)) expect(textOf(result)).toContain('This took 1 seconds.');
    expect(pair.invocations()).toBe(1);
    const other = await b.callTool(SLOW, { seconds: 2 }, { meta });
    expect(textOf(other)).toContain('with other arguments');
  });

  it('gets a file at one, and lists, reads, downloads and hands it on at the other', async () => {
    await using pair = await startPair('files');
    const [a, b] = [await pair.a.connect(kind), await pair.b.connect(kind)];
    const made = await a.callTool(BYTES, { size: 700_000, name: 'report.bin' });
    const link = made.content.find(({ type }) => type === 'resource_link') as unknown as { uri: string };
    const expected = createHash('sha256').update(Buffer.alloc(700_000, 0xa5)).digest('hex');
    const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

    expect((await b.listResources()).resources.map(({ uri }) => uri)).toEqual([link.uri]);
    const { contents } = await b.readResource(link.uri);
    expect(hash(Buffer.from(String(contents[0]?.blob), 'base64'))).toBe(expected);

    const [address = ''] = /http:\S+\/files\/\S+/.exec(textOf(made)) ?? [];
    const { pathname } = new URL(address);
    const response = await fetch(new URL(pathname, await pair.b.url()));
    expect({ status: response.status, hash: hash(new Uint8Array(await response.arrayBuffer())) }).toEqual({
      status: 200,
      hash: expected,
    });
    const part = await fetch(new URL(pathname, await pair.b.url()), {
      headers: { Range: 'bytes=262140-262150' },
    });
    expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 11]);
  });
});

describe('a replica', () => {
  it('takes a file that another has kept as the argument of a call', async () => {
    await using pair = await startPair('files');
    const [a, b] = [await pair.a.connect('v2 auto'), await pair.b.connect('v2 auto')];
    const made = await a.callTool(BYTES, { size: 300_000, name: 'report.bin' });
    const link = made.content.find(({ type }) => type === 'resource_link') as unknown as { uri: string };
    const echoed = await b.callTool(ECHO, { file: { resource: link.uri } });
    expect(echoed.isError).toBeUndefined();
    expect(echoed.content.find(({ type }) => type === 'resource_link')).toMatchObject({ size: 300_000 });
  });

  it('that stops leaves its results to the others', async () => {
    await using pair = await startPair('long');
    const [a, b] = [await pair.a.connect('v1'), await pair.b.connect('v1')];
    const ending = callIdOf(await a.callTool(SLOW, { seconds: 1.5 }));
    const long = callIdOf(await a.callTool(SLOW, { seconds: 60 }));
    await pair.a.app.close(2000);
    const ended = await b.callTool('get_call_result', { call_id: ending });
    expect(textOf(ended)).toContain('This took 1.5 seconds.');
    const stopped = await b.callTool('get_call_result', { call_id: long });
    expect(textOf(stopped)).toContain('The bridge is stopping and ended the call.');
  });

  it('is ready once Redis was reached, and goes on without it', async () => {
    const own = await startRedis();
    const sandbox = await createSandbox({ tools: 'long' });
    const url = own.newUrl();
    await own.kill();
    await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_REDIS_URL: url } });
    const readiness = async (): Promise<unknown> => {
      const response = await fetch(new URL('/readyz', await bridge.url()));
      return { status: response.status, body: await response.json() };
    };
    const client = await bridge.connect('v2 auto');
    await client.listPage();
    expect(await readiness()).toEqual({ status: 503, body: { status: 'loading', redis: 'unavailable' } });
    await own.start();
    await expect.poll(readiness).toEqual({ status: 200, body: { status: 'ready' } });
    await own.kill();
    await expect.poll(readiness).toEqual({ status: 200, body: { status: 'ready', redis: 'unavailable' } });

    const quick = await client.callTool(SLOW, { seconds: 0.1 });
    expect(textOf(quick)).toContain('This took 0.1 seconds.');
    await expect(client.listResources()).rejects.toThrow(
      /The Redis that stores files and results cannot be reached/,
    );
    const download = await fetch(new URL(`/files/${'a'.repeat(47)}/x`, await bridge.url()));
    expect(download.status).toBe(503);
    const chart = await client.callTool('paperkite_studio__draw_chart', { values: [1, 2, 3] });
    expect(chart.content.map(({ type }) => type)).toContain('image');
    expect(bridge.log.join('')).not.toContain(REDIS_PASSWORD);
    await sandbox.close();
  });

  it('without Redis says of each file that it is not kept, and takes none that was', async () => {
    const own = await startRedis();
    const sandbox = await createSandbox({ tools: 'files' });
    await using bridge = await startBridge({
      env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_REDIS_URL: own.newUrl() },
    });
    const client = await bridge.connect('v2 auto');
    const made = await client.callTool(BYTES, { size: 1000, name: 'report.bin' });
    const link = made.content.find(({ type }) => type === 'resource_link') as unknown as { uri: string };
    await own.kill();
    const unkept = await client.callTool(BYTES, { size: 1000, name: 'report.bin' });
    expect(unkept.isError).toBeUndefined();
    expect(textOf(unkept)).toMatch(/report\.bin.*The Redis that stores files and results cannot be reached/);
    const echoed = await client.callTool(ECHO, { file: { resource: link.uri } });
    expect(echoed.isError).toBe(true);
    expect(textOf(echoed)).toContain('The Redis that stores files and results cannot be reached.');
    await sandbox.close();
  });

  it('with a wrong password does not start', async () => {
    const sandbox = await createSandbox();
    const env = {
      ...sandboxEnv(sandbox),
      DIFY_BRIDGE_REDIS_URL: `redis://:wrong-secret@127.0.0.1:${redis.port}`,
    };
    await expect(startBridge({ env })).rejects.toMatchObject({ code: 'config_invalid' });
    await sandbox.close();
  });
});
