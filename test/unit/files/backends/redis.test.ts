// @module-tag redis
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { newFileId } from '../../../../src/files/file-id.ts';
import { createRedisBackend } from '../../../../src/files/backends/redis.ts';
import { recordingLogger } from '../../../support/content-fixtures.ts';
import { errorOf } from '../../../support/error-of.ts';
import { chunks, collect, HOUR, put, redisStore } from '../../../support/file-stores.ts';
import { connectTo, keysOf, sharedRedis, startRedis } from '../../../support/redis-server.ts';

const redis = await sharedRedis();
const MB = 1024 * 1024;

describe('files in Redis', () => {
  it('are there for every replica, which may read, list and download them', async () => {
    const url = redis.newUrl();
    const { store: a } = await redisStore(redis, { url });
    const { store: b } = await redisStore(redis, { url });
    const file = await put(a, 'hello');
    expect(await b.find(file.uri, 'ada')).toEqual(file);
    expect(await b.list('ada')).toEqual([file]);
    expect(await b.list('bob')).toEqual([]);
    expect((await collect(b.read(file.uri, 'ada'))).toString()).toBe('hello');
    const key = (await b.downloadKey(file.uri, 'ada')) ?? '';
    expect((await a.findByDownloadKey(key))?.file).toEqual(file);
    expect(await b.usage()).toMatchObject({ files: 1, bytes: 5 });
  });

  it('make room for those of other replicas, the least recently used anywhere first', async () => {
    const url = redis.newUrl();
    const clock = { now: Date.now() };
    const { store: a } = await redisStore(redis, { url, clock, maxBytes: 1000 });
    const { store: b } = await redisStore(redis, { url, clock, maxBytes: 1000 });
    const first = await put(a, 'x'.repeat(400));
    clock.now += 1000;
    const second = await put(b, 'x'.repeat(400));
    clock.now += 1000;
    await b.find(first.uri, 'ada');
    clock.now += 1000;
    const third = await put(a, 'x'.repeat(400));
    expect((await b.list('ada')).map(({ uri }) => uri)).toEqual([third.uri, first.uri]);
    expect(await b.find(second.uri, 'ada')).toBeUndefined();
    // A replica that had read it knows as well.
    expect(await a.find(second.uri, 'ada')).toBeUndefined();
  });

  it('do not say whose they are, and leave nothing behind when they go', async () => {
    const { store, entries, clock } = await redisStore(redis, { maxBytes: 1000 });
    const file = await put(store, 'x'.repeat(900), 'note.txt', 'ada-the-principal');
    const [id = ''] = /[0-9a-z]{25}/.exec(file.uri) ?? [];
    expect(await entries()).toEqual([
      `dify-mcp-bridge:file:${id}`,
      `dify-mcp-bridge:file:${id}:data`,
      'dify-mcp-bridge:files',
    ]);
    const connection = await connectTo(redis.newUrl());
    expect(await keysOf(connection)).toEqual([]);
    clock.now += 1;
    const next = await put(store, 'y'.repeat(900), 'note.txt', 'ada-the-principal');
    expect((await entries()).filter((name) => name.includes(id))).toEqual([]);
    expect(next.uri).not.toContain(id);
  });

  it('keep no readable principal', async () => {
    const url = redis.newUrl();
    const { store } = await redisStore(redis, { url });
    const file = await put(store, 'x', 'note.txt', 'ada-the-principal');
    const [id = ''] = /[0-9a-z]{25}/.exec(file.uri) ?? [];
    const connection = await connectTo(url);
    const record = await connection.run((client) => client.get(`dify-mcp-bridge:file:${id}`));
    expect(record).toContain('"owner":"');
    expect(record).not.toContain('ada');
  });

  it('expire by Redis itself, and what is left of their names is tidied away', async () => {
    const url = redis.newUrl();
    const { store, entries } = await redisStore(redis, { url, ttlMs: 300 });
    await put(store, 'x');
    await expect.poll(entries).toEqual(['dify-mcp-bridge:files']);
    const backend = createRedisBackend(await connectTo(url));
    expect(await backend.all()).toEqual([]);
    await backend.tidy(Date.now());
    expect(await entries()).toEqual([]);
  });

  it('are skipped if their records or pieces are broken, and the log says so once', async () => {
    const url = redis.newUrl();
    const { store } = await redisStore(redis, { url });
    const [good, bad, cut] = [await put(store, 'good'), await put(store, 'bad'), await put(store, 'cut off')];
    const connection = await connectTo(url);
    const key = (uri: string): string => `dify-mcp-bridge:file:${new URL(uri).host}`;
    const logger = recordingLogger();
    for (const text of ['', '{', '[]', '{"name":"../x"}', '{"name":"a\\u0000"}']) {
      await connection.run((client) => client.set(key(bad.uri), text));
      const backend = createRedisBackend(connection, logger);
      expect((await backend.all()).map(({ record }) => record.id).sort(), text).toEqual(
        [good, cut].map(({ uri }) => new URL(uri).host).sort(),
      );
      expect(await backend.get(new URL(bad.uri).host)).toBeUndefined();
    }
    expect(logger.lines).toHaveLength(5);
    await connection.run((client) => client.zAdd('dify-mcp-bridge:files', { value: '../x', score: 1 }));
    await connection.run((client) => client.hSet(`${key(cut.uri)}:data`, '0', ''));
    const { store: next } = await redisStore(redis, { url });
    expect(await next.list('ada')).toHaveLength(2);
    expect((await collect(next.read(good.uri, 'ada'))).toString()).toBe('good');
    expect(await errorOf(collect(next.read(cut.uri, 'ada')))).toMatchObject({ code: 'file_not_found' });
    expect((await put(next, 'more')).size).toBe(4);
  });

  it('that nobody goes on writing end by themselves', async () => {
    const url = redis.newUrl();
    const connection = await connectTo(url);
    const backend = createRedisBackend(connection);
    const id = newFileId();
    const draft = await backend.begin(id);
    await draft.write(randomBytes(300_000));
    const key = `dify-mcp-bridge:file:${id}:data`;
    const left = await connection.run((client) => client.pTTL(key));
    expect(left).toBeGreaterThan(14 * 60_000);
    expect(left).toBeLessThanOrEqual(15 * 60_000);
    expect(await backend.get(id)).toBeUndefined();
    // It expired while it arrived: half a file is none.
    await connection.run((client) => client.del(key));
    await draft.write(randomBytes(300_000));
    const about = { name: 'a', mimeType: 'a/b', size: 600_000, owner: '', secret: '' };
    const times = { createdAt: Date.now(), expiresAt: Date.now() + HOUR };
    expect(await errorOf(draft.commit({ id, ...about, ...times }))).toMatchObject({
      code: 'state_unavailable',
      message: expect.stringContaining('has lost part of the file'),
    });
    await draft.discard();
    expect(await keysOf(connection)).toEqual([]);
  });

  it('tell a reader who comes too late for the rest', async () => {
    const url = redis.newUrl();
    const { store } = await redisStore(redis, { url });
    const bytes = randomBytes(700_000);
    const file = await store.put(chunks(bytes), { name: 'a', mimeType: 'a/b', principal: 'ada' });
    const [id = ''] = /[0-9a-z]{25}/.exec(file.uri) ?? [];
    const reader = store.read(file.uri, 'ada')[Symbol.asyncIterator]();
    await reader.next();
    const connection = await connectTo(url);
    await connection.run((client) => client.del(`dify-mcp-bridge:file:${id}:data`));
    expect(await errorOf(reader.next())).toMatchObject({ code: 'file_not_found' });
  });

  it('stay for their readers if they expire meanwhile', async () => {
    const { store, entries } = await redisStore(redis, { ttlMs: 600 });
    const bytes = randomBytes(700_000);
    const file = await store.put(chunks(bytes), { name: 'a', mimeType: 'a/b', principal: 'ada' });
    const reader = store.read(file.uri, 'ada')[Symbol.asyncIterator]();
    const parts = [(await reader.next()).value as Uint8Array];
    const [id = ''] = /[0-9a-z]{25}/.exec(file.uri) ?? [];
    await expect.poll(entries).not.toContain(`dify-mcp-bridge:file:${id}`);
    await pause(50);
    for (let part = await reader.next(); part.done !== true; part = await reader.next()) {
      parts.push(part.value);
    }
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
  });

  it('of 100 MB go through without being held', async () => {
    const { store } = await redisStore(redis, { maxBytes: 200 * MB });
    const piece = randomBytes(MB);
    let most = 0;
    const memory = (): void => {
      const { external, heapUsed } = process.memoryUsage();
      most = Math.max(most, external + heapUsed);
    };
    memory();
    const before = most;
    const source = (async function* () {
      for (let sent = 0; sent < 100; sent += 1) {
        memory();
        yield piece;
      }
    })();
    const file = await store.put(source, { name: 'a', mimeType: 'a/b', principal: 'ada' });
    expect(file.size).toBe(100 * MB);
    let read = 0;
    for await (const part of store.read(file.uri, 'ada')) {
      memory();
      read += part.length;
    }
    expect(read).toBe(100 * MB);
    expect(most - before).toBeLessThan(85 * MB);
  });

  it('cannot be had while Redis is away, and nothing hangs', async () => {
    const own = await startRedis();
    const { store } = await redisStore(own);
    const file = await put(store, 'hello');
    await own.kill();
    for (const attempt of [
      put(store, 'more'),
      store.find(file.uri, 'ada'),
      collect(store.read(file.uri, 'ada')),
      store.list('ada'),
      store.downloadKey(file.uri, 'ada'),
    ]) {
      expect(await errorOf(attempt)).toMatchObject({ code: 'state_unavailable' });
    }
    await own.start();
    // It came back without what it held.
    await expect.poll(() => store.find(file.uri, 'ada').catch(() => 'down')).toBeUndefined();
    expect((await put(store, 'again')).size).toBe(5);
  });
});
