import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox } from '../../../src/index.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { adminUrl, scrape } from '../../support/admin.ts';
import { raw } from '../../support/raw-http.ts';
import { CLIENT_KINDS } from '../../support/mcp-clients.ts';
import { accountEnv, sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const TOOL = 'time__weekday';
const ARGS = { year: 2026, month: 11, day: 22 };
const TOKEN = 'fake-admin-token';
const ADMIN = { DIFY_BRIDGE_ADMIN_PORT: '0' };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox.close());

describe('the admin server', () => {
  it.each(CLIENT_KINDS)('counts the calls of the client %s, and what they cause', async (kind) => {
    await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), ...ADMIN } });
    const client = await bridge.connect(kind);
    await client.callTool(TOOL, ARGS);
    await client.callTool(TOOL, { year: 'never' });
    await client.callTool('no_such_tool', {}).catch(() => undefined);
    const text = await scrape(bridge);
    for (const line of [
      `tool_calls_total{tool="${TOOL}",provider="time",outcome="ok"} 1`,
      `tool_calls_total{tool="${TOOL}",provider="time",outcome="invalid_arguments"} 1`,
      'tool_calls_total{tool="other",provider="other",outcome="tool_not_found"} 1',
      'tool_calls_in_flight 0',
      'upstream_requests_total{plane="inner",status_class="2xx"} 1',
      'catalog_refresh_total{source="console",outcome="ok"}',
    ]) {
      expect(text).toContain(`\ndify_bridge_${line}`);
    }
    expect(text).toMatch(/dify_bridge_stream_bytes_total [1-9]/);
    expect(text).toMatch(/dify_bridge_catalog_tools [1-9]/);
    expect(text).toMatch(/dify_bridge_http_requests_total\{route="mcp",method="POST",status="200"\} [1-9]/);
  });

  it('counts the bytes of an answer on the account road too', async () => {
    await using bridge = await startBridge({ env: { ...accountEnv(sandbox), ...ADMIN } });
    const client = await bridge.connect(CLIENT_KINDS[0]);
    await client.callTool(TOOL, ARGS);
    expect(await scrape(bridge)).toMatch(/dify_bridge_stream_bytes_total [1-9]/);
  });

  it('counts what Dify refuses and what does not answer', async () => {
    const dify = createServer((_, res) => res.writeHead(503).end('FAKE-BODY'));
    dify.listen(0, '127.0.0.1');
    await once(dify, 'listening');
    const url = `http://127.0.0.1:${(dify.address() as AddressInfo).port}`;
    try {
      await using bridge = await startBridge({
        env: { ...sandboxEnv(sandbox), ...ADMIN, DIFY_API_URL: url },
      });
      await expect
        .poll(() => scrape(bridge))
        .toMatch(/upstream_requests_total\{plane="console",status_class="5xx"\} [1-9]/);
      await expect
        .poll(() => scrape(bridge))
        .toMatch(/catalog_refresh_total\{source="console",outcome="failed"\} [1-9]/);
      expect(await scrape(bridge)).not.toContain('FAKE-BODY');
    } finally {
      dify.closeAllConnections();
      dify.close();
    }
  });

  it('answers probes as the MCP port does, and stops with the bridge', async () => {
    const bridge = await startBridge({ env: { ...sandboxEnv(sandbox), ...ADMIN }, start: false });
    const url = await adminUrl(bridge);
    const status = async (path: string): Promise<number> => (await fetch(`${url}${path}`)).status;
    expect([await status('/livez'), await status('/readyz')]).toEqual([200, 503]);
    bridge.app.start();
    await expect.poll(() => status('/readyz')).toBe(200);
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ready' });
    await bridge[Symbol.asyncDispose]();
    await expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed');
  });

  it('with a token gives strangers the probes only', async () => {
    const env = { ...sandboxEnv(sandbox), ...ADMIN, DIFY_BRIDGE_ADMIN_TOKEN: TOKEN };
    await using bridge = await startBridge({ env });
    const url = await adminUrl(bridge);
    const get = (path: string, authorization?: string): Promise<Response> =>
      fetch(`${url}${path}`, { headers: authorization === undefined ? {} : { authorization } });
    const basic = (password: string): string => `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
    for (const authorization of [undefined, 'Bearer wrong', basic('wrong'), 'Basic ???', TOKEN]) {
      const response = await get('/metrics', authorization);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
      expect(await response.text()).not.toContain('dify_bridge_');
    }
    for (const authorization of [`Bearer ${TOKEN}`, basic(TOKEN)]) {
      expect((await get('/metrics', authorization)).status).toBe(200);
    }
    expect((await get('/livez')).status).toBe(200);
    // The token of the admin server admits no client.
    expect(bridge.log.join('')).not.toContain(TOKEN);
  });

  it('refuses other methods, unknown paths and names that a page could have rebound', async () => {
    await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), ...ADMIN } });
    const url = await adminUrl(bridge);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
    const { port } = new URL(url);
    const headers = { Host: `evil.example:${port}` };
    const rebound = await raw(Number(port), { method: 'GET', path: '/metrics', headers });
    expect(rebound.status).toBe(403);
  });

  it('serves no address that others reach without a token', async () => {
    const env = { ...sandboxEnv(sandbox), ...ADMIN, DIFY_BRIDGE_ADMIN_HOST: '0.0.0.0' };
    await expect(startBridge({ env, start: false })).rejects.toMatchObject({
      code: 'config_invalid',
      hint: expect.stringContaining('admin.token (DIFY_BRIDGE_ADMIN_TOKEN)') as string,
    });
    await using open = await startBridge({
      env: { ...env, DIFY_BRIDGE_ADMIN_ALLOW_WITHOUT_TOKEN: 'true' },
      start: false,
    });
    await open.url();
  });

  it('names its own settings if its port is taken', async () => {
    await using first = await startBridge({ env: { ...sandboxEnv(sandbox), ...ADMIN }, start: false });
    const { port } = new URL(await adminUrl(first));
    await using second = await startBridge({
      env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_ADMIN_PORT: port },
      start: false,
    });
    await expect(second.url()).rejects.toMatchObject({
      code: 'port_unavailable',
      hint: 'Choose another admin.port or admin.host.',
    });
  });
});
