import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMemoryBackend } from '../../../src/files/backends/memory.ts';
import { newFileId } from '../../../src/files/file-id.ts';
import { createFileStore } from '../../../src/files/file-store.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import type { StoredRecord } from '../../../src/model/storage-backend.ts';
import { errorOf } from '../../support/error-of.ts';
import {
  chunks,
  collect,
  HOUR,
  KINDS,
  put,
  redisStore,
  type TestStore,
  type TestStoreOptions,
  testStore,
} from '../../support/file-stores.ts';
import { sharedRedis } from '../../support/redis-server.ts';

describe.each(KINDS)('a store in a %s', (kind) => {
  behaves((options) => testStore(kind, options));
});

describe('a store in a redis', { tags: ['redis'] }, async () => {
  const redis = await sharedRedis();
  behaves((options) => redisStore(redis, options));
});

// The same for every backend. Making so many real files would take seconds, and minutes on a machine that is busy.
it('a store keeps no more than 10,000 files, however small they are', async () => {
  const clock = { now: Date.now() };
  const backend = createMemoryBackend();
  const about = { maxBytes: 1_000_000, ttlMs: HOUR, logger: silentLogger, now: () => clock.now };
  const store = createFileStore({ backend, ...about });
  onTestFinished(() => store.close());
  const [oldest, next] = [await put(store, ''), await put(store, '')];
  const [{ record }] = (await backend.all()) as [StoredRecord];
  clock.now += 1000;
  for (let index = 2; index < 10_001; index += 1) {
    const id = newFileId();
    await (await backend.begin(id)).commit({ ...record, id, createdAt: clock.now });
  }
  const newest = await put(store, 'x');
  expect(await store.usage()).toMatchObject({ files: 10_000, bytes: 1 });
  expect(await store.find(oldest.uri, 'ada')).toBeUndefined();
  expect(await store.find(next.uri, 'ada')).toBeUndefined();
  expect(await store.find(newest.uri, 'ada')).toEqual(newest);
});

