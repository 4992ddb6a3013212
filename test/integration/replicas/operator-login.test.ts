// @module-tag redis
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app/app.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { logIn } from '../../../src/dify/console/login.ts';
import { createDifyHttp } from '../../../src/dify/wire/http.ts';
import { readLogins, storeLogin } from '../../../src/logins/login-file.ts';
import type { StoredLogin } from '../../../src/logins/stored-login.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { runHere } from '../../support/cli-here.ts';
import { loginsPath } from '../../support/logins.ts';
import { type ClientKind, connectClient } from '../../support/mcp-clients.ts';
import { connectTo, keysOf, sharedRedis, startRedis } from '../../support/redis-server.ts';

const CALL = ['time__weekday', { year: 2026, month: 11, day: 22 }] as const;
const redis = await sharedRedis();

async function newLogin({ url, credentials, version }: Sandbox): Promise<StoredLogin> {
  const { email, password, workspaceId } = credentials;
  const http = createDifyHttp({ baseUrl: url });
  const outcome = await logIn(http, { email, password }, version, 30_000);
  await http.close();
  if (!('tokens' in outcome)) throw outcome.error;
  const now = new Date();
  const facts = { url, email, workspaceId, workspaceName: 'Sandbox workspace' };
  return { ...facts, signedInAt: now, renewedAt: now, tokens: outcome.tokens };
}

/** A replica with a copy of the file of logins. */
async function replica(kind: ClientKind, login: StoredLogin, redisUrl: string) {
  const file = loginsPath();
  await storeLogin(file, login);
  const env = {
    HOME: dirname(file),
    DIFY_CREATE_APP: 'true',
    DIFY_BRIDGE_PORT: '0',
    DIFY_BRIDGE_FILES_STORE: 'memory',
    DIFY_BRIDGE_REDIS_URL: redisUrl,
    DIFY_BRIDGE_SESSION_KEY: 'a fake key of at least 32 characters',
  };
  const logins = {
    file,
    read: async () => (await readLogins(file)).map((one) => ({ ...one, secrets: [] })),
  };
  const { config } = await loadConfig({ env, logins, needsDify: true });
  const app = await createApp(config, { logger: silentLogger, isServer: true });
  app.start();
  const client = await connectClient(kind, { url: (await app.serveHttp()).url });
  return {
    client,
    file,
    logout: () => runHere(['logout', '--config', join(dirname(file), 'config.yaml')], { env }),
    call: async () => (await client.callTool(...CALL)).content[0]?.text,
    async [Symbol.asyncDispose]() {
      await client.close();
      await app.close(0);
    },
  };
}

describe("replicas with copies of the operator's login", () => {
  it('renew it one after the other, and take over a new one', async () => {
    const sandbox = await createSandbox();
    const first = await newLogin(sandbox);
    const url = redis.newUrl();
    await using one = await replica('v1', first, url);
    await using two = await replica('v2 pinned', first, url);
    for (let round = 0; round < 3; round += 1) {
      sandbox.sessions.expireAccessTokens();
      const answers = await Promise.all([one.call(), two.call()]);
      expect(answers).toEqual([expect.stringContaining('Sunday'), expect.stringContaining('Sunday')]);
    }
    sandbox.sessions.expireAccessTokens();
    sandbox.sessions.expireRefreshTokens();
    expect(await one.call()).toContain('has ended');
    await storeLogin(two.file, await newLogin(sandbox));
    expect(await two.call()).toContain('Sunday');
    sandbox.sessions.expireAccessTokens();
    expect(await two.call()).toContain('Sunday');
    // With the record that the other one renewed.
    expect(await one.call()).toContain('Sunday');
    expect(readFileSync(one.file, 'utf8')).not.toEqual(readFileSync(two.file, 'utf8'));
    await sandbox.close();
  });

  it('end it and delete its record with `logout`, also one that another replica renewed', async () => {
    const sandbox = await createSandbox();
    const login = await newLogin(sandbox);
    const url = redis.newUrl();
    await using one = await replica('v1', login, url);
    await using two = await replica('v2 pinned', login, url);
    sandbox.sessions.expireAccessTokens();
    expect(await one.call()).toContain('Sunday');
    const records = async () =>
      (await keysOf(await connectTo(url))).filter((name) => name.includes(':sign-in:'));
    expect(await records()).toHaveLength(1);
    expect(await two.logout()).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('Signed out'),
    });
    expect(sandbox.sessions.refreshTokens).toBe(0);
    expect(await records()).toEqual([]);
    sandbox.sessions.expireAccessTokens();
    expect(await one.call()).toContain('has ended');
    expect(await records()).toEqual([]);
    await sandbox.close();
  });

  it('keep it for a second `logout` if Redis does not answer', async () => {
    const sandbox = await createSandbox();
    const own = await startRedis();
    await using one = await replica('v1', await newLogin(sandbox), own.newUrl());
    await own.kill();
    expect(await one.logout()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Nobody was signed out'),
    });
    expect(await readLogins(one.file)).toHaveLength(1);
    await own.start();
    expect(await one.logout()).toMatchObject({ code: 0 });
    expect(await readLogins(one.file)).toEqual([]);
    expect(sandbox.sessions.refreshTokens).toBe(0);
    await sandbox.close();
  });
});
