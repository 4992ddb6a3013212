import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileArguments, type FileArgumentsOptions } from '../../../src/calls/file-arguments.ts';
import { openLocalFile } from '../../../src/calls/local-file.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { FileUpload, InputFile } from '../../../src/model/ports.ts';
import type { FileArgument, FileParameter, PublishedTool } from '../../../src/model/registry.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { createMemoryBackend } from '../../../src/files/backends/memory.ts';
import { createFileStore } from '../../../src/files/file-store.ts';
import { isoMedia, utf16be, utf32 } from '../../support/encodings.ts';
import { errorOf } from '../../support/error-of.ts';
import { aTool } from '../../support/published-tool.ts';

const toolWith = (fileParameters: readonly FileParameter[]): PublishedTool => aTool({ fileParameters });

interface Uploaded {
  readonly filename: string;
  readonly mimeType: string;
  readonly size: number;
  readonly bytes: Buffer;
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const ONE = toolWith([{ name: 'f' }]);

function fixture(more: Partial<FileArgumentsOptions> = {}) {
  const uploads: Uploaded[] = [];
  const store = createFileStore({
    backend: createMemoryBackend(),
    maxBytes: 1e6,
    ttlMs: 60_000,
    logger: silentLogger,
  });
  const files = new FileArguments({
    uploader: {
      async upload(file: FileUpload) {
        const { filename, mimeType, size } = file;
        await bytesOf(file.read());
        uploads.push({ filename, mimeType, size, bytes: await bytesOf(file.read()) });
        return { tool_file_id: uploads.length };
      },
      refer: (address) => ({ transfer_method: 'remote_url', ...address }),
    },
    store,
    remote: { fetch: () => Promise.reject(new Error('nothing is to be fetched')) },
    urls: 'fetch',
    folders: [],
    maxBytes: 1_000_000,
    ...more,
  });
  const bring = (file: FileArgument, principal?: string, tool = ONE) =>
    files.store(tool, { f: file as JsonObject }, { signal: new AbortController().signal, principal });
  return { files, store, uploads, bring };
}

const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes as string).toString('base64');

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const JPEG = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex');
const WAV = Buffer.concat([
  Buffer.from('RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0', 'latin1'),
  Buffer.alloc(24),
]);
const MP3 = Buffer.concat([
  Buffer.from('ID3\x03\0\0\0\0\0\0', 'latin1'),
  Buffer.from('fffb9064', 'hex'),
  Buffer.alloc(500),
]);
const PDF = Buffer.from('%PDF-1.4\n1 0 obj<<>>endobj\n%%EOF\n');
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';