function behaves(open: (options?: TestStoreOptions) => TestStore | Promise<TestStore>): void {
  it('gives back what was put, and says what it is', async () => {
    const { store, clock } = await open();
    const file = await store.put(chunks('hel', 'lo'), {
      name: '报告 final.txt',
      mimeType: 'Text/Plain; charset=utf-8',
      principal: 'ada',
    });
    expect(file).toEqual({
      uri: expect.stringMatching(/^dify-file:\/\/[0-9a-z]{25}\/%E6%8A%A5%E5%91%8A%20final\.txt$/),
      name: '报告 final.txt',
      mimeType: 'text/plain',
      size: 5,
      createdAt: new Date(clock.now),
      expiresAt: new Date(clock.now + HOUR),
    });
    expect(await store.find(file.uri, 'ada')).toEqual(file);
    expect((await collect(store.read(file.uri, 'ada'))).toString()).toBe('hello');
    expect(await store.usage()).toEqual({ files: 1, bytes: 5, maxBytes: 1_000_000 });
  });

  it('keeps an empty file, and one of many chunks', async () => {
    const { store } = await open({ maxBytes: 5_000_000 });
    const empty = await store.put(chunks(), { name: 'empty', mimeType: 'nonsense', principal: 'ada' });
    expect(empty).toMatchObject({ size: 0, mimeType: 'application/octet-stream' });
    expect((await collect(store.read(empty.uri, 'ada'))).length).toBe(0);
    const bytes = randomBytes(3_000_001);
    const parts = Array.from({ length: 47 }, (_, index) =>
      bytes.subarray(index * 64_000, (index + 1) * 64_000),
    );
    const large = await store.put(chunks(...parts), { name: 'a', mimeType: 'a/b', principal: 'ada' });
    expect(large.size).toBe(bytes.length);
    const read = await collect(store.read(large.uri, 'ada'));
    expect(createHash('sha256').update(read).digest('hex')).toBe(
      createHash('sha256').update(bytes).digest('hex'),
    );
  });

  it('does not keep the memory of who sends', async () => {
    const { store } = await open();
    const buffer = Buffer.from('first');
    const reused = (async function* () {
      yield buffer;
      buffer.write('again');
      yield buffer;
    })();
    const file = await store.put(reused, { name: 'a', mimeType: 'text/plain', principal: 'ada' });
    expect((await collect(store.read(file.uri, 'ada'))).toString()).toBe('firstagain');
  });

  it.each([
    ['another name', (uri: string) => `${uri.slice(0, 37)}/other.txt`],
    ['the name not encoded', (uri: string) => decodeURIComponent(uri)],
    ['no name', (uri: string) => uri.slice(0, 37)],
    ['capitals', (uri: string) => uri.toUpperCase()],
  ])('finds a file by its URI with %s', async (_, change) => {
    const { store } = await open();
    const file = await put(store, 'x', 'ä b.txt');
    expect(await store.find(change(file.uri), 'ada')).toEqual(file);
  });

  it.each([
    ['an unknown id', `dify-file://${'0'.repeat(25)}/note.txt`, 'ada'],
    ['a path', 'dify-file://../../etc/passwd', 'ada'],
    ['a name of an object', 'dify-file://constructor/x', 'ada'],
    ['another scheme', 'https://example.com/note.txt', 'ada'],
    ['nothing', '', 'ada'],
    ['the file of somebody else', undefined, 'bob'],
    ['the file of nobody', undefined, ''],
  ])('has the same answer for %s', async (_, asked, principal) => {
    const { store } = await open();
    const uri = asked ?? (await put(store, 'x')).uri;
    expect(await store.find(uri, principal)).toBeUndefined();
    expect(await store.pathOf(uri, principal)).toBeUndefined();
    expect(await store.downloadKey(uri, principal)).toBeUndefined();
    expect(await errorOf(collect(store.read(uri, principal)))).toMatchObject({
      code: 'file_not_found',
      message: 'The file does not exist or has expired.',
    });
  });

  it('forgets a file when its time is over, however often it was used', async () => {
    const { store, clock } = await open();
    const file = await put(store, 'x');
    const key = (await store.downloadKey(file.uri, 'ada')) ?? '';
    clock.now += HOUR - 1;
    expect(await store.find(file.uri, 'ada')).toEqual(file);
    expect(await store.findByDownloadKey(key)).toBeDefined();
    clock.now += 1;
    expect(await store.find(file.uri, 'ada')).toBeUndefined();
    expect(await store.findByDownloadKey(key)).toBeUndefined();
    expect(await store.list('ada')).toEqual([]);
    expect(await store.usage()).toMatchObject({ files: 0, bytes: 0 });
  });

  it('lists the files of one principal, the newest first', async () => {
    const { store, clock } = await open();
    const first = await put(store, '1');
    clock.now += 10;
    await put(store, '2', 'note.txt', 'bob');
    const third = await put(store, '3');
    clock.now += 10;
    const fourth = await put(store, '4');
    await collect(store.read(first.uri, 'ada'));
    expect(await store.list('ada')).toEqual([fourth, third, first]);
    expect(await store.list('eve')).toEqual([]);
  });

  it('opens a file for any holder of its download key', async () => {
    const { store } = await open();
    const file = await put(store, 'hello');
    const key = (await store.downloadKey(file.uri, 'ada')) ?? '';
    expect(key).toMatch(/^[0-9a-z]{25}[\w-]{22}$/);
    const found = await store.findByDownloadKey(key);
    expect(found?.file).toEqual(file);
    const read = async (range?: { first: number; last: number }) =>
      (await collect(found?.read(range) ?? chunks())).toString();
    expect(await read()).toBe('hello');
    expect(await read({ first: 1, last: 3 })).toBe('ell');
    expect(await read({ first: 4, last: 4 })).toBe('o');
    const id = key.slice(0, 25);
    for (const wrong of [id, `${id}${'A'.repeat(22)}`, `${key}A`, key.slice(0, -1), '', 'é'.repeat(47)]) {
      expect(await store.findByDownloadKey(wrong), wrong).toBeUndefined();
    }
    expect(file.uri).not.toContain(key.slice(25));
  });

  describe('where it is full', () => {
    it('evicts the least recently used file, regardless of its owner', async () => {
      const { store, clock } = await open({ maxBytes: 1000 });
      const files = [];
      for (const principal of ['ada', 'bob', 'ada']) {
        files.push(await put(store, 'x'.repeat(300), 'note.txt', principal));
        clock.now += 1000;
      }
      const [oldest, second, third] = files as [(typeof files)[0], (typeof files)[0], (typeof files)[0]];
      await store.find(oldest.uri, 'ada');
      clock.now += 1000;
      // Somebody else who asks is no use.
      await store.find(second.uri, 'eve');
      clock.now += 1000;
      const fourth = await put(store, 'y'.repeat(300));
      expect(await store.find(second.uri, 'bob')).toBeUndefined();
      const names = (await store.list('ada')).map(({ uri }) => uri);
      expect(names).toEqual([fourth.uri, third.uri, oldest.uri]);
    });

    it('lets files that have expired go first', async () => {
      const { store, clock } = await open({ maxBytes: 1000, ttlMs: 5000 });
      const expired = await put(store, 'x'.repeat(400));
      clock.now += 4000;
      const live = await put(store, 'x'.repeat(400));
      clock.now += 900;
      await store.find(expired.uri, 'ada');
      clock.now += 200;
      await put(store, 'x'.repeat(400));
      expect(await store.find(live.uri, 'ada')).toEqual(live);
    });

    it('refuses a file that is larger than all of it, and keeps the others', async () => {
      const { store, clock } = await open({ maxBytes: 1000 });
      const file = await put(store, 'x');
      clock.now += 1;
      const exact = await put(store, 'x'.repeat(1000));
      expect(exact.size).toBe(1000);
      expect(await store.find(file.uri, 'ada')).toBeUndefined();
      const error = await errorOf(put(store, 'x'.repeat(1001)));
      expect(error).toMatchObject({
        code: 'file_too_large',
        hint: expect.stringContaining('files.maxStoreBytes'),
      });
      expect(await store.list('ada')).toEqual([exact]);
    });

    it('stops at the limit while a body that never ends arrives', async () => {
      const { store } = await open({ maxBytes: 100_000 });
      let sent = 0;
      let ended = false;
      const endless = (async function* () {
        try {
          for (;;) {
            sent += 1;
            yield Buffer.alloc(10_000);
          }
        } finally {
          ended = true;
        }
      })();
      const about = { name: 'a', mimeType: 'a/b', principal: 'ada' };
      expect((await errorOf(store.put(endless, about))).code).toBe('file_too_large');
      expect({ sent, ended }).toEqual({ sent: 11, ended: true });
      expect(await store.usage()).toMatchObject({ files: 0, bytes: 0 });
    });

    it('never holds more than its limit while several files arrive, and takes files again afterwards', async () => {
      const { store } = await open({ maxBytes: 1000 });
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      let begun = (): void => undefined;
      const arriving = new Promise<void>((resolve) => (begun = resolve));
      const slow = (async function* () {
        yield Buffer.alloc(600);
        begun();
        await held;
      })();
      const about = { name: 'slow', mimeType: 'a/b', principal: 'ada' };
      const first = store.put(slow, about);
      await arriving;
      expect(await errorOf(put(store, 'x'.repeat(600)))).toMatchObject({
        code: 'file_too_large',
        message: expect.stringContaining('uploads in progress'),
      });
      release();
      await first;
      await put(store, 'x'.repeat(600));
      expect(await store.usage()).toMatchObject({ files: 1, bytes: 600 });
    });
  });

  it('keeps a file readable that goes while it is read', async () => {
    const { store } = await open({ maxBytes: 1_500_000 });
    const bytes = randomBytes(1_000_000);
    const file = await store.put(chunks(bytes.subarray(0, 500_000), bytes.subarray(500_000)), {
      name: 'a',
      mimeType: 'a/b',
      principal: 'ada',
    });
    const reader = store.read(file.uri, 'ada')[Symbol.asyncIterator]();
    const parts = [(await reader.next()).value as Uint8Array];
    await put(store, 'x'.repeat(900_000));
    expect(await store.find(file.uri, 'ada')).toBeUndefined();
    for (let part = await reader.next(); part.done !== true; part = await reader.next())
      parts.push(part.value);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
  });

  it('leaves nothing of a file whose source fails, and throws what the source threw', async () => {
    const { store, entries } = await open({ maxBytes: 1000 });
    const failure = new Error('the source broke');
    const failing = (async function* () {
      yield Buffer.alloc(700);
      throw failure;
    })();
    const about = { name: 'a', mimeType: 'a/b', principal: 'ada' };
    await expect(store.put(failing, about)).rejects.toBe(failure);
    expect(await store.list('ada')).toEqual([]);
    expect(await entries()).toEqual([]);
    // Its space is free again.
    await put(store, 'x'.repeat(1000));
  });

  it('leaves nothing of a file that is aborted in the middle', async () => {
    const { store, entries } = await open();
    const abort = new AbortController();
    let begun = (): void => undefined;
    const started = new Promise<void>((resolve) => (begun = resolve));
    const source = (async function* () {
      yield Buffer.alloc(700);
      begun();
      await new Promise((resolve) => abort.signal.addEventListener('abort', resolve, { once: true }));
      abort.signal.throwIfAborted();
    })();
    const putting = store.put(source, { name: 'a', mimeType: 'a/b', principal: 'ada' });
    await started;
    abort.abort(new Error('enough'));
    await expect(putting).rejects.toThrow('enough');
    expect(await entries()).toEqual([]);
    expect(await store.usage()).toMatchObject({ files: 0 });
  });

  it('takes 200 files at once and gives them back, without an open handle or a temporary file', async () => {
    const { store, entries } = await open({ maxBytes: 200_000_000 });
    await put(store, 'warm');
    const handles = () => readdirSync('/proc/self/fd').length;
    const before = handles();
    const bodies = Array.from({ length: 200 }, () => randomBytes(70_000));
    const files = await Promise.all(
      bodies.map((body, index) =>
        store.put(chunks(body.subarray(0, 30_000), body.subarray(30_000)), {
          name: `f${index}.bin`,
          mimeType: 'a/b',
          principal: 'ada',
        }),
      ),
    );
    const read = await Promise.all(files.map(({ uri }) => collect(store.read(uri, 'ada'))));
    expect(read.every((body, index) => body.equals(bodies[index] ?? Buffer.alloc(0)))).toBe(true);
    // Readers that lose interest close what they opened.
    for (const { uri } of files.slice(0, 50)) for await (const _ of store.read(uri, 'ada')) break;
    expect(new Set(files.map(({ uri }) => uri)).size).toBe(200);
    expect(await store.list('ada')).toHaveLength(201);
    expect(handles()).toBe(before);
    expect((await entries()).filter((name) => name.startsWith('.'))).toEqual([]);
  });
}
