import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type App, createApp } from '../../../src/app/app.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { errorOf } from '../../support/error-of.ts';

const HOME = '/nonexistent';
const signal = new AbortController().signal;

/** An app with the embedded Dify; closed with the test. */
async function sandboxed(env: Record<string, string> = {}, set?: string): Promise<App> {
  const clean = {
    HOME,
    XDG_CONFIG_HOME: HOME,
    DIFY_BRIDGE_PORT: '0',
    DIFY_BRIDGE_FILES_STORE: 'memory',
  };
  const { config } = await loadConfig({ env: { ...clean, ...env }, sandbox: set ?? true, needsDify: true });
  const app = await createApp(config, { logger: silentLogger });
  onTestFinished(() => app.close(0));
  return app;
}

describe('an app', () => {
  it('calls tools without being served', async () => {
    const app = await sandboxed();
    app.start();
    const result = await app.callTool('time__weekday', { year: 2026, month: 11, day: 22 }, { signal });
    expect(result).toEqual({ content: [{ type: 'text', text: 'November 22, 2026 is Sunday.' }] });
    expect(app.status()).toMatchObject({ loadedAt: expect.any(Date), lastError: undefined });
  });

  it('has the set of tools that it was asked for', async () => {
    const app = await sandboxed({}, 'files');
    app.start();
    const { tools } = await app.registry.ready();
    expect(tools.map(({ ref }) => ref.tool)).toContain('give_files');
  });

  it('rejects a call of an unknown tool with similar names', async () => {
    const app = await sandboxed();
    app.start();
    const error = await errorOf(app.callTool('weekday', {}, { signal }));
    expect(error.code).toBe('tool_not_found');
    expect(error.hint).toContain('time__weekday');
  });

  it('does nothing until it is started, and a call waits for that', async () => {
    const app = await sandboxed();
    expect(app.status().listing).toBeUndefined();
    const call = app.callTool('time__current_time', {}, { signal });
    app.start();
    expect((await call).isError).toBeUndefined();
  });

  it('gives up waiting for tools after the configured time', async () => {
    const app = await sandboxed({ DIFY_BRIDGE_CATALOG_LOAD_TIMEOUT: '100ms' });
    const error = await errorOf(app.callTool('time__current_time', {}, { signal }));
    expect(error).toMatchObject({ code: 'catalog_unavailable', message: expect.stringContaining('100 ms') });
  });

  it('hears of a change that it looks for itself', async () => {
    const sandbox = await createSandbox();
    onTestFinished(() => sandbox.close());
    const { innerApiKey, workspaceId, adminApiKey } = sandbox.credentials;
    const { config } = await loadConfig({
      env: {
        HOME,
        XDG_CONFIG_HOME: HOME,
        DIFY_BRIDGE_FILES_STORE: 'memory',
        DIFY_API_URL: sandbox.url,
        DIFY_INNER_API_KEY: innerApiKey,
        DIFY_WORKSPACE_ID: workspaceId,
        DIFY_ADMIN_API_KEY: adminApiKey,
      },
      needsDify: true,
    });
    const app = await createApp(config, { logger: silentLogger });
    onTestFinished(() => app.close(0));
    app.start();
    const before = await app.registry.ready();
    const changed: string[] = [];
    const end = app.registry.onChange(({ fingerprint }) => changed.push(fingerprint));
    sandbox.workspace.removeTool('builtin', 'time', 'weekday');
    await app.refresh();
    end();
    sandbox.workspace.removeTool('builtin', 'time', 'current_time');
    await app.refresh();
    expect(changed).toHaveLength(1);
    expect(changed).not.toContain(before.fingerprint);
  });

  it('says that its port is taken, and can still be closed', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const app = await sandboxed({ DIFY_BRIDGE_PORT: String(port) });
    expect((await errorOf(app.serveHttp())).code).toBe('port_unavailable');
    await app.close(0);
  });

  it('answers requests that wait for tools when it is closed', async () => {
    const app = await sandboxed();
    const call = errorOf(app.callTool('time__current_time', {}, { signal }));
    await app.close(0);
    expect(await call).toMatchObject({
      code: 'catalog_unavailable',
      message: expect.stringContaining('The bridge is stopping'),
    });
  });

  it('ends all that it began when it is closed, however often', async () => {
    const app = await sandboxed();
    app.start();
    await app.registry.ready();
    const { url, closed } = await app.serveHttp();
    const ends = { stdin: new PassThrough(), stdout: new PassThrough() };
    const served = app.serveStdio(ends);
    expect((await fetch(url.replace('/mcp', '/readyz'))).status).toBe(200);
    await Promise.all([app.close(0), app.close(0)]);
    await Promise.all([closed, served]);
    await app.close(1000);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    await expect(fetch(`${app.sandboxUrl}/health`)).rejects.toThrow('fetch failed');
    expect((await errorOf(app.refresh())).code).toBe('shutting_down');
    const late = await app.callTool('time__current_time', {}, { signal });
    expect(late).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('stopping') }] });
  });
});
