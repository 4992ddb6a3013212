// @module-tag redis
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatKeys, keyHash, newKey } from '../../../src/http/key-file.ts';
import { IDEMPOTENCY_KEY_META_KEY } from '../../../src/mcp/idempotency-key.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { type CatalogueBridge, startCatalogueBridge } from '../../support/catalogue-bridge.ts';
import { type ClientKind, connectClient, type TestClient } from '../../support/mcp-clients.ts';
import { startRedis } from '../../support/redis-server.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const WEEKDAY = { year: 2026, month: 11, day: 22 };

/** The settings that reach a second Dify. */
const reach = ({ url: apiUrl, credentials }: Sandbox) => {
  const { innerApiKey, workspaceId, adminApiKey, secretKey } = credentials;
  return { apiUrl, innerApiKey, workspaceId, adminApiKey, secretKey };
};

interface TwoDifys extends AsyncDisposable {
  readonly bridge: CatalogueBridge;
  readonly other: Sandbox;
  readonly base: string;
  connect(kind: ClientKind, path: string, token?: string): Promise<TestClient>;
}

async function startTwo(
  own: Record<string, unknown> = {},
  env: Record<string, string> = {},
): Promise<TwoDifys> {
  const other = await createSandbox({ tools: 'files' });
  const file = {
    tools: { handOff: 'off' },
    views: { clock: { allow: ['time__*'] } },
    workspaces: { files: { dify: reach(other), views: { clock: { deny: ['time__*'] } }, ...own } },
  };
  const bridge = await startCatalogueBridge({ file, env });
  const base = new URL(await bridge.url()).origin;
  const clients: TestClient[] = [];
  return {
    bridge,
    other,
    base,
    async connect(kind, path, token) {
      const client = await connectClient(kind, {
        url: `${base}${path}`,
        ...(token === undefined ? {} : { token }),
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close().catch(() => undefined);
      await bridge[Symbol.asyncDispose]();
      await other.close();
    },
  };
}

const names = async (client: TestClient): Promise<string[]> =>
  (await client.listPage()).tools.map(({ name }) => name);

describe('several workspaces in one process', () => {
  it.each(ERAS)('list and call their own tools at their own paths (%s)', async (kind) => {
    await using two = await startTwo();
    const main = await two.connect(kind, '/mcp');
    const files = await two.connect(kind, '/w/files/mcp');
    const [ofMain, ofFiles] = [await names(main), await names(files)];
    expect(ofMain).toContain('time__weekday');
    expect(ofFiles.length).toBeGreaterThan(0);
    expect(ofFiles).not.toContain('time__weekday');
    expect((await main.callTool('time__weekday', WEEKDAY)).content[0]?.text).toContain('Sunday');
    await expect(files.callTool('time__weekday', WEEKDAY)).rejects.toThrow(/There is no tool named/);
    const before = two.bridge.sandbox.requests.length;
    await files.callTool(ofFiles.find((name) => name.includes('make')) ?? ofFiles[0] ?? '', {});
    expect(two.bridge.sandbox.requests.length).toBe(before);
    const views = await two.connect(kind, '/w/files/mcp/clock');
    expect(await names(views)).toEqual(ofFiles);
    const nothing = await fetch(`${two.base}/w/nothing/mcp`, { method: 'POST' });
    expect(await nothing.json()).toEqual({
      error: 'Nothing is here: MCP is at /mcp, /mcp/clock, /w/files/mcp, /w/files/mcp/clock.',
    });
  });

  it('do not touch each other when one Dify is down', async () => {
    const down = {
      apiUrl: 'http://127.0.0.1:9',
      innerApiKey: 'fake',
      workspaceId: '11111111-2222-4333-8444-555555555555',
    };
    await using two = await startTwo({ dify: { ...down, adminApiKey: 'fake-admin' } });
    const main = await two.connect('v1', '/mcp');
    expect(await names(main)).toContain('time__weekday');
    const broken = await two.connect('v1', '/w/files/mcp');
    await expect(broken.listPage()).rejects.toThrow(/Dify/);
    const answers = await Promise.all(
      ['/readyz', '/w/files/readyz', '/w/nothing/readyz'].map((path) => fetch(`${two.base}${path}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 404]);
    expect(await answers[0]?.json()).toEqual({
      status: 'ready',
      workspaces: { default: 'ready', files: 'loading' },
    });
    expect(two.bridge.logger.lines.filter(({ fields }) => fields?.['workspace'] === 'files')).not.toEqual([]);
  });

  it.each(ERAS)('name their own settings in errors (%s)', async (kind) => {
    const other = await createSandbox({ tools: 'files' });
    await using two = await startTwo({ dify: reach(other) });
    const files = await two.connect(kind, '/w/files/mcp');
    const [name = ''] = await names(files);
    await other.close();
    const { content } = await files.callTool(name, { size: 4 });
    expect(content[0]?.text).toContain('workspaces.files.dify.apiUrl points to its api service');
    expect(content[0]?.text).not.toContain('DIFY_API_URL');
    await two.bridge.app.reload();
    const lines = two.bridge.logger.lines.filter(({ fields }) => fields?.['workspace'] === 'files');
    expect(JSON.stringify(lines)).toContain('workspaces.files.dify.apiUrl');
    expect(JSON.stringify(lines)).not.toContain('DIFY_API_URL');
  });

  it('keep idempotency keys apart in the Redis that they share', async () => {
    const redis = await startRedis();
    const url = redis.newUrl();
    const other = await createSandbox();
    await using two = await startTwo({ dify: reach(other) }, { DIFY_BRIDGE_REDIS_URL: url });
    const clients = [await two.connect('v1', '/mcp'), await two.connect('v1', '/w/files/mcp')];
    const meta = { [IDEMPOTENCY_KEY_META_KEY]: 'order-1' };
    for (const client of [...clients, ...clients]) {
      const { content } = await client.callTool('time__weekday', WEEKDAY, { meta });
      expect(content[0]?.text).toContain('Sunday');
    }
    const calls = [two.bridge.sandbox, other].map(
      ({ requests }) => requests.filter(({ path }) => path.includes('/invoke/tool')).length,
    );
    expect(calls).toEqual([1, 1]);
    await other.close();
  });

  it('are a boundary for a key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bridge-keys-'));
    const keysFile = join(folder, 'keys.json');
    const key = newKey();
    const entry = {
      name: 'agent',
      sha256: keyHash(key),
      views: ['files/default'],
      created: new Date(),
      expires: undefined,
    };
    writeFileSync(keysFile, formatKeys([entry]), { mode: 0o600 });
    await using two = await startTwo({}, { DIFY_BRIDGE_KEYS_FILE: keysFile });
    const files = await two.connect('v1', '/w/files/mcp', key);
    const atDefault = await two.connect('v1', '/mcp', key);
    expect(await names(atDefault)).toEqual(await names(files));
    await expect(atDefault.callTool('time__weekday', WEEKDAY)).rejects.toThrow(/There is no tool named/);
    await expect(two.connect('v1', '/mcp/clock', key)).rejects.toThrow(/Nothing is here/);
  });

  it('take new rules on a reload, and say what needs a restart', async () => {
    await using two = await startTwo();
    const files = await two.connect('v1', '/w/files/mcp');
    const [first = ''] = await names(files);
    two.bridge.write({
      tools: { handOff: 'off' },
      workspaces: {
        files: { dify: reach(two.other), tools: { deny: [first] }, calls: { maxConcurrent: 2 } },
        more: { dify: reach(two.other) },
      },
    });
    const { needRestart } = await two.bridge.app.reload();
    expect(needRestart).toEqual(['workspaces.files.calls', 'workspaces.more']);
    expect(await names(files)).not.toContain(first);
    expect((await fetch(`${two.base}/w/files/mcp/clock`, { method: 'POST' })).status).toBe(404);
  });
});