describe('name and type of a file', () => {
  it.each<[string, FileArgument, string | Uint8Array, string, string]>([
    ['PNG', { filename: 'p.png' }, PNG, 'p.png', 'image/png'],
    ['JPEG', { filename: 'p.jpg' }, JPEG, 'p.jpg', 'image/jpeg'],
    ['WAV', { filename: 's.wav' }, WAV, 's.wav', 'audio/wav'],
    ['MP3', { filename: 's.mp3' }, MP3, 's.mp3', 'audio/mpeg'],
    ['PDF', { filename: 'd.pdf' }, PDF, 'd.pdf', 'application/pdf'],
    ['CSV', { filename: 'd.csv' }, 'a,b\n1,2\n', 'd.csv', 'text/csv'],
    [
      'CSV that its server calls plain text',
      { filename: 'd.csv', mime_type: 'text/plain' },
      'a,b\n',
      'd.csv',
      'text/csv',
    ],
    ['JSON', { filename: 'd.json' }, '{"a":1}', 'd.json', 'application/json'],
    ...[
      Buffer.from('\ufeffName,Größe\n', 'utf16le'),
      utf16be('\ufeffName,Größe\n'),
      Buffer.from('Name,Größe\n', 'utf16le'),
      utf32('\ufeffName,Größe\n', 'le'),
      utf32('\ufeffName,Größe\n', 'be'),
      Buffer.from('\xff\xfbNom,\xe9t\xe9\n', 'latin1'),
    ].flatMap((bytes, index): [string, FileArgument, Uint8Array, string, string][] => [
      [`CSV in encoding ${index}`, { filename: 'people.csv' }, bytes, 'people.csv', 'text/csv'],
      [
        `CSV in encoding ${index}, by its type`,
        { filename: 'people', mime_type: 'text/csv' },
        bytes,
        'people.csv',
        'text/csv',
      ],
    ]),
    ['sound that is named so', { filename: 'v.m4a' }, isoMedia('isom'), 'v.m4a', 'audio/mp4'],
    [
      'a text of a type of its own',
      { filename: 'a.srt', mime_type: 'application/x-subrip' },
      '1\n00:00:01 --> 00:00:02\n',
      'a.srt',
      'application/x-subrip',
    ],
    ['HTML', { filename: 'd.html' }, '<!doctype html><script>1</script>', 'd.html', 'text/html'],
    ['SVG with a script', { filename: 'd.svg' }, SVG, 'd.svg', 'image/svg+xml'],
    ['a picture without extension', { filename: 'picture' }, PNG, 'picture.png', 'image/png'],
    ['a text without extension', { filename: 'README' }, 'Hello', 'README.txt', 'text/plain'],
    [
      'a text without extension whose type is known',
      { filename: 'data', mime_type: 'text/csv' },
      'a,b',
      'data.csv',
      'text/csv',
    ],
    ['a hidden file', { filename: '.env' }, 'A=1', '.env.txt', 'text/plain'],
    ['a wrong declared type', { filename: 'p.png', mime_type: 'text/plain' }, PNG, 'p.png', 'image/png'],
    ['a wrong extension', { filename: 'notes.txt' }, PNG, 'notes.txt.png', 'image/png'],
    [
      'a text under the name of a picture',
      { filename: 'p.png', mime_type: 'image/png' },
      'Hello',
      'p.png.txt',
      'text/plain',
    ],
    [
      'an error page under the name of a document',
      { filename: 'd.pdf' },
      '<p>Sorry</p>',
      'd.pdf.txt',
      'text/plain',
    ],
    [
      'unknown bytes',
      { filename: 'n.xyz' },
      Buffer.from([0, 1, 2, 255]),
      'n.xyz',
      'application/octet-stream',
    ],
    [
      'unknown bytes of a type of their own',
      { filename: 'n.xyz', mime_type: 'application/x-own' },
      Buffer.from([0, 255]),
      'n.xyz',
      'application/x-own',
    ],
    [
      'unknown bytes that are said to be a picture',
      { filename: 'n.png' },
      Buffer.from([0, 255]),
      'n.png',
      'application/octet-stream',
    ],
    ['a Chinese name with spaces', { filename: '季度 报告.csv' }, 'a,b', '季度 报告.csv', 'text/csv'],
    ['a name with folders', { filename: '../../etc/passwd' }, 'x', 'passwd.txt', 'text/plain'],
    ['no bytes at all', { filename: 'empty.txt' }, '', 'empty.txt', 'text/plain'],
  ])('%s', async (_, about, bytes, filename, mimeType) => {
    const { uploads, bring } = fixture();
    expect(await bring({ ...about, data: base64(bytes) })).toEqual({ f: { tool_file_id: 1 } });
    const sent = Buffer.from(bytes as string);
    expect(uploads).toEqual([{ filename, mimeType, size: sent.length, bytes: sent }]);
  });

  it.each([1, 3, 49_152, 49_153, 700_001])('%i bytes of Base64 arrive as they are', async (size) => {
    const { uploads, bring } = fixture();
    const bytes = Buffer.alloc(size, createHash('sha512').update('x').digest());
    await bring({ filename: 'a.bin', data: base64(bytes) });
    expect(uploads[0]?.size).toBe(size);
    expect(uploads[0]?.bytes.equals(bytes)).toBe(true);
  });
});

describe('a file in the arguments', () => {
  const several = toolWith([{ name: 'f' }, { name: 'fs' }, { name: 'absent' }]);
  const signal = new AbortController().signal;

  it('is replaced in its place, and nothing else is', async () => {
    const { files, uploads } = fixture();
    const args = {
      q: 'x',
      f: { data: base64('1'), filename: '1.txt' },
      fs: ['2', '3', '4', '5'].map((text) => ({ data: base64(text), filename: `${text}.txt` })),
    };
    const before = structuredClone(args);
    const stored = await files.store(several, args, { signal });
    const idOf = (name: string): number => uploads.findIndex(({ filename }) => filename === name) + 1;
    expect(stored).toEqual({
      q: 'x',
      f: { tool_file_id: idOf('1.txt') },
      fs: ['2', '3', '4', '5'].map((text) => ({ tool_file_id: idOf(`${text}.txt`) })),
    });
    expect(args).toEqual(before);
  });

  it('is left as the operator preset it', async () => {
    const { files } = fixture();
    const preset = { transfer_method: 'remote_url', url: 'https://example.com/a.png' };
    expect(await files.store(several, { f: preset, fs: [preset] }, { signal })).toEqual({
      f: preset,
      fs: [preset],
    });
  });

  it('goes to Dify three at a time', async () => {
    let running = 0;
    let most = 0;
    const { files } = fixture({
      uploader: {
        async upload() {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setImmediate(resolve));
          running -= 1;
          return {};
        },
        refer: () => ({}),
      },
    });
    const fs = Array.from({ length: 10 }, (_, index) => ({ data: base64('x'), filename: `${index}.txt` }));
    await files.store(several, { fs }, { signal });
    expect(most).toBe(3);
  });

  it('is named by its parameter if it cannot be used', async () => {
    const { bring } = fixture({ maxBytes: 3 });
    const error = await errorOf(bring({ data: base64('1234'), filename: 'a.txt' }));
    expect(error.code).toBe('file_too_large');
    expect(error.toText()).toBe(
      'The file for the argument f cannot be used: The file has 4 bytes; the bridge accepts at most 3 bytes.\n' +
        'The tool was not started. Give a smaller file. The operator of the bridge can raise files.maxInputBytes.',
    );
  });

  it('is refused if Dify passes no files to the tool', async () => {
    const { uploads, bring } = fixture();
    const tool = toolWith([{ name: 'f', refused: 'Dify cannot pass files to it.' }]);
    const error = await errorOf(bring({ data: base64('x'), filename: 'a.txt' }, undefined, tool));
    expect(error.toText()).toBe(
      'The argument f cannot be used: Dify cannot pass files to it.\n' +
        'The tool was not started. Omit the argument, or use another tool.',
    );
    expect(uploads).toEqual([]);
  });
});

