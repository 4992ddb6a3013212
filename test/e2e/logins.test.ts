import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { logIn } from '../../src/dify/console/login.ts';
import { createDifyHttp } from '../../src/dify/wire/http.ts';
import { readLogins, storeLogin } from '../../src/logins/login-file.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { runHere } from '../support/cli-here.ts';
import { loginsPath } from '../support/logins.ts';
import { run, start } from '../support/program.ts';
import { startRaw } from '../support/raw-stdio.ts';

const LIST = '/console/api/workspaces/current/tools/builtin';
const REFRESH = '/console/api/refresh-token';

/** A sandbox with a stored login, and the environment of the processes that use it. */
async function signedIn(options: SandboxOptions = {}) {
  const sandbox = await createSandbox(options);
  const { email, password, workspaceId } = sandbox.credentials;
  const http = createDifyHttp({ baseUrl: sandbox.url });
  const outcome = await logIn(http, { email, password }, sandbox.version, 30_000);
  await http.close();
  if (!('tokens' in outcome)) throw outcome.error;
  const home = dirname(loginsPath());
  const path = join(home, 'dify-mcp-bridge', 'logins.json');
  const now = new Date();
  const { url } = sandbox;
  const facts = { url, email, workspaceId, workspaceName: 'Sandbox workspace' };
  await storeLogin(path, { ...facts, signedInAt: now, renewedAt: now, tokens: outcome.tokens });
  const env = { XDG_CONFIG_HOME: home };
  return { sandbox, path, env, [Symbol.asyncDispose]: () => sandbox.close() };
}

const refreshes = (sandbox: Sandbox): number =>
  sandbox.requests.filter(({ path }) => path === REFRESH).length;

describe('processes that share a stored login', () => {
  it.for(['1.4.1', '1.13.0'])('renew it once, all at the same time (Dify %s)', async (version) => {
    await using one = await signedIn({ version });
    one.sandbox.sessions.expireAccessTokens();
    const all = await Promise.all(Array.from({ length: 3 }, () => run(['tools', 'list'], one)));
    expect(all.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      Array.from({ length: 3 }, () => ({ code: 0, stderr: '' })),
    );
    expect(refreshes(one.sandbox)).toBe(1);
  });

  it('keep it alive while its tokens expire again and again', async () => {
    await using one = await signedIn();
    const bridges = [startRaw([], one), startRaw([], one)];
    try {
      for (const bridge of bridges) {
        await bridge.request('initialize', {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'test', version: '1' },
        });
        bridge.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
      }
      for (let round = 0; round < 3; round += 1) {
        one.sandbox.sessions.expireAccessTokens();
        const answers = await Promise.all(
          bridges.map((bridge) =>
            bridge.request('tools/call', {
              name: 'time__weekday',
              arguments: { year: 2026, month: 11, day: 30 },
            }),
          ),
        );
        for (const { result } of answers) expect(result).not.toHaveProperty('isError');
      }
    } finally {
      for (const bridge of bridges) await bridge[Symbol.asyncDispose]();
    }
  });

  it('take over the lock of one that was killed in the middle', async () => {
    await using one = await signedIn();
    one.sandbox.sessions.expireAccessTokens();
    const asking = one.sandbox.nextRequest(LIST);
    const refreshing = one.sandbox.nextRequest(REFRESH);
    const killed = start(['tools', 'list'], one);
    await asking;
    one.sandbox.workspace.delay = 600_000;
    await refreshing;
    killed.child.kill('SIGKILL');
    await killed.ended;
    one.sandbox.workspace.delay = 0;
    expect(existsSync(`${one.path}.lock`)).toBe(true);
    expect(await run(['tools', 'list'], one)).toMatchObject({ code: 0 });
  });

  it('finish a renewal before they stop', async () => {
    await using one = await signedIn();
    const [before] = await readLogins(one.path);
    const bridge = startRaw([], { env: { ...one.env, DIFY_BRIDGE_CATALOG_REFRESH: '1s' } });
    try {
      await one.sandbox.nextRequest(LIST);
      const refreshing = one.sandbox.nextRequest(REFRESH);
      // Dify answers the renewal later than the bridge is told to stop.
      one.sandbox.workspace.delay = 1_000;
      one.sandbox.sessions.expireAccessTokens();
      await refreshing;
      bridge.process.child.kill('SIGTERM');
      await bridge.process.ended;
    } finally {
      await bridge[Symbol.asyncDispose]();
    }
    const [after] = await readLogins(one.path);
    expect(after?.tokens).not.toEqual(before?.tokens);
  });

  it('say what to do when it has ended', async () => {
    await using one = await signedIn();
    one.sandbox.sessions.expireAccessTokens();
    one.sandbox.sessions.expireRefreshTokens();
    const { code, stderr } = await runHere(['tools', 'list'], one);
    expect(code).toBe(4);
    expect(stderr).toContain(
      `The login of ${one.sandbox.credentials.email} at ${one.sandbox.url} has ended.`,
    );
    expect(stderr).toContain(`Run: node dist/main.js login ${one.sandbox.url}`);
  });

  it('show no token, not even with debug logs', async () => {
    await using one = await signedIn();
    const { code, stdout, stderr } = await run(['doctor', '--log-level', 'debug'], one);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain(`as ${one.sandbox.credentials.email}`);
    const [login] = await readLogins(one.path);
    const tokens = login?.tokens.kind === 'cookies' ? [...login.tokens.cookies.values()] : [];
    expect(tokens).toHaveLength(3);
    for (const token of tokens) {
      expect(readFileSync(one.path, 'utf8')).toContain(token);
      expect(stdout + stderr).not.toContain(token);
    }
  });

  it('come from `login`, which is all that the other commands need, and go with `logout`', async () => {
    await using sandbox = Object.assign(await createSandbox(), {
      [Symbol.asyncDispose]: (): Promise<void> => sandbox.close(),
    });
    const { email, password } = sandbox.credentials;
    const env = { XDG_CONFIG_HOME: dirname(loginsPath()) };
    const login = ['login', `${sandbox.url}/apps`, '--email', email, '--yes'];
    expect(await runHere(login, { env: { ...env, DIFY_PASSWORD: password } })).toMatchObject({ code: 0 });
    const calling = ['call', 'time__weekday', '--args', '{"year":2026,"month":11,"day":30}'];
    expect(await runHere(calling, { env })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Monday'),
    });
    expect(await runHere(['whoami'], { env })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(email),
    });
    expect(await runHere(['logout'], { env })).toMatchObject({ code: 0 });
    expect(sandbox.sessions.refreshTokens).toBe(0);
    expect(await runHere(calling, { env })).toMatchObject({ code: 2 });
  });
});
