import { describe, expect, it, onTestFinished } from 'vitest';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { freePort } from '../../support/free-port.ts';
import { GATE, startGatedSandbox } from '../../support/gated-sandbox.ts';
import { connectClient } from '../../support/mcp-clients.ts';
import { startBridge } from '../../support/running-bridge.ts';
import { SIGN_IN_KEY } from '../../support/signed-in-bridge.ts';
import { connectSignedIn, TestAuth } from '../../support/test-auth.ts';
import { type ProxyKind, proxyUrl, startTlsProxy } from '../../support/tls-proxy.ts';
import { startSharedDify } from '../../support/two-accounts.ts';

const TOKEN = 'fake-bridge-token';
const CHART = {
  title: 'Visitors',
  labels: ['Mon', 'Tue'],
  values: [12, 19],
};

/** A bridge that clients reach through a proxy only. */
async function served(kind: ProxyKind) {
  const port = await freePort();
  const gated = ending(await startGatedSandbox());
  const env = {
    ...gated.env,
    DIFY_BRIDGE_TOKEN: TOKEN,
    DIFY_BRIDGE_PUBLIC_URL: proxyUrl(port),
    DIFY_BRIDGE_CALLS_PROGRESS_INTERVAL: '100ms',
    // A picture is a file to download.
    DIFY_BRIDGE_TOOLS_MAX_IMAGE_BYTES: '0B',
  };
  const bridge = ending(await startBridge({ env }));
  const proxy = ending(await startTlsProxy(kind, port, Number(new URL(await bridge.url()).port)));
  return { gated, bridge, proxy, url: proxyUrl(port) };
}

/** Ends with the test, before what was started before it. */
function ending<T extends AsyncDisposable>(started: T): T {
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

describe.each(['nginx', 'caddy'] as const)('the example for %s', (kind) => {
  const tags = [kind, 'certificate'];

  it.each(['v1', 'v2 auto'] as const)(
    'serves a client (%s) with TLS, and streams at once',
    { tags },
    async (client) => {
      const place = await served(kind);
      const { gated, bridge, proxy, url } = place;
      const target = { url: `${url}/mcp`, token: TOKEN, fetch: proxy.fetch };
      await using connected = {
        client: await connectClient(client, target),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      const own = connected.client;
      expect(own.modern).toBe(client !== 'v1');
      expect((await own.listPage()).tools.map(({ name }) => name)).toContain(GATE);

      // Progress arrives while the call runs: a proxy that collected the answer would never deliver it.
      let begun = (): void => undefined;
      const progress = new Promise<void>((resolve) => (begun = resolve));
      const call = own.callTool(GATE, {}, { onprogress: () => begun() });
      await Promise.all([progress, gated.arrived()]);
      gated.open();
      expect((await call).content[0]?.text).toBe('passed');

      // A stream that the client keeps open.
      const heard = own.nextListChange();
      gated.sandbox.workspace.removeTool('builtin', 'time', 'weekday');
      await bridge.app.refresh();
      await heard;

      const drawn = await own.callTool('paperkite_studio__draw_chart', CHART);
      const text = JSON.stringify(drawn.content);
      const link = /https:\/\/mcp\.example\.com:\d+\/files\/[\w-]+\/chart\.png/.exec(text)?.[0] ?? '';
      const file = await proxy.fetch(link);
      expect([file.status, file.headers.get('content-type')]).toEqual([200, 'image/png']);
      const bytes = Buffer.from(await file.arrayBuffer());
      expect(bytes.subarray(1, 4).toString()).toBe('PNG');

      const line = bridge.log.find((each) => each.includes('Tool call ended')) ?? '{}';
      expect(JSON.parse(line)).toMatchObject({ forwardedFor: '127.0.0.1', address: '127.0.0.1' });
      await own.close();
    },
  );

  it.each(['v1', 'v2 auto'] as const)(
    'leads people to the pages on which they sign in (%s)',
    { tags },
    async (client) => {
      const port = await freePort();
      const url = `${proxyUrl(port)}/mcp`;
      const dify = await startSharedDify({ ada: 'demo' });
      const env = {
        DIFY_URL: dify.url,
        DIFY_BRIDGE_PUBLIC_URL: proxyUrl(port),
        DIFY_BRIDGE_SIGN_IN_KEY: SIGN_IN_KEY,
      };
      const bridge = ending(await startBridge({ env }));
      const proxy = ending(await startTlsProxy(kind, port, Number(new URL(await bridge.url()).port)));
      const { ada } = dify.accounts as Record<'ada', Sandbox>;
      const own = await connectSignedIn(client, url, ada.credentials, new TestAuth(), proxy.fetch);
      expect((await own.listPage()).tools.map(({ name }) => name)).toContain('time__weekday');
      await own.close();
    },
  );

  it('passes on no other path, and no other caller', { tags }, async () => {
    const place = await served(kind);
    const { proxy, url } = place;
    const status = async (path: string, init?: RequestInit): Promise<number> =>
      (await proxy.fetch(`${url}${path}`, init)).status;
    expect(await status('/readyz')).toBe(404);
    expect(await status('/mcpx')).toBe(404);
    const post = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };
    expect(await status('/mcp', post)).toBe(401);
    expect(
      await status('/mcp', { ...post, headers: { ...post.headers, Authorization: `Bearer ${TOKEN}` } }),
    ).toBe(400);
  });
});
