import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatKeys, keyHash, newKey } from '../../../src/http/key-file.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { startFront } from '../../support/front.ts';
import { GATE, startGatedSandbox } from '../../support/gated-sandbox.ts';
import { type ClientKind, connectClient, type TestResult } from '../../support/mcp-clients.ts';
import { modernRequest, openRawSession, raw, rawStream } from '../../support/raw-http.ts';
import { sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const CASES = ERAS.flatMap((kind) => TRANSPORTS.map((transport) => ({ kind, transport })));
const TIME = 'time__current_time';
const RETRY = 'io.github.dify-mcp-bridge/retry-after-seconds';

const textOf = ({ content }: TestResult): string => content.map(({ text }) => text ?? '').join('\n');

/** The seconds that a refused call has for its client. */
function secondsOf({ isError, _meta }: TestResult): number {
  expect(isError).toBe(true);
  return _meta?.[RETRY] as number;
}

async function sandboxSettings(): Promise<Record<string, string>> {
  const sandbox = await createSandbox();
  onTestFinished(() => sandbox.close());
  return sandboxEnv(sandbox);
}

/** A file of keys, one for each name. */
function keysFor(...names: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-limits-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const entries = names.map((name) => ({ name, key: newKey() }));
  const keys = entries.map(({ name, key }) => {
    return { name, sha256: keyHash(key), views: ['default', 'other'], created: new Date() };
  });
  const path = join(folder, 'keys.json');
  writeFileSync(path, formatKeys(keys), { mode: 0o600 });
  return { path, keys: entries.map(({ key }) => key) };
}

describe.each(CASES)('limits for a $kind client over $transport', ({ kind, transport }) => {
  it('refuse what exceeds the calls a minute, in the result, with the seconds to wait', async () => {
    const env = { ...(await sandboxSettings()), DIFY_BRIDGE_LIMITS_RATE_PER_PRINCIPAL: '2' };
    await using bridge = await startBridge({ env });
    const client = await bridge.connect(kind, transport);
    for (let n = 0; n < 2; n += 1) {
      const { isError, _meta } = await client.callTool(TIME);
      expect({ isError, refused: _meta?.[RETRY] }).toEqual({ isError: undefined, refused: undefined });
    }
    const refused = await client.callTool(TIME);
    const seconds = secondsOf(refused);
    expect(seconds).toBeGreaterThan(0);
    expect(textOf(refused)).toBe(
      `The calls of this client exceed 2 a minute (limits.ratePerPrincipal).\nNothing was sent to Dify. Wait ${seconds} s, then call again.`,
    );
    expect(bridge.log.join('')).toContain('"outcome":"rate_limited"');
  });

  it('refuse calls of a provider after failures of Dify, and try again with one', async () => {
    const sandbox = await createSandbox();
    onTestFinished(() => sandbox.close());
    let invocations = 0;
    let fails = true;
    const answer = ({ url = '' }: { readonly url?: string | undefined }) => {
      if (!url.includes('/invoke/tool')) return undefined;
      invocations += 1;
      return fails ? { status: 502 } : undefined;
    };
    await using front = await startFront(sandbox.url, { answer });
    const settings = { DIFY_BRIDGE_LIMITS_BREAKER_FAILURES: '2', DIFY_BRIDGE_LIMITS_BREAKER_PAUSE: '1s' };
    await using bridge = await startBridge({
      env: { ...sandboxEnv(sandbox), ...settings, DIFY_API_URL: front.url },
    });
    const client = await bridge.connect(kind, transport);
    for (let n = 0; n < 2; n += 1) expect(textOf(await client.callTool(TIME))).toContain('status 502');
    const refused = await client.callTool(TIME);
    expect(secondsOf(refused)).toBe(1);
    expect(textOf(refused)).toMatch(
      /is not called at the moment[^]*status 502[^]*Wait 1 s, then call again\./,
    );
    expect(invocations).toBe(2);
    fails = false;
    await expect.poll(async () => (await client.callTool(TIME)).isError).toBeUndefined();
    expect((await client.callTool(TIME)).isError).toBeUndefined();
  });

  it('refuse arguments that are too large, before anything is sent', async () => {
    const gate = await startGatedSandbox();
    onTestFinished(() => gate[Symbol.asyncDispose]());
    await using bridge = await startBridge({
      env: { ...gate.env, DIFY_BRIDGE_LIMITS_MAX_ARGUMENT_BYTES: '1KiB' },
    });
    const client = await bridge.connect(kind, transport);
    const result = await client.callTool(GATE, { note: 'ö'.repeat(600) });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain('have 1.2 KB, more than 1 KB (limits.maxArgumentBytes)');
  });
});

it.each(ERAS)('one key that floods the bridge leaves a slot to another key (%s)', async (kind) => {
  await using gate = await startGatedSandbox();
  const { path, keys } = keysFor('flood', 'quiet');
  const settings = { DIFY_BRIDGE_CALLS_MAX_CONCURRENT: '3', DIFY_BRIDGE_CALLS_MAX_QUEUED: '8' };
  await using bridge = await startBridge({
    env: {
      ...gate.env,
      ...settings,
      DIFY_BRIDGE_KEYS_FILE: path,
    },
  });
  const url = await bridge.url();
  const [first = '', second = ''] = keys;
  const flood = await connectClient(kind, { url, token: first });
  const quiet = await connectClient(kind, { url, token: second });
  const arrived = gate.arrived();
  const calls = Array.from({ length: 10 }, () => flood.callTool(GATE));
  await arrived;
  const results = await Promise.all(Array.from({ length: 5 }, () => quiet.callTool(TIME)));
  expect(results.map((result) => result.isError)).toEqual(Array.from({ length: 5 }, () => undefined));
  // Two run, four wait (half of the queue), and the others were refused.
  const over = Promise.all(calls);
  for (let isOver = false; !isOver; ) {
    const next = gate.arrived().then(() => false);
    gate.open();
    isOver = await Promise.race([next, over.then(() => true)]);
  }
  const ended = await over;
  expect(ended.filter((result) => result.isError === undefined)).toHaveLength(6);
  expect(ended.filter(({ isError }) => isError).map(textOf)[0]).toMatch(
    /4 calls of this client are waiting \(limit 4\)\.\nNothing was sent to Dify\. Wait \d+ s/,
  );
  await Promise.all([flood.close(), quiet.close()]);
});

it('a view has its own calls a minute and slots', async () => {
  await using bridge = await startBridge({
    env: await sandboxSettings(),
    file: 'views: { other: { limits: { ratePerView: 1 } } }',
  });
  const url = await bridge.url();
  const [main, other] = await Promise.all([
    connectClient('v2 pinned', { url }),
    connectClient('v2 pinned', { url: `${url}/other` }),
  ]);
  expect((await other.callTool(TIME)).isError).toBeUndefined();
  expect(textOf(await other.callTool(TIME))).toContain('The calls of this view exceed 1 a minute');
  expect((await main.callTool(TIME)).isError).toBeUndefined();
  await Promise.all([main.close(), other.close()]);
});

it('streams are limited for each key and view, and refused with Retry-After', async () => {
  const { path, keys } = keysFor('first', 'second');
  await using bridge = await startBridge({
    env: { ...(await sandboxSettings()), DIFY_BRIDGE_KEYS_FILE: path, DIFY_BRIDGE_MAX_STREAMS: '4' },
    file: 'views: { other: { limits: { streamsPerView: 1 } } }',
  });
  const port = Number(new URL(await bridge.url()).port);
  const [first = '', second = ''] = keys;
  const listen = (key: string, at = '/mcp') => {
    const request = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });
    return { ...request, path: at, headers: { ...request.headers, Authorization: `Bearer ${key}` } };
  };
  const auth = { Authorization: `Bearer ${first}` };
  const session = { ...(await openRawSession(port, auth)) };
  const streams = [rawStream(port, { headers: { ...session, Accept: 'text/event-stream' } })];
  streams.push(rawStream(port, listen(first, '/mcp/other')));
  await expect.poll(() => streams[1]?.messages().length).toBe(1);
  const refused = async (key: string, at?: string): Promise<unknown> => {
    const { status, headers, messages } = await raw(port, listen(key, at));
    return [status, headers['retry-after'], (messages[0] as { error: { data: unknown } }).error.data];
  };
  const overloaded = [503, '30', { code: 'overloaded', retryAfterSeconds: 30 }];
  await expect.poll(() => refused(first)).toEqual(overloaded);
  expect(await refused(second, '/mcp/other')).toEqual(overloaded);
  const allowed = rawStream(port, listen(second));
  await expect.poll(() => allowed.messages().length).toBe(1);
  for (const { request } of [...streams, allowed]) request.destroy();
});
