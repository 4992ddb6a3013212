import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fileNameOf } from '../../../src/manifest/provider-file-name.ts';
import { readManifest } from '../../../src/manifest/read.ts';
import { type WriteOptions, writeManifest } from '../../../src/manifest/write.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { ToolProvider } from '../../../src/model/tool.ts';
import { errorOf } from '../../support/error-of.ts';
import { parameter, provider, registryOf, tool } from '../../support/declarations.ts';
import { contents, folder, RULES, WORKSPACE, written } from '../../support/manifest-workspace.ts';

/** Until the test ends, renaming a file with a matching path fails as on a full disk. */
function fillDisk(pattern: RegExp): () => void {
  const { rename } = fs;
  const restore = (): void => {
    fs.rename = rename;
    syncBuiltinESMExports();
  };
  onTestFinished(restore);
  fs.rename = async (from, to) => {
    if (pattern.test(`${String(from)} ${String(to)}`))
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    await rename(from, to);
  };
  syncBuiltinESMExports();
  return restore;
}

const write = (dir: string, providers: readonly ToolProvider[], options?: WriteOptions) =>
  writeManifest(dir, registryOf(providers, RULES), providers, options);

const KIT = provider('acme/kit/kit', [tool('draw'), tool('erase')]);
const OTHER = provider('acme/other/other', [tool('run')]);
const KIT_FILE = 'builtin.acme.kit.kit.yaml';
const OTHER_FILE = 'builtin.acme.other.other.yaml';

describe('writing', () => {
  it('changes nothing the second time, whatever the order of Dify', async () => {
    const { dir } = await written();
    const before = contents(dir);
    const shuffled = WORKSPACE.toReversed().map((each) => ({ ...each, tools: each.tools.toReversed() }));
    const { added, changed, removed, unchanged } = await write(dir, shuffled);
    expect({ added, changed, removed }).toEqual({ added: [], changed: [], removed: [] });
    expect(unchanged).toEqual(Object.keys(before).sort());
    expect(contents(dir)).toEqual(before);
  });

  it('changes no other file when a provider comes or goes', async () => {
    const { dir } = await written();
    const before = contents(dir);
    expect(await write(dir, [...WORKSPACE, KIT])).toMatchObject({
      added: [KIT_FILE],
      changed: [],
      removed: [],
    });
    expect(contents(dir)).toEqual({ ...before, [KIT_FILE]: expect.any(String) });
    expect(await write(dir, WORKSPACE)).toMatchObject({ added: [], changed: [], removed: [KIT_FILE] });
    expect(contents(dir)).toEqual(before);
  });

  it('changes only the lines of the tool that changed', async () => {
    const { dir } = await written([KIT]);
    const before = readFileSync(join(dir, KIT_FILE), 'utf8').split('\n');
    const changed = provider('acme/kit/kit', [
      tool('draw'),
      tool('erase', [], { description: { en_US: 'Wipes.' } }),
    ]);
    await write(dir, [changed]);
    const after = readFileSync(join(dir, KIT_FILE), 'utf8').split('\n');
    expect(after).toHaveLength(before.length);
    const lines = after
      .filter((line, index) => line !== before[index])
      .map((line) => line.trim().split(' ')[0]);
    expect(lines).toEqual(['-', 'description:', 'difyHash:', 'description:']);
  });

  it('says what it would do and does nothing in a dry run', async () => {
    const dir = join(folder(), 'not', 'yet');
    expect(await write(dir, [KIT], { dryRun: true })).toMatchObject({ added: [KIT_FILE] });
    expect(existsSync(dir)).toBe(false);
    await write(dir, [KIT]);
    const before = contents(dir);
    const changes = await write(dir, [OTHER], { dryRun: true });
    expect(changes).toMatchObject({ added: [OTHER_FILE], removed: [KIT_FILE] });
    expect(contents(dir)).toEqual(before);
  });

  it('keeps the files of providers that Dify could not list', async () => {
    const { dir } = await written([KIT, OTHER, provider('srv', [tool('run')], { type: 'mcp' })]);
    const problems = [
      { providerType: 'builtin', providerId: 'acme/kit/kit', message: 'no' },
      { providerType: 'mcp', message: 'no' },
    ] as const;
    const changes = await write(dir, [], { problems });
    expect(changes).toMatchObject({ removed: [OTHER_FILE], unlisted: [KIT_FILE, 'mcp.srv.yaml'] });
    expect(Object.keys(contents(dir)).sort()).toEqual([KIT_FILE, 'mcp.srv.yaml']);
  });

  it('leaves alone what it has not written', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'README.md'), 'hello');
    writeFileSync(join(dir, 'compose.yaml'), 'services: {}');
    mkdirSync(join(dir, 'support'));
    const before = contents(dir);
    expect(await write(dir, [KIT])).toMatchObject({
      added: [KIT_FILE],
      removed: [],
      foreign: ['compose.yaml'],
    });
    expect(contents(dir)).toMatchObject(before);
  });

  it('does not mind other line ends', async () => {
    const { dir } = await written([KIT]);
    const path = join(dir, KIT_FILE);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('\n', '\r\n'));
    expect(await write(dir, [KIT])).toMatchObject({ changed: [], unchanged: [KIT_FILE] });
    expect((await readManifest(dir)).tools).toHaveLength(2);
  });

  it('leaves out a tool that no file can hold, and says so', async () => {
    let deep: JsonObject = { type: 'string' };
    for (let level = 0; level < 2000; level += 1) deep = { type: 'object', properties: { deep } };
    const hostile = tool('deep', [parameter('q', { type: 'object', inputSchema: deep })]);
    const { dir } = await written([KIT]);
    const changes = await write(dir, [provider('acme/kit/kit', [...KIT.tools, hostile])]);
    expect(changes.skipped).toEqual([{ name: 'acme_kit__deep', reason: expect.stringContaining('levels') }]);
    expect((await readManifest(dir)).tools).toHaveLength(2);
  });
});