describe('the first failure', () => {
  it('ends the other uploads, and all have ended before it is reported', async () => {
    const disposed: string[] = [];
    const held = (name: string): InputFile => ({
      filename: name,
      size: 1,
      async *read() {
        yield await Promise.resolve(Buffer.from('x'));
      },
      async dispose() {
        await new Promise((resolve) => setImmediate(resolve));
        disposed.push(name);
      },
    });
    const refused = new BridgeError('upstream_rejected', 'Dify refused the upload.');
    const { files } = fixture({
      remote: { fetch: (url) => Promise.resolve(held(url.slice(-1))) },
      uploader: {
        async upload({ filename }, signal) {
          if (filename === '2.txt') throw refused;
          await new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
          });
          return {};
        },
        refer: () => ({}),
      },
    });
    const fs = ['1', '2', '3', '4'].map((name) => ({ url: `https://example.com/${name}` }));
    const work = files.store(toolWith([{ name: 'fs' }]), { fs }, { signal: new AbortController().signal });
    await expect(work).rejects.toBe(refused);
    expect(disposed.sort()).toEqual(['1', '2', '3']);
  });

  it('is the end of the call itself where that comes first', async () => {
    const reason = new BridgeError('cancelled', 'The call was cancelled.');
    const controller = new AbortController();
    const { files } = fixture({
      remote: {
        fetch: (_url, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
            controller.abort(reason);
          }),
      },
    });
    const args = { f: { url: 'https://example.com/a' } };
    await expect(files.store(ONE, args, { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('web addresses', () => {
  const url = 'https://example.com/%E6%8A%A5%E5%91%8A.pdf?x=1';

  it('are fetched, and the type that the server says is one of several', async () => {
    let disposed = 0;
    const { uploads, bring } = fixture({
      remote: {
        fetch: (address, { maxBytes }) => {
          expect([address, maxBytes]).toEqual([url, 1_000_000]);
          return Promise.resolve({
            filename: 'served.bin',
            mimeType: 'application/pdf',
            size: PDF.length,
            async *read() {
              yield await Promise.resolve(PDF);
            },
            dispose: async () => void (disposed += 1),
          });
        },
      },
    });
    await bring({ url });
    await bring({ url, filename: 'mine.pdf' });
    expect(uploads.map(({ filename, mimeType }) => [filename, mimeType])).toEqual([
      ['served.bin', 'application/pdf'],
      ['mine.pdf', 'application/pdf'],
    ]);
    expect(disposed).toBe(2);
  });

  it('are handed to Dify as they are where the operator prefers that', async () => {
    const { bring } = fixture({ urls: 'pass' });
    expect(await bring({ url })).toEqual({
      f: { transfer_method: 'remote_url', url, filename: '报告.pdf', mimeType: 'application/pdf' },
    });
    expect(await bring({ url: 'https://example.com/', mime_type: 'image/png' })).toMatchObject({
      f: { filename: 'file', mimeType: 'image/png' },
    });
  });

  it('are refused where the operator takes none', async () => {
    expect((await errorOf(fixture({ urls: 'refuse' }).bring({ url }))).toText()).toContain(
      'The bridge does not accept files by url here.',
    );
  });
});

describe('kept files', () => {
  it('are read for their principal alone', async () => {
    const { store, uploads, bring } = fixture();
    const source = (async function* () {
      yield await Promise.resolve(PNG);
    })();
    const kept = await store.put(source, { name: '图 1.png', mimeType: 'image/png', principal: 'anna' });
    await bring({ resource: kept.uri }, 'anna');
    expect(uploads).toEqual([{ filename: '图 1.png', mimeType: 'image/png', size: PNG.length, bytes: PNG }]);
    for (const [uri, principal] of [
      [kept.uri, 'bert'],
      [kept.uri, undefined],
      ['dify-file://nothing/x', 'anna'],
    ] as const) {
      const error = await errorOf(bring({ resource: uri }, principal));
      expect([error.code, error.message]).toEqual([
        'file_refused',
        `The file for the argument f cannot be used: Unknown file ${uri}: it never existed, expired, was evicted, or belongs to another client.`,
      ]);
    }
    await store.close();
  });
});

describe('files of this machine', () => {
  let root: string;
  let allowed: string;
  let notes: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'bridge-paths-'));
    allowed = join(root, 'allowed');
    notes = join(allowed, 'sub', 'notes 一.txt');
    await mkdir(join(allowed, 'sub'), { recursive: true });
    await mkdir(join(root, 'allowed-not'));
    await writeFile(notes, 'Notes');
    await writeFile(join(root, 'secret.txt'), 'secret');
    await writeFile(join(root, 'allowed-not', 'a.txt'), 'secret');
    await symlink(join(root, 'secret.txt'), join(allowed, 'link.txt'));
    await symlink(root, join(allowed, 'up'));
    await symlink(notes, join(allowed, 'good-link.txt'));
    await symlink(allowed, join(root, 'alias'));
  });
  afterAll(() => rm(root, { recursive: true }));

  it.each([
    ['in a folder below', () => notes],
    ['through a link that stays inside', () => join(allowed, 'good-link.txt')],
    ['through a link to the folder', () => join(root, 'alias', 'sub', 'notes 一.txt')],
    ['with dots that stay inside', () => join(allowed, 'sub') + '/../sub/notes 一.txt'],
  ])('are taken %s', async (_, path) => {
    const { uploads, bring } = fixture({ folders: [join(root, 'gone'), allowed] });
    await bring({ path: path() });
    expect(uploads[0]).toMatchObject({ mimeType: 'text/plain', size: 5, bytes: Buffer.from('Notes') });
    expect(uploads[0]?.filename).toMatch(/\.txt$/);
  });

  it.each([
    ['outside', () => join(root, 'secret.txt')],
    ['by dots that lead out', () => join(allowed, '..', 'secret.txt')],
    ['through a link that leads out', () => join(allowed, 'link.txt')],
    ['through a folder that leads out', () => join(allowed, 'up', 'secret.txt')],
    ['in a folder whose name begins the same', () => join(root, 'allowed-not', 'a.txt')],
    ['the allowed folder itself', () => allowed],
    ['that are not there', () => join(allowed, 'nothing.txt')],
    ['that are not there, outside', () => join(root, 'nothing.txt')],
  ])('are refused in the same words: %s', async (_, path) => {
    const { bring } = fixture({ folders: [allowed] });
    const error = await errorOf(bring({ path: path() }));
    expect(error.code).toBe('file_refused');
    expect(error.message).toContain(`There is no file ${path()} in the folders that the operator allowed.`);
  });

  it('are refused where they are no regular files', async () => {
    const { bring } = fixture({ folders: [allowed, '/dev'] });
    for (const path of [join(allowed, 'sub'), '/dev/zero']) {
      expect((await errorOf(bring({ path }))).message).toContain('is not a regular file');
    }
  });

  it('are refused for anybody but the local person, and where no folder is allowed', async () => {
    const refused = 'The bridge does not accept files by path here.';
    expect((await errorOf(fixture({ folders: [allowed] }).bring({ path: notes }, 'anna'))).message).toContain(
      refused,
    );
    expect((await errorOf(fixture().bring({ path: notes }))).message).toContain(refused);
  });

  it('are refused when they are too large, before they are read', async () => {
    const { uploads, bring } = fixture({ folders: [allowed], maxBytes: 4 });
    expect((await errorOf(bring({ path: notes }))).code).toBe('file_too_large');
    expect(uploads).toEqual([]);
  });

  it('are read as they were opened, whatever takes their place', async () => {
    const path = join(allowed, 'swapped.txt');
    await writeFile(path, 'before');
    const held = await openLocalFile(path, [allowed], 100);
    await rename(join(allowed, 'swapped.txt'), join(allowed, 'moved.txt'));
    await symlink(join(root, 'secret.txt'), path);
    expect(String(await bytesOf(held.read()))).toBe('before');
    expect(String(await bytesOf(held.read()))).toBe('before');
    await truncate(join(allowed, 'moved.txt'), 3);
    expect(String(await bytesOf(held.read()))).toBe('bef');
    await held.dispose();
    await held.dispose();
    await expect(bytesOf(held.read())).rejects.toThrow(/closed|EBADF/);
  });
});
