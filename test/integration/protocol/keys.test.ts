import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ApiKey, formatKeys, keyHash, newKey } from '../../../src/http/key-file.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import {
  type ClientKind,
  connectClient,
  type TestClient,
  type TestResult,
} from '../../support/mcp-clients.ts';
import {
  callRequest,
  initializeRequest,
  modernRequest,
  openRawSession,
  raw,
  rawStream,
} from '../../support/raw-http.ts';
import { sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const CHART = 'paperkite_studio__draw_chart';
const SLOW = 'workflow__slow_report';
const FILE = `views: { charts: { allow: [${CHART}] }, reports: { allow: [${SLOW}] } }`;

type Entry = readonly [name: string, views: readonly string[], expires?: Date];

/** A bridge with a key for each entry. */
async function startKeyed(...entries: readonly Entry[]) {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-boundary-'));
  const path = join(folder, 'keys.json');
  const values = new Map(entries.map(([name]) => [name, newKey()]));
  const key = (name: string): string => values.get(name) ?? '';
  /** Stores the keys of these entries, and no others. */
  const store = (...stored: readonly Entry[]): void => {
    const keys = stored.map(([name, views, expires]): ApiKey => {
      return { name, sha256: keyHash(key(name)), views, created: new Date(), expires };
    });
    writeFileSync(path, formatKeys(keys), { mode: 0o600 });
  };
  store(...entries);
  const sandbox = await createSandbox({ tools: 'long' });
  const env = {
    DIFY_BRIDGE_KEYS_FILE: path,
    DIFY_BRIDGE_TOOLS_HAND_OFF: '2s',
    DIFY_BRIDGE_FILES_STORE: 'memory',
    DIFY_BRIDGE_TOOLS_MAX_IMAGE_BYTES: '100B',
  };
  const bridge = await startBridge({ env: { ...sandboxEnv(sandbox), ...env }, file: FILE });
  const url = await bridge.url();
  await Promise.all([...bridge.app.views.values()].map((view) => view.registry.ready()));
  const clients: TestClient[] = [];
  return {
    bridge,
    store,
    key,
    port: Number(new URL(url).port),
    bearer: (name: string) => ({ Authorization: `Bearer ${key(name)}` }),
    async connect(kind: ClientKind, name: string, view = '') {
      const client = await connectClient(kind, { url: `${url}${view}`, token: key(name) });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close().catch(() => undefined);
      await bridge[Symbol.asyncDispose]();
      await sandbox.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const names = async (client: TestClient): Promise<string[]> =>
  (await client.listPage()).tools.map(({ name }) => name);
const textOf = ({ content }: TestResult): string => content.map(({ text }) => text ?? '').join('\n');
const callIdOf = (result: TestResult): string => /"call_id": "(call_[^"]+)"/.exec(textOf(result))?.[1] ?? '';

describe.each(ERAS)('a key of one view (%s)', (kind) => {
  it('sees that view, at the default path too, and reaches no tool of any other by name', async () => {
    await using keyed = await startKeyed(['charts-agent', ['charts']], ['all', ['default', 'reports']]);
    const { views } = keyed.bridge.app;
    const own = ['cancel_call', 'get_call_result', CHART];
    const others = [...views.values()].flatMap(({ registry }) => registry.current()?.tools ?? []);
    const foreign = [...new Set(others.map(({ name }) => name))].filter((name) => !own.includes(name));
    expect(foreign).toContain(SLOW);
    for (const path of ['', '/charts']) {
      const client = await keyed.connect(kind, 'charts-agent', path);
      expect(await names(client)).toEqual(own);
      for (const name of foreign) {
        const call = client.callTool(name, { seconds: 0 });
        await expect(call, name).rejects.toMatchObject({ data: { code: 'tool_not_found' } });
      }
    }
    await expect(keyed.connect(kind, 'charts-agent', '/reports')).rejects.toThrow(
      /Nothing is here|Version negotiation failed/,
    );
    // A key that has the default view sees it at its path, whatever its order.
    expect(await names(await keyed.connect(kind, 'all'))).toEqual(expect.arrayContaining([CHART, SLOW]));
    expect(await names(await keyed.connect(kind, 'all', '/reports'))).toContain(SLOW);
  });

  it('reaches neither files nor calls of another key, in the same view or another', async () => {
    await using keyed = await startKeyed(
      ['owner', ['default', 'charts', 'reports']],
      ['peer', ['default', 'charts', 'reports']],
      ['charts-agent', ['charts']],
    );
    const owner = await keyed.connect(kind, 'owner');
    const peers = [await keyed.connect(kind, 'peer'), await keyed.connect(kind, 'charts-agent')];
    const chart = await owner.callTool(CHART, { labels: ['May'], values: [1] });
    const { uri } = chart.content.find(({ type }) => type === 'resource_link') as unknown as { uri: string };
    expect((await owner.readResource(uri)).contents).toHaveLength(1);
    const id = callIdOf(await owner.callTool(SLOW, { seconds: 60 }));
    expect(id).toMatch(/^call_/);
    for (const peer of peers) {
      expect((await peer.listResources()).resources).toEqual([]);
      await expect(peer.readResource(uri)).rejects.toThrow('Unknown file');
      for (const tool of ['get_call_result', 'cancel_call']) {
        const answer = await peer.callTool(tool, { call_id: id });
        expect([answer.isError, textOf(answer)]).toEqual([true, expect.stringContaining('Unknown call ID')]);
      }
    }
    expect(textOf(await owner.callTool('get_call_result', { call_id: id }))).toContain('is still running');
  });
});

describe('another view, another session', () => {
  it('answers as a view or a session that does not exist', async () => {
    await using keyed = await startKeyed(['a', ['charts']], ['b', ['charts']]);
    const { port, bearer } = keyed;
    const at = (path: string) => raw(port, { path, headers: bearer('a'), body: initializeRequest() });
    const [other, none] = [await at('/mcp/reports'), await at('/mcp/nothing')];
    expect(other.status).toBe(404);
    expect(other.text).toBe(none.text);
    expect(other.text).not.toContain('reports');

    const session = await openRawSession(port, bearer('a'));
    const stolen = { ...session, ...bearer('b') };
    const requests = [
      raw(port, { headers: stolen, body: callRequest(CHART) }),
      raw(port, { method: 'GET', headers: { ...stolen, Accept: 'text/event-stream' } }),
      raw(port, { method: 'DELETE', headers: stolen }),
    ];
    for (const answer of await Promise.all(requests)) expect(answer.status).toBe(404);
    // The session belongs to the view, not to the path.
    const own = raw(port, {
      path: '/mcp/charts',
      headers: session,
      body: callRequest(CHART, { values: [1] }),
    });
    expect((await own).status).toBe(200);
  });

  it('is reached by no other way of writing its path, and by no header but one', async () => {
    await using keyed = await startKeyed(['a', ['charts']], ['b', ['reports']]);
    const { port, bearer, key } = keyed;
    const list = modernRequest('tools/list');
    const ask = (path: string, headers: Record<string, string> = bearer('a')) =>
      raw(port, { ...list, path, headers: { ...list.headers, ...headers } });
    for (const path of [
      '/mcp/charts/../reports',
      '/mcp/charts/%2e%2e/reports',
      '/mcp%2Freports',
      '/mcp//reports',
      '//mcp/reports',
      '/MCP/reports',
      '/mcp/Reports',
      '/mcp/reports.',
      '/mcp/reports;x',
      '/mcp/reports%00',
      '/w/default/mcp/reports',
      'http://127.0.0.1/mcp/reports',
    ]) {
      expect({ path, status: (await ask(path)).status }).toEqual({ path, status: 404 });
    }
    const headers = {
      ...bearer('a'),
      'X-Original-URL': '/mcp/reports',
      'X-Forwarded-Prefix': '/mcp/reports',
    };
    expect((await ask('/mcp?path=/mcp/reports', headers)).text).not.toContain(SLOW);
    for (const [path, more] of [
      [`/mcp?access_token=${key('a')}&token=${key('a')}`, {}],
      ['/mcp', { Cookie: `access_token=${key('a')}`, 'X-API-Key': key('a') }],
      ['/mcp', { Authorization: `Bearer nothing, Bearer ${key('a')}` }],
    ] as const) {
      expect((await ask(path, more)).status).toBe(401);
    }
  });

  it('is challenged alike without a key and with a wrong, expired or revoked one', async () => {
    const past = new Date(Date.now() - 1000);
    await using keyed = await startKeyed(
      ['valid', ['default']],
      ['gone', ['default']],
      ['old', ['default'], past],
    );
    keyed.store(['valid', ['default']], ['old', ['default'], past]);
    const ask = (headers: Record<string, string>) => raw(keyed.port, { headers, body: initializeRequest() });
    const missing = await ask({});
    expect([missing.status, missing.headers['www-authenticate']]).toEqual([
      401,
      'Bearer realm="dify-mcp-bridge"',
    ]);
    const wrong = await ask({ Authorization: `Bearer ${newKey()}` });
    expect(wrong.headers['www-authenticate']).toContain('error="invalid_token"');
    for (const refused of [wrong, await ask(keyed.bearer('gone')), await ask(keyed.bearer('old'))]) {
      expect(refused.status).toBe(401);
      expect(refused.headers['www-authenticate']).toBe(wrong.headers['www-authenticate']);
      expect(refused.text).toBe(wrong.text);
    }
    const log = keyed.bridge.log.join('');
    expect(log).toMatch(/"key":"old","msg":"A key was refused because it has expired"/);
    for (const name of ['valid', 'gone', 'old']) expect(log).not.toContain(keyed.key(name));
  });
});

describe('a key that ends', () => {
  /** Opens what a client keeps open, in both eras: each ends when the promise settles. */
  async function openAll({ port, bearer, bridge }: Awaited<ReturnType<typeof startKeyed>>, name: string) {
    const session = await openRawSession(port, bearer(name));
    const listen = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });
    const call = modernRequest('tools/call', { name: CHART, arguments: { values: [1] } });
    const slow = (id: number) => callRequest(SLOW, { seconds: 60 }, id);
    const streams = [
      rawStream(port, { method: 'GET', headers: { ...session, Accept: 'text/event-stream' } }),
      rawStream(port, { ...listen, headers: { ...listen.headers, ...bearer(name) } }),
    ];
    await Promise.all(
      streams.map(({ request }) => new Promise((resolve) => request.once('response', resolve))),
    );
    const running = await raw(port, { headers: session, body: slow(1) });
    expect(running.text).toContain('is still running');
    const cancelled = () => bridge.log.filter((line) => line.includes('"outcome":"cancelled"')).length;
    expect(cancelled()).toBe(0);
    const ended = Promise.allSettled(streams.map(({ promise }) => promise));
    const later = () =>
      Promise.all([
        raw(port, { headers: session, body: slow(2) }),
        raw(port, { ...call, headers: { ...call.headers, ...bearer(name) } }),
      ]);
    return { ended, later, cancelled };
  }

  it('by revocation is refused at once, and its streams and calls end; others go on', async () => {
    await using keyed = await startKeyed(['a', ['default']], ['b', ['default']]);
    const { ended, later, cancelled } = await openAll(keyed, 'a');
    const session = await openRawSession(keyed.port, keyed.bearer('b'));
    const other = rawStream(keyed.port, {
      method: 'GET',
      headers: { ...session, Accept: 'text/event-stream' },
    });
    await new Promise((resolve) => other.request.once('response', resolve));
    keyed.store(['b', ['default']]);
    expect((await later()).map(({ status }) => status)).toEqual([401, 401]);
    await ended;
    await expect.poll(cancelled).toBe(1);
    const own = await raw(keyed.port, { headers: session, body: callRequest(CHART, { values: [1] }) });
    expect(own.status).toBe(200);
    expect(other.request.destroyed).toBe(false);
    other.request.destroy();
  });

  it('by its time ends its streams without a further request', async () => {
    await using keyed = await startKeyed(['a', ['default']]);
    const { ended, later, cancelled } = await openAll(keyed, 'a');
    const expires = new Date(Date.now() + 1500);
    keyed.store(['a', ['default'], expires]);
    await ended;
    expect(Date.now()).toBeGreaterThanOrEqual(expires.getTime());
    await expect.poll(cancelled).toBe(1);
    expect((await later()).map(({ status }) => status)).toEqual([401, 401]);
  });

  it('by a change of its views does not end the request that finds the change', async () => {
    await using keyed = await startKeyed(['a', ['default']]);
    const list = modernRequest('tools/list');
    const ask = () => raw(keyed.port, { ...list, headers: { ...list.headers, ...keyed.bearer('a') } });
    for (const view of ['charts', 'reports']) {
      keyed.store(['a', [view]]);
      expect((await ask()).text).toContain(view === 'charts' ? CHART : SLOW);
    }
  });

  it('takes the addresses of its files along, until a key of the same name is valid again', async () => {
    await using keyed = await startKeyed(['a', ['default']], ['b', ['default']]);
    const links = await Promise.all(
      ['a', 'b'].map(async (name) => {
        const client = await keyed.connect('v1', name);
        const chart = await client.callTool(CHART, { labels: ['May'], values: [1] });
        return /\/files\/\S+/.exec(textOf(chart))?.[0] ?? '';
      }),
    );
    const statuses = () => Promise.all(links.map(async (path) => (await raw(keyed.port, { path })).status));
    expect(await statuses()).toEqual([200, 200]);
    keyed.store(['b', ['default']]);
    expect(await statuses()).toEqual([404, 200]);
    keyed.store(['a', ['default'], new Date(Date.now() - 1)], ['b', ['default']]);
    expect(await statuses()).toEqual([404, 200]);
    keyed.store(['a', ['charts']], ['b', ['default']]);
    expect(await statuses()).toEqual([200, 200]);
  });
});
