import { existsSync, mkdtempSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import * as fc from '../../support/fast-check.ts';
import { expect, it } from 'vitest';
import { safeName, saveFiles } from '../../../src/cli/saved-files.ts';
import { BridgeError } from '../../../src/model/errors.ts';

const unread = (): never => {
  throw new Error('nothing is linked to');
};
const LINK = {
  type: 'resource_link',
  uri: 'dify-file://x/y',
  name: '季度 报告.bin',
  mimeType: 'application/octet-stream',
  size: 300_000,
} as const;

it.each([
  ['report.pdf', 'application/pdf', 'report.pdf'],
  ['../../etc/passwd', 'text/plain', 'passwd.txt'],
  ['..\\..\\boot.ini', 'text/plain', 'boot.ini'],
  ['.bashrc', 'text/plain', 'bashrc.txt'],
  ['..', 'image/png', 'file.png'],
  ['', 'application/x-unheard-of', 'file'],
  ['a\u0000b\nc.txt', 'text/plain', 'a_b_c.txt'],
  ['photo\u202egnp.exe', 'image/png', 'photo_gnp.exe'],
  ['CON.txt', 'text/plain', '_CON.txt'],
  ['Übersicht 3.csv', 'text/csv', 'Übersicht 3.csv'],
  ['dots. . .', 'image/png', 'dots.png'],
])('makes %j (%s) the safe name %j', (name, mimeType, expected) => {
  expect(safeName(name, mimeType)).toBe(expected);
});

it('never leaves the folder, whatever the name', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.character, maxLength: 300 }), (name) => {
      const safe = safeName(name, 'image/png');
      expect(basename(safe)).toBe(safe);
      expect(resolve('/folder', safe)).toBe(`/folder/${safe}`);
      expect(['', '.', '..']).not.toContain(safe);
      expect(Array.from(safe).length).toBeLessThanOrEqual(120);
    }),
  );
});

it('does not follow a link that waits in the folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-files-'));
  const outside = join(mkdtempSync(join(tmpdir(), 'bridge-files-')), 'outside.txt');
  symlinkSync(outside, join(folder, 'a.txt'));
  const [saved] = await saveFiles(
    [{ type: 'resource', resource: { uri: 'dify://f/a.txt', mimeType: 'text/plain', text: 'x' } }],
    { folder, fallback: 'tool', read: unread },
  );
  expect(saved?.path).toBe(join(folder, 'a-2.txt'));
  expect(existsSync(outside)).toBe(false);
});

it('makes no folder when there is nothing to save', async () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'bridge-files-')), 'new');
  expect(await saveFiles([{ type: 'text', text: 'x' }], { folder, fallback: 'tool', read: unread })).toEqual(
    [],
  );
  expect(existsSync(folder)).toBe(false);
});

it('numbers several files of one name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-files-'));
  const image = { type: 'image', data: 'eA==', mimeType: 'image/png' } as const;
  await saveFiles([image, image, image], { folder, fallback: 'tool', read: unread });
  expect(readdirSync(folder).sort()).toEqual(['tool-2.png', 'tool-3.png', 'tool.png']);
});

it('writes what a result links to as it is read, under its own name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-files-'));
  const seen: number[] = [];
  async function* read(uri: string) {
    expect(uri).toBe(LINK.uri);
    for (let piece = 0; piece < 3; piece += 1) {
      yield Buffer.alloc(100_000, piece);
      // What was handed over before is on the disk by now.
      seen.push(statSync(join(folder, LINK.name)).size);
    }
  }
  const saved = await saveFiles([LINK], { folder, fallback: 'tool', read });
  expect(saved).toEqual([{ path: join(folder, LINK.name), mimeType: LINK.mimeType, bytes: 300_000 }]);
  expect(seen).toEqual([100_000, 200_000, 300_000]);
  expect(statSync(join(folder, LINK.name)).size).toBe(300_000);
});

it('leaves no half of a file that cannot be read to its end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-files-'));
  async function* read() {
    yield Buffer.from('half');
    throw new BridgeError('file_not_found', 'It is gone.');
  }
  await expect(saveFiles([LINK], { folder, fallback: 'tool', read })).rejects.toMatchObject({
    code: 'file_not_found',
  });
  expect(readdirSync(folder)).toEqual([]);
});

it('saves images under their names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-files-'));
  const image = { type: 'image', data: 'eA==', mimeType: 'image/png', name: 'a b.png' } as const;
  await saveFiles([image], { folder, fallback: 'tool', read: unread });
  expect(readdirSync(folder)).toEqual(['a b.png']);
});
