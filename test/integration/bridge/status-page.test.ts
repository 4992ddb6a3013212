import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox } from '../../../src/index.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { adminUrl } from '../../support/admin.ts';
import { sharedChromium } from '../../support/chromium.ts';
import { openPage } from '../../support/devtools.ts';
import { connectClient } from '../../support/mcp-clients.ts';
import { type RunningBridge, sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const TOKEN = 'fake-admin-token';
const TOOL = 'time__weekday';

let sandbox: Sandbox;
let bridge: RunningBridge;
let url: string;
beforeAll(async () => {
  sandbox = await createSandbox();
  bridge = await startBridge({
    env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_ADMIN_PORT: '0', DIFY_BRIDGE_ADMIN_TOKEN: TOKEN },
    file: 'views:\n  support:\n    allow: ["time__*"]\n  everything:\n    mode: search\n',
  });
  const client = await bridge.connect('v2 pinned');
  await client.callTool(TOOL, { year: 2026, month: 11, day: 22 });
  await client.callTool(TOOL, { year: 'FAKE-ARGUMENT' });
  url = await adminUrl(bridge);
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await sandbox.close();
});

const headers = { authorization: `Bearer ${TOKEN}` };
const get = (path: string): Promise<Response> => fetch(url + path, { headers });

describe('the status page', () => {
  it('has workspaces, views, calls, and the lines for clients', async () => {
    const html = await (await get('/')).text();
    const address = await bridge.url();
    for (const text of [
      'Workspace default',
      'by the inner road',
      `<code>${address}/support</code>`,
      '<a href="/views/default/everything">everything</a>',
      '>search<',
      'Calls in flight',
      'All are closed.',
      '<span class="good">ok</span>',
      '<span class="bad">invalid_arguments</span>',
      '<summary>Claude Code</summary>',
      `&quot;url&quot;: &quot;${address}&quot;`,
    ]) {
      expect(html).toContain(text);
    }
    expect(html).not.toContain('FAKE-ARGUMENT');
  });

  it('shows where to put the token in the lines of a client that cannot ask for it', async () => {
    const env = { ...sandboxEnv(sandbox), DIFY_BRIDGE_ADMIN_PORT: '0' };
    await using remote = await startBridge({
      env: { ...env, DIFY_BRIDGE_TOKEN: 'fake-token', DIFY_BRIDGE_PUBLIC_URL: 'https://bridge.example.com' },
    });
    const html = await (await fetch(await adminUrl(remote))).text();
    expect(html).toContain('Bearer PUT-TOKEN-HERE');
    expect(html).not.toContain('[redacted]');
  });

  it('has a page for each view and each tool, with its schema and cost', async () => {
    const view = await (await get('/views/default/support')).text();
    expect(view).toContain(`<a href="/views/default/support/${TOOL}">`);
    expect(view).not.toContain('paperkite_studio__research</code></a>');
    const tool = await (await get(`/views/default/support/${TOOL}`)).text();
    expect(tool).toMatch(/398 bytes &middot; about 100 tokens/);
    expect(tool).toContain('&quot;required&quot;: [');
    for (const path of [
      '/views',
      '/views/other/default',
      '/views/default/none',
      '/views/default/support/none',
      '/views/%',
    ]) {
      expect((await get(path)).status).toBe(404);
    }
  });

  it('shows a running call, without its arguments', async () => {
    const client = await bridge.connect('v1');
    const leave = new AbortController();
    const call = client
      .callTool('paperkite_studio__research', { topic: 'FAKE-ARGUMENT' }, { signal: leave.signal })
      .catch(() => undefined);
    await expect.poll(async () => (await get('/')).text()).toContain('>running<');
    const html = await (await get('/')).text();
    expect(html).toContain('<code>paperkite_studio__research</code>');
    expect(html).not.toContain('FAKE-ARGUMENT');
    leave.abort();
    await call;
  });

  it('has every workspace, with its own calls', async () => {
    const { credentials } = sandbox;
    const { innerApiKey, workspaceId, adminApiKey } = credentials;
    const dify = { apiUrl: sandbox.url, innerApiKey, workspaceId, adminApiKey };
    const audit = join(mkdtempSync(join(tmpdir(), 'audit-')), 'audit.log');
    {
      await using two = await startBridge({
        env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_ADMIN_PORT: '0', DIFY_BRIDGE_AUDIT_FILE: audit },
        file: JSON.stringify({ workspaces: { sales: { dify, views: { clock: { allow: ['time__*'] } } } } }),
      });
      const { origin } = new URL(await two.url());
      const client = await connectClient('v1', { url: `${origin}/w/sales/mcp/clock` });
      await client.callTool(TOOL, { year: 2026, month: 11, day: 22 });
      await client.close();
      const html = await (await fetch(await adminUrl(two))).text();
      expect(html).toContain('Workspace default');
      expect(html).toContain('Workspace sales');
      expect(html).toContain(`<code>${origin}/w/sales/mcp/clock</code>`);
      expect(html).toContain('>sales / clock</td>');
      const view = await fetch(`${await adminUrl(two)}/views/sales/clock`);
      expect(await view.text()).toContain(`<a href="/views/sales/clock/${TOOL}">`);
      const line = two.log.find((each) => each.includes('Tool call ended'));
      expect(JSON.parse(line ?? '{}')).toMatchObject({ workspace: 'sales', outcome: 'ok' });
    }
    expect(JSON.parse(readFileSync(audit, 'utf8'))).toMatchObject({ workspace: 'sales', view: 'clock' });
  });

  it('says what is stale and why', async () => {
    await using other = await startBridge({
      env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_ADMIN_PORT: '0', DIFY_API_URL: 'http://127.0.0.1:9' },
    });
    const page = async (): Promise<string> => (await fetch(await adminUrl(other))).text();
    await expect.poll(page).toContain('The last load failed: ');
    expect(await page()).toContain('not loaded yet');
  });
});

describe('the status page in Chromium', { tags: ['browser'] }, () => {
  const chromium = sharedChromium();
  it.each([
    ['on a phone', 390],
    ['on a desktop', 1280],
  ])('fits the window and needs nothing but itself, %s', async (_, width) => {
    for (const path of ['/', '/views/default/default', `/views/default/default/${TOOL}`]) {
      const page = await openPage(chromium, url + path, width, headers);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      // The style is in force in spite of the policy.
      expect(await page.evaluate("getComputedStyle(document.querySelector('section')).borderRadius")).toBe(
        '8px',
      );
      expect(page.requests).toEqual([url + path]);
      expect(page.complaints).toEqual([]);
    }
  });

  it('runs no script, whatever a page has', async () => {
    const page = await openPage(chromium, `${url}/`, 1280, headers);
    await page.evaluate(
      "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')",
    );
    await page.evaluate(
      "document.body.append(Object.assign(document.createElement('script'), { text: 'ran = 1' }))",
    );
    await expect
      .poll(() => page.complaints.join('\n'))
      .toMatch(/Content Security Policy.*img-src|img-src.*Content Security Policy/s);
    await expect.poll(() => page.complaints.join('\n')).toMatch(/script-src/);
    expect(await page.evaluate('typeof ran')).toBe('undefined');
  });
});
