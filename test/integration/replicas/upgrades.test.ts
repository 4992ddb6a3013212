// The steps of docs/upgrades.md.
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { callRequest, openRawSession, raw } from '../../support/raw-http.ts';
import { connectTo, REDIS_PASSWORD, startRedis } from '../../support/redis-server.ts';
import { type RunningBridge, sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const [OLD, NEW] = ['fake-old-value', 'fake-new-value'];
const CHART = { title: 'Visitors', labels: ['Mon'], values: [1] };

let sandbox: Sandbox;
beforeAll(async () => (sandbox = await createSandbox()));
afterAll(() => sandbox.close());

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'bridge-upgrades-'));

/** A bridge that stores files in a folder; a picture is a file to download. */
function bridge(dir: string, env: Readonly<Record<string, string>> = {}): Promise<RunningBridge> {
  const store = { DIFY_BRIDGE_FILES_STORE: 'directory', DIFY_BRIDGE_FILES_DIR: dir };
  const more = { DIFY_BRIDGE_TOOLS_MAX_IMAGE_BYTES: '0B', DIFY_BRIDGE_TOKEN: OLD, ...env };
  return startBridge({ env: { ...sandboxEnv(sandbox), ...store, ...more } });
}

const portOf = async (running: RunningBridge): Promise<number> => Number(new URL(await running.url()).port);
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** The status of a call in a session. */
async function statusOf(running: RunningBridge, headers: Record<string, string>): Promise<number> {
  const body = callRequest('time__weekday', { year: 2026, month: 11, day: 22 });
  return (await raw(await portOf(running), { headers, body })).status;
}

/** A session with a stored file: its headers, and the path of the download. */
async function used(running: RunningBridge) {
  const headers = await openRawSession(await portOf(running), bearer(OLD));
  const body = callRequest('paperkite_studio__draw_chart', CHART);
  const { text } = await raw(await portOf(running), { headers, body });
  const path = /\/files\/[\w-]+\/chart\.png/.exec(text)?.[0] ?? '';
  return { headers, path };
}

async function download(running: RunningBridge, path: string): Promise<number> {
  return (await raw(await portOf(running), { path, method: 'GET' })).status;
}

it('a restart continues sessions and files', async () => {
  const dir = await newFolder();
  const before = await bridge(dir);
  const { headers, path } = await used(before);
  await before[Symbol.asyncDispose]();
  await using after = await bridge(dir);
  expect([await statusOf(after, headers), await download(after, path)]).toEqual([200, 200]);
});

it('a new token ends sessions and keeps download addresses', async () => {
  const dir = await newFolder();
  const before = await bridge(dir);
  const { headers, path } = await used(before);
  await before[Symbol.asyncDispose]();
  await using after = await bridge(dir, { DIFY_BRIDGE_TOKEN: NEW });
  expect(await statusOf(after, headers)).toBe(401);
  expect(await statusOf(after, { ...headers, ...bearer(NEW) })).toBe(404);
  expect(await download(after, path)).toBe(200);
  const client = await after.connect('v1');
  expect((await client.listResources()).resources).toEqual([]);
});

it('a new key of the sessions ends all of them, and clients open new ones', async () => {
  const dir = await newFolder();
  const before = await bridge(dir, { DIFY_BRIDGE_SESSION_KEY: OLD });
  const { headers, path } = await used(before);
  await before[Symbol.asyncDispose]();
  await using after = await bridge(dir, { DIFY_BRIDGE_SESSION_KEY: NEW });
  expect([await statusOf(after, headers), await download(after, path)]).toEqual([404, 200]);
  expect(await statusOf(after, await openRawSession(await portOf(after), bearer(OLD)))).toBe(200);
});

it('a copy of the folder, made while the bridge runs, has its sessions and files', async () => {
  const [dir, copy] = [await newFolder(), await newFolder()];
  await using before = await bridge(dir);
  const { headers, path } = await used(before);
  await cp(dir, copy, { recursive: true });
  await using after = await bridge(copy);
  expect([await statusOf(after, headers), await download(after, path)]).toEqual([200, 200]);
});

it('the password of Redis changes without an interruption', { tags: ['redis'] }, async () => {
  const redis = await startRedis();
  const admin = await connectTo(redis.newUrl());
  const acl = (rule: string) =>
    admin.run((client) => client.sendCommand(['ACL', 'SETUSER', 'default', rule]));
  const shared = (password: string): Promise<RunningBridge> =>
    startBridge({
      env: {
        ...sandboxEnv(sandbox),
        DIFY_BRIDGE_TOKEN: OLD,
        DIFY_BRIDGE_TOOLS_MAX_IMAGE_BYTES: '0B',
        DIFY_BRIDGE_REDIS_URL: `redis://127.0.0.1:${redis.port}/9`,
        DIFY_BRIDGE_REDIS_PASSWORD: password,
      },
    });
  await using first = await shared(REDIS_PASSWORD);
  const { headers, path } = await used(first);
  await acl(`>${NEW}`);
  await using second = await shared(NEW);
  await acl(`<${REDIS_PASSWORD}`);
  expect([await statusOf(second, headers), await download(second, path)]).toEqual([200, 200]);
  // Its connection stays open.
  expect([await statusOf(first, headers), await download(first, path)]).toEqual([200, 200]);
  await expect(shared(REDIS_PASSWORD)).rejects.toMatchObject({ code: 'config_invalid' });
});
