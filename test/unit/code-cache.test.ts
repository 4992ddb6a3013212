import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runWithCodeCache } from '../../src/code-cache.ts';

describe('runWithCodeCache', () => {
  let folder: string;
  let cache: string;
  let results: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-test-'));
    cache = join(folder, 'cache', 'code');
    results = (globalThis as { results?: string[] }).results = [];
  });
  afterEach(async () => {
    delete (globalThis as { results?: string[] }).results;
    await rm(folder, { recursive: true, force: true });
  });

  const sourceOf = (word: string): string =>
    `(function (exports, require, module, __filename, __dirname) {results.push('${word}', __filename)})`;

  /** Runs a program that adds a word to the results. */
  async function run(word: string): Promise<() => void> {
    const path = join(folder, 'program.cjs');
    await writeFile(path, sourceOf(word));
    const store = runWithCodeCache(path, cache);
    expect(results.splice(1)).toEqual([path]);
    return store;
  }

  async function cachedFile(): Promise<string> {
    const [name = '', ...others] = await readdir(cache);
    expect(name).toContain(`${process.version}-${process.arch}-`);
    expect(others).toEqual([]);
    return join(cache, name);
  }

  it('runs the code that an earlier process compiled', async () => {
    (await run('one'))();
    results.length = 0;
    const stored = await cachedFile();
    // As if it had been compiled from the second program, which has the same length: then it is what runs.
    const bytes = await readFile(stored);
    bytes.writeUInt32LE(crc32(sourceOf('two')), 0);
    await writeFile(stored, bytes);
    (await run('two'))();
    expect(results).toEqual(['one']);
    expect(await readFile(stored)).toEqual(bytes);
  });

  it('compiles a program that changed, and replaces its code', async () => {
    (await run('one'))();
    results.length = 0;
    const before = await readFile(await cachedFile());
    (await run('two'))();
    expect(results).toEqual(['two']);
    expect(await readFile(await cachedFile())).not.toEqual(before);
  });

  it.each([
    ['is damaged', (bytes: Buffer) => bytes.fill(0, bytes.length - 8)],
    ['was cut', (bytes: Buffer) => bytes.subarray(0, 5)],
  ])('compiles if the stored code %s, and replaces it', async (_, damage) => {
    (await run('one'))();
    results.length = 0;
    const stored = await cachedFile();
    const before = await readFile(stored);
    await writeFile(stored, damage(Buffer.from(before)));
    (await run('one'))();
    expect(results).toEqual(['one']);
    expect((await readFile(stored)).subarray(0, 4)).toEqual(before.subarray(0, 4));
    expect((await readFile(stored)).length).toBe(before.length);
  });

  it.each([
    ['the folder', 'two', () => cache],
    ['the file', 'six', cachedFile],
  ])('compiles if other users may write %s of the stored code', async (_, word, writable) => {
    (await run('one'))();
    results.length = 0;
    const stored = await cachedFile();
    const bytes = await readFile(stored);
    bytes.writeUInt32LE(crc32(sourceOf(word)), 0);
    await writeFile(stored, bytes);
    await chmod(await writable(), 0o777);
    await run(word);
    expect(results).toEqual([word]);
  });

  it('runs without a folder to store code in', async () => {
    await writeFile(join(folder, 'cache'), '');
    (await run('one'))();
    expect(results).toEqual(['one']);
  });
});
