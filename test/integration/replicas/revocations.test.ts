// @module-tag redis
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { formatKeys, keyHash, newKey } from '../../../src/http/key-file.ts';
import { Keys } from '../../../src/http/keys.ts';
import { RedisRevocations } from '../../../src/http/redis-revocations.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { memoryRecords, runHost } from '../../support/http-host.ts';
import { callRequest, openRawSession, raw, rawStream } from '../../support/raw-http.ts';
import { connectTo, startRedis } from '../../support/redis-server.ts';

/** A file of keys as one replica has it. */
function keyFile(...names: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-revocations-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'keys.json');
  const keys = new Map(names.map((name) => [name, newKey()]));
  return { path, keys };
}

function write(path: string, keys: ReadonlyMap<string, string>, ...names: readonly string[]): void {
  const entries = names.map((name) => {
    return { name, sha256: keyHash(keys.get(name) ?? ''), views: ['default'], created: new Date() };
  });
  writeFileSync(path, formatKeys(entries), { mode: 0o600 });
}

it('a key that one replica finds removed ends at all, until that replica has it back, and without Redis as well', async () => {
  const redis = await startRedis();
  const url = redis.newUrl();
  const { path: first, keys } = keyFile('agent', 'other');
  const { path: second } = keyFile();
  const all = ['agent', 'other'];
  for (const path of [first, second]) write(path, keys, ...all);
  const hostOf = async (path: string) => {
    const revocations = new RedisRevocations(await connectTo(url));
    const fileKeys = new Keys(path, { required: true, revocations, logger: silentLogger });
    return Object.assign(await runHost({ keys: fileKeys, sessions: memoryRecords() }), { fileKeys });
  };
  await using a = await hostOf(first);
  await using b = await hostOf(second);
  const auth = (name: string) => ({ Authorization: `Bearer ${keys.get(name)}` });
  const status = async (port: number, name: string): Promise<number> =>
    (await raw(port, { path: '/nowhere', headers: auth(name) })).status;
  const both = async (name: string) => Promise.all([a.port, b.port].map((port) => status(port, name)));
  expect(await both('agent')).toEqual([404, 404]);
  const session = await openRawSession(b.port, auth('agent'));
  const call = rawStream(b.port, { headers: session, body: callRequest('hang') });
  await expect.poll(() => b.bridge.hanging).toBe(1);

  write(first, keys, 'other');
  await expect.poll(() => both('agent')).toEqual([401, 401]);
  // What runs there ends as well.
  await expect.poll(() => b.bridge.cancelled).toBe(1);
  await call.promise.catch(() => undefined);
  // Downloads ask for the keys that are valid.
  expect(b.fileKeys.valid().map(({ name }) => name)).toEqual(['other']);
  expect(await both('other')).toEqual([404, 404]);
  await using late = await hostOf(second);
  await expect.poll(() => status(late.port, 'agent')).toBe(401);

  write(first, keys, ...all);
  await expect.poll(() => both('agent')).toEqual([404, 404]);

  await redis.kill();
  write(first, keys, 'other');
  await expect.poll(() => both('agent')).toEqual([401, 404]);
  await redis.start();
  await expect.poll(() => both('agent')).toEqual([401, 401]);
});

it('are not looked for again when the connection is closed', async () => {
  const redis = await startRedis();
  const connection = await connectTo(redis.newUrl());
  const revocations = new RedisRevocations(connection);
  await connection.close();
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  revocations.add(['a key']);
  await turn();
  expect(vi.getTimerCount()).toBe(0);
});
