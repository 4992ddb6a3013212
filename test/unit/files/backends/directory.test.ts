import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDirectoryBackend } from '../../../../src/files/backends/directory.ts';
import { newFileId } from '../../../../src/files/file-id.ts';
import { createFileStore } from '../../../../src/files/file-store.ts';
import { canMakeFolder, makeFolder } from '../../../../src/files/backends/folder.ts';
import { recordingLogger } from '../../../support/content-fixtures.ts';
import { errorOf } from '../../../support/error-of.ts';
import { collect, folder, HOUR, put, testStore } from '../../../support/file-stores.ts';

const SOURCE = join(import.meta.dirname, '../../../../src/files');
const isRoot = process.getuid?.() === 0;

describe('a store in a folder', () => {
  it('lets nobody else read, and does not say whose files they are', async () => {
    const dir = join(folder(), 'deep', 'er');
    const { store } = testStore('directory', { dir });
    expect(existsSync(dir)).toBe(false);
    const file = await put(store, 'hello', 'report.txt', 'ada-the-principal');
    const path = (await store.pathOf(file.uri, 'ada-the-principal')) ?? '';
    expect(path.endsWith('/report.txt')).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('hello');
    const own = join(path, '..');
    expect([dir, own].map((name) => statSync(name).mode & 0o777)).toEqual([0o700, 0o700]);
    const files = readdirSync(own).map((name) => join(own, name));
    expect(files.map((name) => statSync(name).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(files.map((name) => readFileSync(name, 'utf8')).join()).not.toContain('ada-the-principal');
  });

  it.each(['.dify-file.json', '.DIFY-FILE.JSON', '.tmp-', 'con.txt', '..', 'a/b\\c.txt'])(
    'stores a file called %s next to its record',
    async (name) => {
      const { store } = testStore('directory');
      const file = await put(store, 'hello', name);
      expect((await collect(store.read(file.uri, 'ada'))).toString()).toBe('hello');
      expect(await testStoreOf(await pathOf(store, file.uri)).find(file.uri, 'ada')).toEqual(file);
    },
  );

  it('is found again by the next process, with how long each file has left', async () => {
    const { store, clock, dir } = testStore('directory');
    const file = await put(store, 'hello');
    const key = (await store.downloadKey(file.uri, 'ada')) ?? '';
    await store.close();
    const { store: next } = testStore('directory', { dir, clock, ttlMs: 1000 });
    expect(await next.list('ada')).toEqual([file]);
    expect((await next.findByDownloadKey(key))?.file).toEqual(file);
    clock.now += HOUR;
    expect(await next.list('ada')).toEqual([]);
  });

  it('is shared by several stores: each sees, uses and evicts the files of the other', async () => {
    const { store: one, dir, clock } = testStore('directory', { maxBytes: 1000 });
    const { store: two } = testStore('directory', { maxBytes: 1000, dir, clock });
    const first = await put(one, 'x'.repeat(400));
    clock.now += 1000;
    const second = await put(two, 'x'.repeat(400));
    expect(await one.list('ada')).toEqual([second, first]);
    clock.now += 1000;
    // One has read the records of both; that two uses the first one now, it has to look up.
    await collect(two.read(first.uri, 'ada'));
    clock.now += 1000;
    const third = await put(one, 'x'.repeat(400));
    expect(await two.list('ada')).toEqual([third, first]);
    expect(await two.find(second.uri, 'ada')).toBeUndefined();
    expect(await errorOf(collect(two.read(second.uri, 'ada')))).toMatchObject({ code: 'file_not_found' });
  });

  it('is shared by processes that put and evict at the same time', async () => {
    const dir = folder();
    const program = `
      import { createDirectoryBackend } from ${JSON.stringify(join(SOURCE, 'backends/directory.ts'))};
      import { createFileStore } from ${JSON.stringify(join(SOURCE, 'file-store.ts'))};
      const logger = { debug() {}, info() {}, warn(...a) { console.error(a); }, error() {}, child: () => logger };
      const store = createFileStore({ backend: createDirectoryBackend(${JSON.stringify(dir)}), maxBytes: 50_000, ttlMs: 60_000, logger });
      const about = { name: 'f.bin', mimeType: 'a/b', principal: 'ada' };
      async function* body() { yield Buffer.alloc(2000, 7); yield Buffer.alloc(3000, 7); }
      let whole = 0;
      for (let round = 0; round < 40; round += 1) {
        const file = await store.put(body(), about);
        for (const { uri } of await store.list('ada')) {
          let size = 0;
          try { for await (const chunk of store.read(uri, 'ada')) size += chunk.length; }
          catch (error) { if (error.code !== 'file_not_found') throw error; continue; }
          if (size !== 5000) throw new Error('half a file: ' + size);
          whole += 1;
        }
      }
      await store.close();
      console.log(whole);
    `;
    // Node 20 does not read TypeScript: the loader of the tests' own bundler does.
    const { build } = await import('esbuild');
    const script = join(dir, 'writer.mjs');
    await build({
      stdin: { contents: program, resolveDir: dir, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: script,
      logLevel: 'silent',
    });
    const ends = await Promise.all(
      [1, 2, 3].map(async () => {
        const writer = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
        let output = '';
        writer.stdout.on('data', (data: Buffer) => (output += data.toString()));
        writer.stderr.on('data', (data: Buffer) => (output += data.toString()));
        const [code] = (await once(writer, 'close')) as [number];
        return { code, output };
      }),
    );
    expect(ends).toEqual(ends.map(() => ({ code: 0, output: expect.stringMatching(/^\d+\n$/) })));
    const { store } = testStore('directory', { dir, maxBytes: 50_000 });
    const { files, bytes } = await store.usage();
    expect(files).toBeGreaterThan(0);
    expect(bytes).toBe(files * 5000);
    // Each process makes room before its own file: with three of them, two more may have come in between.
    expect(bytes).toBeLessThanOrEqual(50_000 + 2 * 5000);
    expect(readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('removes what a process left that ended early, once nobody has written to it for a while', async () => {
    const dir = folder();
    const [crashed, arriving, headless] = [newFileId(), newFileId(), newFileId()];
    for (const name of [`.tmp-${crashed}`, `.tmp-${arriving}`, headless]) {
      mkdirSync(join(dir, name));
      writeFileSync(join(dir, name, '.tmp-'), 'half of a file');
    }
    for (const name of [`.tmp-${crashed}`, headless]) age(join(dir, name));
    // Of somebody else, who uses the folder as well.
    writeFileSync(join(dir, '.tmp-notes'), 'mine');
    mkdirSync(join(dir, 'photos'));
    for (const name of ['.tmp-notes', 'photos']) age(join(dir, name));
    const { store, clock } = testStore('directory', { dir });
    const kept = await put(store, 'x');
    age(join((await store.pathOf(kept.uri, 'ada')) ?? '', '..'));
    await store.close();
    await createDirectoryBackend(dir).tidy(clock.now);
    const id = new URL(kept.uri).host;
    expect(readdirSync(dir).sort()).toEqual(['.tmp-notes', `.tmp-${arriving}`, 'photos', id].sort());
  });

  it('sweeps at its start and from time to time', async () => {
    const { store, dir, clock } = testStore('directory', { ttlMs: 2000 });
    await put(store, 'x');
    await put(store, 'y');
    await store.close();
    clock.now += 2000;
    const left = newFileId();
    mkdirSync(join(dir, `.tmp-${left}`));
    age(join(dir, `.tmp-${left}`));
    const { store: next } = testStore('directory', { dir, clock, ttlMs: 2000 });
    await expect.poll(() => readdirSync(dir)).toEqual([]);
    await put(next, 'z');
    clock.now += 2000;
    await expect.poll(() => readdirSync(dir)).toEqual([]);
  });

  it('gives nothing of a file that somebody has changed, or whose record is not one', async () => {
    const { store } = testStore('directory');
    const [file, other] = [await put(store, 'hello'), await put(store, 'hello')];
    truncateSync((await store.pathOf(file.uri, 'ada')) ?? '', 2);
    expect((await errorOf(collect(store.read(file.uri, 'ada')))).code).toBe('file_not_found');
    const path = (await store.pathOf(other.uri, 'ada')) ?? '';
    for (const text of ['', '{', '[]', '{"version":2}', '{"version":1,"name":"a","size":-1}']) {
      writeFileSync(join(path, '..', '.dify-file.json'), text);
      expect(await testStoreOf(path).find(other.uri, 'ada'), text).toBeUndefined();
    }
  });

  it.each<[string, (entry: string, record: string) => void]>([
    [
      'a file in place of the folder',
      (entry) => (rmSync(entry, { recursive: true }), writeFileSync(entry, '')),
    ],
    ['a folder in place of the record', (_, record) => (rmSync(record), mkdirSync(record))],
    [
      'a folder in place of the file',
      (entry) => (rmSync(join(entry, 'note.txt')), mkdirSync(join(entry, 'note.txt'))),
    ],
    ['no file', (entry) => rmSync(join(entry, 'note.txt'))],
    ['a link in place of the file', (entry) => linkTo(join(entry, 'note.txt'))],
    ['a link in place of the record', (_, record) => linkTo(record)],
    ['a link in place of the folder', (entry) => linkTo(entry)],
    ...['../note.txt', '/etc/passwd', '..', '', 'a\u0000b', 'x'.repeat(300)].map(
      (name): [string, (entry: string, record: string) => void] => [
        `the name ${JSON.stringify(name).slice(0, 20)}`,
        (_, record) => change(record, { name }),
      ],
    ),
    ['a type that is none', (_, record) => change(record, { mimeType: 'text/plain\r\nX-Bad: 1' })],
    ['a time that is none', (_, record) => change(record, { expiresAt: Number.MAX_SAFE_INTEGER })],
    ['a size that is wrong', (_, record) => change(record, { size: 10 ** 15 })],
    ['bytes that are no text', (_, record) => writeFileSync(record, Buffer.from([0xff, 0, 0xfe]))],
  ])('skips an entry that is broken and logs it once: %s', async (_, breakIt) => {
    const { store, dir, clock } = testStore('directory');
    const [good, bad] = [await put(store, 'good'), await put(store, 'bad')];
    const entry = join((await store.pathOf(bad.uri, 'ada')) ?? '', '..');
    breakIt(entry, join(entry, '.dify-file.json'));
    const logger = recordingLogger();
    const backend = createDirectoryBackend(dir, logger);
    const about = { maxBytes: 1_000_000, ttlMs: HOUR, logger, now: () => clock.now };
    const next = createFileStore({ backend, ...about });
    onTestFinished(() => next.close());
    expect(await next.list('ada')).toEqual([good]);
    expect(await next.find(bad.uri, 'ada')).toBeUndefined();
    expect(await next.pathOf(bad.uri, 'ada')).toBeUndefined();
    expect((await collect(next.read(good.uri, 'ada'))).toString()).toBe('good');
    const added = await put(next, 'more');
    expect((await next.list('ada')).map(({ uri }) => uri).sort()).toEqual([good.uri, added.uri].sort());
    await backend.tidy(clock.now + HOUR);
    expect(await next.list('ada')).toHaveLength(2);
    expect(logger.lines.filter(({ level }) => level === 'warn').length).toBeLessThanOrEqual(1);
  });

  it('goes on where somebody has emptied or removed the folder', async () => {
    const { store, dir } = testStore('directory');
    const file = await put(store, 'x');
    rmSync(dir, { recursive: true });
    expect(await store.list('ada')).toEqual([]);
    expect(await store.find(file.uri, 'ada')).toBeUndefined();
    const next = await put(store, 'y');
    expect(await store.list('ada')).toEqual([next]);
  });

  it('rejects with what the disk says, and leaves nothing', async () => {
    const dir = join(folder(), 'file');
    writeFileSync(dir, 'in the way');
    const { store } = testStore('directory', { dir });
    await expect(put(store, 'x')).rejects.toMatchObject({ code: 'EEXIST' });
  });
});

describe('the folder of a store', () => {
  it('is made for its owner alone and tried', () => {
    const dir = join(folder(), 'a', 'b');
    makeFolder(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(readdirSync(dir)).toEqual([]);
    expect(canMakeFolder(join(dir, 'c'))).toBe(true);
  });

  it('is refused where it cannot be made, with what to do', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    const error = await errorOf(Promise.resolve().then(() => makeFolder(join(file, 'dir'))));
    expect(error).toMatchObject({
      code: 'config_invalid',
      message: `The folder ${join(file, 'dir')} of files.dir is not writable (ENOTDIR).`,
      hint: expect.stringMatching(/DIFY_BRIDGE_FILES_DIR.*DIFY_BRIDGE_FILES_STORE.*memory/),
    });
    expect(canMakeFolder(file)).toBe(false);
    expect(canMakeFolder(join(file, 'dir'))).toBe(false);
  });

  it('is refused where it cannot be written', async () => {
    // For root, the only folders that cannot be written are those of the kernel.
    const dir = isRoot ? '/proc/self' : folder();
    if (!isRoot) chmodSync(dir, 0o500);
    expect((await errorOf(Promise.resolve().then(() => makeFolder(dir)))).code).toBe('config_invalid');
  });
});

/** Makes a file or a folder, with what is in it, look an hour old. */
function age(path: string): void {
  const then = new Date(Date.now() - HOUR);
  if (statSync(path).isDirectory())
    for (const name of readdirSync(path)) utimesSync(join(path, name), then, then);
  utimesSync(path, then, then);
}

/** Puts a link to a file elsewhere in the place of an entry. */
function linkTo(path: string): void {
  const elsewhere = join(folder(), 'note.txt');
  renameSync(path, elsewhere);
  symlinkSync(elsewhere, path);
}

function change(record: string, members: object): void {
  const value = JSON.parse(readFileSync(record, 'utf8')) as object;
  writeFileSync(record, JSON.stringify({ ...value, ...members }));
}

/** A store without memory of what it has read, on the folder that a file of it lies in. */
function testStoreOf(path: string) {
  return testStore('directory', { dir: join(path, '../..') }).store;
}

async function pathOf(store: ReturnType<typeof testStoreOf>, uri: string): Promise<string> {
  return (await store.pathOf(uri, 'ada')) ?? '';
}
