import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openFiles, placeOfFiles } from '../../../src/app/files.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { errorOf } from '../../support/error-of.ts';
import { put } from '../../support/file-stores.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'bridge-files-'));

async function configured(env: Record<string, string>) {
  return (await loadConfig({ env: { HOME: '/nonexistent', ...env }, needsDify: false })).config;
}

async function opened(env: Record<string, string>) {
  const logger = recordingLogger();
  const files = openFiles(await configured(env), logger);
  onTestFinished(() => files.store.close());
  return { ...files, logger };
}

describe('where files are kept', () => {
  it('is the cache folder, which is made with the first file', async () => {
    const XDG_CACHE_HOME = folder();
    const { store, place, logger } = await opened({ XDG_CACHE_HOME });
    const dir = join(XDG_CACHE_HOME, 'dify-mcp-bridge', 'files');
    expect(place).toEqual({ kind: 'directory', dir });
    expect(existsSync(join(XDG_CACHE_HOME, 'dify-mcp-bridge'))).toBe(false);
    expect((await store.usage()).maxBytes).toBe(1024 ** 3);
    await put(store, 'x');
    expect(existsSync(dir)).toBe(true);
    expect(logger.lines).toEqual([]);
  });

  it('is a folder that was named, made at once, whatever it is relative to', async () => {
    const dir = join(folder(), 'a', 'b');
    expect((await opened({ DIFY_BRIDGE_FILES_DIR: dir })).place).toEqual({ kind: 'directory', dir });
    expect(existsSync(dir)).toBe(true);
    const relative = await opened({ DIFY_BRIDGE_FILES_DIR: `../../../../../../..${dir}` });
    expect(relative.place).toEqual({ kind: 'directory', dir });
  });

  it('is memory where the usual folder cannot be written, with a warning', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    const { place, store, logger } = await opened({ XDG_CACHE_HOME: file });
    expect(place).toEqual({ kind: 'memory', instead: join(file, 'dify-mcp-bridge', 'files') });
    expect((await store.usage()).maxBytes).toBe(128 * 1024 ** 2);
    expect(logger.lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        message: expect.stringContaining('Files are stored in memory'),
      }),
    ]);
  });

  it('is nowhere where the folder that was named cannot be written', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    const config = await configured({ DIFY_BRIDGE_FILES_DIR: join(file, 'dir') });
    const error = await errorOf(Promise.resolve().then(() => placeOfFiles(config)));
    expect(error).toMatchObject({ code: 'config_invalid', message: expect.stringContaining('files.dir') });
  });

  it('is memory on demand, without a word', async () => {
    const { place, logger } = await opened({ DIFY_BRIDGE_FILES_STORE: 'memory' });
    expect({ place, lines: logger.lines }).toEqual({ place: { kind: 'memory' }, lines: [] });
  });

  it('has the size that was asked for', async () => {
    const { store } = await opened({
      DIFY_BRIDGE_FILES_STORE: 'memory',
      DIFY_BRIDGE_FILES_MAX_STORE_BYTES: '2KiB',
    });
    expect((await store.usage()).maxBytes).toBe(2048);
  });
});

describe('the ways to a file', () => {
  it('are a path for the local person, and an address as soon as there is one', async () => {
    const { store, accessOf, servedAt } = await opened({ DIFY_BRIDGE_FILES_DIR: folder() });
    const local = await put(store, 'x', 'a b.txt', 'local');
    const remote = await put(store, 'x', 'a b.txt', 'token-x');
    const path = await store.pathOf(local.uri, 'local');
    expect(await accessOf(local, 'local')).toEqual({ uri: local.uri, path });
    expect(await accessOf(remote, 'token-x')).toEqual({ uri: remote.uri });
    servedAt('https://bridge.example.com/tools');
    const key = await store.downloadKey(remote.uri, 'token-x');
    expect(await accessOf(remote, 'token-x')).toEqual({
      uri: remote.uri,
      url: `https://bridge.example.com/tools/files/${key}/a%20b.txt`,
    });
  });

  it('are the URI alone for who does not own it, and in memory', async () => {
    const { store, accessOf, servedAt } = await opened({ DIFY_BRIDGE_FILES_STORE: 'memory' });
    servedAt('https://bridge.example.com');
    const file = await put(store, 'x', 'a.txt', 'local');
    expect(await accessOf(file, 'token-x')).toEqual({ uri: file.uri });
    expect((await accessOf(file, 'local')).path).toBeUndefined();
  });
});
