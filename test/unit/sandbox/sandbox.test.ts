import { describe, expect, it } from 'vitest';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { invoke, startSandbox } from '../../support/sandbox-client.ts';

/** As they were before the first sandbox started. */
const GLOBALS = [globalThis.Request, globalThis.Response];

describe('the sandbox', () => {
  it('remembers requests, lets one be awaited, and can be slow', async () => {
    const sandbox = await startSandbox();
    const coming = sandbox.nextRequest('/console/api/ping');
    await fetch(`${sandbox.url}/health`);
    await fetch(`${sandbox.url}/console/api/ping?a=b`);
    expect(await coming).toMatchObject({ method: 'GET', path: '/console/api/ping' });
    expect(sandbox.requests.map(({ path }) => path)).toEqual(['/health', '/console/api/ping']);
    sandbox.workspace.delay = 120;
    const began = Date.now();
    await fetch(`${sandbox.url}/health`);
    expect(Date.now() - began).toBeGreaterThan(110);
  });

  it('ends what is awaited and what runs when it closes', async () => {
    const sandbox = await createSandbox();
    const never = sandbox.nextRequest('/never');
    const arrived = sandbox.nextRequest('/inner/api/invoke/tool');
    const running = invoke(sandbox, {
      tool_type: 'builtin',
      provider: 'paperkite/studio/studio',
      tool: 'research',
      tool_parameters: { topic: 'kites', seconds: 60 },
    }).then((response) => response.arrayBuffer());
    await arrived;
    await sandbox.close();
    await expect(never).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(running).rejects.toThrow(TypeError);
    await expect(fetch(`${sandbox.url}/health`)).rejects.toThrow(TypeError);
  });

  it('rejects for a port that is taken', async () => {
    const sandbox = await startSandbox();
    const port = Number(new URL(sandbox.url).port);
    await expect(createSandbox({ port })).rejects.toMatchObject({
      code: 'port_unavailable',
      message: expect.stringContaining(String(port)) as string,
    });
  });

  it('leaves the global Request and Response alone, and makes new secrets each time', async () => {
    const [one, two] = [await startSandbox(), await startSandbox()];
    expect(globalThis.Request).toBe(GLOBALS[0]);
    expect(globalThis.Response).toBe(GLOBALS[1]);
    for (const key of ['innerApiKey', 'adminApiKey', 'password', 'secretKey'] as const) {
      expect(one.credentials[key]).not.toBe(two.credentials[key]);
    }
    expect(one.credentials.workspaceId).toBe(two.credentials.workspaceId);
  });

  it('answers a trailing slash and an unknown path with a page, another method with 405', async () => {
    const sandbox = await startSandbox();
    for (const path of ['/inner/api/invoke/tool/', '/inner/api/nothing', '/', '/explore']) {
      const response = await fetch(`${sandbox.url}${path}`, { method: 'POST' });
      expect([response.status, response.headers.get('content-type')]).toEqual([
        404,
        'text/html; charset=utf-8',
      ]);
      expect(await response.text()).toContain('<h1>Not Found</h1>');
    }
    const response = await fetch(`${sandbox.url}/inner/api/invoke/tool`);
    expect([response.status, response.headers.get('content-type')]).toEqual([405, 'application/json']);
  });
});