describe('a failure midway', () => {
  const AFTER = [
    provider('acme/kit/kit', [tool('draw')]),
    provider('acme/new/new', [tool('run')]),
    provider('acme/other/other', [tool('walk')]),
  ];

  it('puts back what was there', async () => {
    const { dir } = await written([KIT, OTHER, provider('gone', [tool('run')])]);
    const before = contents(dir);
    // The new file and the first of the changed ones are in place by then.
    const makeRoom = fillDisk(/other\.other/);
    const error = await errorOf(write(dir, AFTER));
    makeRoom();
    expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining('ENOSPC') });
    expect(contents(dir)).toEqual(before);
    expect(readdirSync(dir)).toEqual(Object.keys(before));
    expect(await write(dir, AFTER)).toMatchObject({
      added: ['builtin.acme.new.new.yaml'],
      changed: [KIT_FILE, OTHER_FILE],
      removed: ['builtin.gone.yaml'],
    });
  });

  it('tells where the old files are if even that fails', async () => {
    const { dir } = await written([KIT, OTHER]);
    const old = readFileSync(join(dir, KIT_FILE), 'utf8');
    fillDisk(/other\.other|old.*kit\.kit/);
    const error = await errorOf(write(dir, AFTER));
    const kept = /the previous files are in (.*)\.$/.exec(error.message)?.[1] ?? '';
    expect(readFileSync(join(kept, KIT_FILE), 'utf8')).toBe(old);
  });
});

describe('links', () => {
  it('are not followed by a file', async () => {
    const [dir, elsewhere] = [folder(), join(folder(), 'precious')];
    writeFileSync(elsewhere, 'precious');
    symlinkSync(elsewhere, join(dir, KIT_FILE));
    const error = await errorOf(write(dir, [KIT]));
    expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining('not a file') });
    expect(readFileSync(elsewhere, 'utf8')).toBe('precious');
  });

  it('are not followed to the folder', async () => {
    const [elsewhere, dir] = [folder(), join(folder(), 'tools')];
    symlinkSync(elsewhere, dir);
    expect((await errorOf(write(dir, [KIT]))).message).toContain('symbolic link');
    expect(contents(elsewhere)).toEqual({});
  });

  it('are not followed above the folder, within the working directory', async () => {
    const [elsewhere, home] = [folder(), folder()];
    symlinkSync(elsewhere, join(home, 'manifests'));
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(home);
    const error = await errorOf(write(join(home, 'manifests', 'tools'), [KIT])).finally(() =>
      cwd.mockRestore(),
    );
    expect(error.message).toContain('symbolic link');
    expect(contents(elsewhere)).toEqual({});
  });

  it('and files in place of the folder are refused', async () => {
    const dir = join(folder(), 'tools');
    writeFileSync(dir, '');
    expect(await errorOf(write(dir, [KIT]))).toMatchObject({ code: 'usage' });
  });
});

describe('file names', () => {
  it('follow the id where they can', () => {
    expect(fileNameOf('builtin', 'time')).toBe('builtin.time.yaml');
    expect(fileNameOf('builtin', 'langgenius/google/google')).toBe('builtin.langgenius.google.google.yaml');
    expect(fileNameOf('api', '9c0de1aa-1111-4222-8333-444455556666')).toBe(
      'api.9c0de1aa-1111-4222-8333-444455556666.yaml',
    );
  });

  it('are safe, of one segment and different for different ids, even where case does not count', () => {
    const ids = [
      '../../etc/passwd',
      '..',
      '/',
      '',
      'a/b',
      'a.b',
      'A/B',
      'a//b',
      'a\\b',
      'con',
      'aux.',
      'nul ',
      'a:b',
      'a\u0000b',
      'a\nb',
      '東京',
      '京都',
      'x'.repeat(300),
      'x'.repeat(301),
      '-rf',
    ];
    const names = ids.flatMap((id) => [fileNameOf('mcp', id), fileNameOf('api', id)]);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
    for (const name of names) {
      expect(name).toMatch(/^(mcp|api)\.[a-z0-9_.-]+\.yaml$/);
      expect(name.length).toBeLessThan(120);
    }
  });

  it('cannot be forged by another id', () => {
    const forged = fileNameOf('mcp', 'Acme').slice('mcp.'.length, -'.yaml'.length);
    for (const id of [forged, forged.replaceAll('.', '/')]) {
      expect(fileNameOf('mcp', id)).not.toBe(fileNameOf('mcp', 'Acme'));
    }
  });
});
