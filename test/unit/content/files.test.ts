import { describe, expect, it } from 'vitest';
import { createMemoryBackend } from '../../../src/files/backends/memory.ts';
import { createFileStore } from '../../../src/files/file-store.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import type { FileReference } from '../../../src/model/message.ts';
import type { FileOpener } from '../../../src/model/ports.ts';
import { SAMPLES } from '../../../src/sandbox/samples.ts';
import {
  aTool,
  bytes,
  convert,
  convertStream,
  difyFile,
  FILE_ID,
  FILE_LINK,
  file,
  GIF,
  JPEG,
  json,
  memoryStore,
  openerOf,
  PDF,
  PNG,
  PRINCIPAL,
  recordingLogger,
  type Served,
  SIGNED_LINK,
  text,
  textsOf,
  TYPE_NAMES,
  variable,
  WAV,
  WEBP,
  withoutIds,
} from '../../support/content-fixtures.ts';

/** What a result has for one served file, without its line of text. */
async function blocksOf(served: Served, reference: FileReference) {
  const { content } = withoutIds(await convert([file(reference)], { opener: openerOf(served) }));
  expect(content[0]?.type).toBe('text');
  return content.slice(1);
}

/** The beginnings of pictures that no model takes. */
const PICTURES: Readonly<Record<string, Buffer>> = {
  'image/bmp': Buffer.concat([Buffer.from('BM'), Buffer.alloc(60, 1)]),
  'image/tiff': Buffer.concat([Buffer.from('49492a0008000000', 'hex'), Buffer.alloc(40)]),
  'image/heic': Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
  'image/avif': Buffer.from('\0\0\0\x18ftypavif\0\0\0\0mif1avif', 'latin1'),
  'image/x-icon': Buffer.from('00000100010010100000', 'hex'),
};

const link = (name: string, mimeType: string, size: number) => ({
  type: 'resource_link',
  uri: `FILE1/${encodeURIComponent(name)}`,
  name,
  mimeType,
  size,
});

describe('a fetched file', () => {
  it.each([
    ['png', PNG, 'image/png'],
    ['jpeg', JPEG, 'image/jpeg'],
    ['gif', GIF, 'image/gif'],
    ['webp', WEBP, 'image/webp'],
  ])('is an image when its bytes are %s, whatever was declared', async (_, content, mimeType) => {
    const opener = openerOf(bytes(content, 'application/octet-stream'));
    const message = file({ url: FILE_LINK, filename: 'pic', mimeType: 'image/bmp' });
    expect(withoutIds(await convert([message], { opener }))).toEqual({
      content: [
        {
          type: 'text',
          text: `pic (${TYPE_NAMES[mimeType]}, ${content.length} bytes), shown below, kept 24 h: FILE1/pic`,
        },
        { type: 'image', data: content.toString('base64'), mimeType, name: 'pic' },
      ],
    });
  });

  it.each(['image/bmp', 'image/tiff', 'image/heic', 'image/avif', 'image/x-icon'])(
    'is linked to when it is a picture that no model takes: %s',
    async (mimeType) => {
      const content = PICTURES[mimeType] ?? Buffer.alloc(0);
      expect(await blocksOf(bytes(content, mimeType), { filename: 'p' })).toEqual([
        link('p', mimeType, content.length),
      ]);
    },
  );

  it('is never an image on trust', async () => {
    const unknown = bytes(Buffer.from([1, 2, 3, 255]), 'image/png');
    expect(await blocksOf(unknown, { filename: 'x.png', mimeType: 'image/png' })).toEqual([
      link('x.png', 'application/octet-stream', 4),
    ]);
  });

  it('is audio by its bytes, or by what is declared', async () => {
    expect(await blocksOf(bytes(WAV), { url: '/files/tools/x.bin', mimeType: 'audio/x-unknown' })).toEqual([
      {
        type: 'audio',
        data: WAV.toString('base64'),
        mimeType: 'audio/wav',
        name: 'x.bin',
        uri: 'FILE1/x.bin',
      },
    ]);
    expect(
      await blocksOf(bytes(Buffer.from([0, 1, 2, 3])), { filename: 'x.bin', mimeType: 'audio/mpeg' }),
    ).toMatchObject([{ type: 'audio', mimeType: 'audio/mpeg' }]);
  });

  it.each([
    ['cars.txt', 'BMW is not a bitmap', 'text/plain', 'text/plain', 'text/plain'],
    ['data.json', '{"a":1}', undefined, 'application/json', 'application/json'],
    ['table.csv', 'a,b\n', undefined, 'text/csv', 'text/csv'],
    ['read.md', '# hi', undefined, 'text/markdown', 'text/markdown'],
    ['noext', 'just words', 'application/octet-stream', 'text/plain', 'text/plain'],
    // A browser would run these.
    ['a.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml', 'image/svg+xml', 'text/plain'],
    ['b.svg', '<?xml version="1.0"?><svg/>', undefined, 'image/svg+xml', 'text/plain'],
    ['page.html', '<!doctype html><p>hi', 'text/html; charset=utf-8', 'text/html', 'text/plain'],
    ['page.xhtml', '<html/>', 'application/xhtml+xml', 'application/xhtml+xml', 'text/plain'],
    ['feed.xml', '<?xml version="1.0"?><a/>', undefined, 'application/xml', 'text/plain'],
    ['code.js', 'alert(1)', undefined, 'text/javascript', 'text/plain'],
  ])('is text: %s', async (filename, content, declared, mimeType, shownType) => {
    const opener = openerOf(bytes(Buffer.from(content), declared));
    const result = withoutIds(await convert([file({ id: 'i d', filename })], { opener }));
    expect(result.content).toEqual([
      {
        type: 'text',
        text: `${filename} (${TYPE_NAMES[mimeType] ?? mimeType}, ${content.length} bytes), text below, kept 24 h: FILE1/${filename}`,
      },
      {
        type: 'resource',
        resource: { uri: `FILE1/${filename}`, mimeType: shownType, text: content },
        name: filename,
      },
    ]);
    expect(result.structuredContent).toBeUndefined();
  });

  it.each([
    ['a.pdf', PDF, undefined, 'application/pdf'],
    ['gbk.csv', Buffer.from([0xc4, 0xe3, 0x2c, 0x0a]), 'text/csv', 'text/csv'],
    [
      'letter.docx',
      Buffer.from('504b0304', 'hex'),
      undefined,
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    ],
    ['zero.txt', Buffer.from('a\u0000b'), 'text/plain', 'text/plain'],
    ['fake.png', Buffer.from('504b0304', 'hex'), 'image/png', 'application/zip'],
  ])('is linked to: %s', async (filename, content, declared, mimeType) => {
    const store = memoryStore();
    const result = await convert([file({ id: '1', filename })], {
      opener: openerOf(bytes(content, declared)),
      store,
    });
    const size = content.length;
    expect(withoutIds(result.content)).toEqual([
      {
        type: 'text',
        text: `${filename} (${TYPE_NAMES[mimeType] ?? mimeType}, ${size} bytes), kept 24 h: FILE1/${filename}`,
      },
      link(filename, mimeType, size),
    ]);
    const [, block] = result.content;
    const pieces = [];
    for await (const piece of store.read(block?.type === 'resource_link' ? block.uri : '', PRINCIPAL))
      pieces.push(piece);
    expect(Buffer.concat(pieces)).toEqual(content);
  });

  it('is not there twice when it is empty: a line says so', async () => {
    const opener = openerOf(bytes(Buffer.alloc(0), 'image/png'));
    const store = memoryStore();
    const result = await convert([file({ filename: 'empty.png' })], { opener, store });
    expect(result).toEqual({
      content: [{ type: 'text', text: 'empty.png (0 bytes) is empty.' }],
    });
    expect(await store.list(PRINCIPAL)).toEqual([]);
  });

  it('names every way to it that its reader has', async () => {
    const accessOf = async ({ uri }: { uri: string }) => ({
      uri,
      url: 'https://bridge.example/files/k/a.pdf',
      path: '/cache/a',
    });
    const result = await convert([file({ filename: 'a.pdf' })], { opener: openerOf(bytes(PDF)), accessOf });
    expect(withoutIds(textsOf(result))).toEqual([
      'a.pdf (PDF, 13 bytes), kept 24 h: FILE1/a.pdf or https://bridge.example/files/k/a.pdf or /cache/a',
    ]);
  });

  it('is one of many without a warning of leaked listeners', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const messages = Array.from({ length: 20 }, (_, index) => file({ filename: `${index}.png` }));
    const { content } = await convert(messages, { opener: openerOf(bytes(PNG)) });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(content).toHaveLength(40);
    expect(warnings).toEqual([]);
  });

  it('has its name for commands that save it', async () => {
    const opener = openerOf(({ filename }) => bytes(filename === 'a.pdf' ? PDF : PNG));
    const { content } = await convert([file({ filename: 'a.pdf' }), file({ filename: 'p.png' })], { opener });
    expect(content.map((block) => ('name' in block ? block.name : undefined))).toEqual([
      undefined,
      'a.pdf',
      undefined,
      'p.png',
    ]);
  });

  it('leaves structured content out, unless the tool promised it', async () => {
    const opener = openerOf(bytes(PNG));
    const messages = [json({ a: 1 }), file({ url: FILE_LINK })];
    expect((await convert(messages, { opener })).structuredContent).toBeUndefined();
    const tool = aTool({ outputSchema: { type: 'object', properties: { a: { type: 'number' } } } });
    const promised = await convert(messages, { opener, tool });
    expect(promised.structuredContent).toMatchObject({ a: 1 });
    expect(promised.content.some((block) => block.type === 'image')).toBe(true);
  });

  it('keeps its place among the other messages, however late it comes', async () => {
    const served = openerOf(bytes(PNG));
    const opener: FileOpener = {
      isSignedLink: () => false,
      open: async (reference, signal) => {
        await new Promise((resolve) => setTimeout(resolve, reference.filename === 'first.png' ? 30 : 1));
        return served.open(reference, signal);
      },
    };
    const messages = [
      text('a'),
      file({ filename: 'first.png' }),
      text('b'),
      file({ filename: 'second.png' }),
    ];
    const { content } = await convert(messages, { opener });
    expect(
      content.map((block) => (block.type === 'text' ? block.text.split(', shown')[0] : block.type)),
    ).toEqual(['a', 'first.png (PNG, 70 bytes)', 'image', 'b', 'second.png (PNG, 70 bytes)', 'image']);
  });

  it('is there once, however often the tool names it', async () => {
    const opener = openerOf(bytes(PNG));
    const messages = [
      file({ url: FILE_LINK }),
      file({ url: FILE_LINK, id: FILE_ID }),
      file({ url: `/files/${FILE_ID}/file-preview?sign=FAKE` }),
    ];
    const { content } = await convert(messages, { opener });
    expect(content).toHaveLength(2);
    expect(opener.opened).toHaveLength(1);
  });

  it.each([
    [{ url: '/files/tools/a%20b.pdf?x=1#y' }, 'a b.pdf'],
    [{ url: '/files/tools/%E0%A4%A.pdf' }, '%E0%A4%A.pdf'],
    [{ filename: 'two\nlines\u0000.pdf' }, 'two lines .pdf'],
    [{ filename: '  ', url: 'https://example.com/' }, 'tool.pdf'],
    [{ url: FILE_LINK }, 'tool.pdf'],
    [{ url: FILE_LINK, filename: `${FILE_ID.replaceAll('-', '')}.bin` }, 'tool.pdf'],
    [{ url: `/files/${FILE_ID}/file-preview` }, 'tool.pdf'],
    [{ filename: `${'n'.repeat(300)}.pdf` }, `${'n'.repeat(199)}…`],
    [{ filename: '\ud800.pdf' }, '.pdf'],
  ])('is named on one line: %j', async (reference: FileReference, name) => {
    const { content } = await convert([file(reference)], { opener: openerOf(bytes(PDF)) });
    const line = content[0]?.type === 'text' ? content[0].text : '';
    expect(line.startsWith(`${name} (PDF, 13 bytes), kept`)).toBe(true);
    expect(line).not.toContain('\n');
  });
});

describe('the samples of the sandbox', () => {
  it.each([
    ['png', 'image', 'image/png'],
    ['jpeg', 'image', 'image/jpeg'],
    ['wav', 'audio', 'audio/wav'],
    ['mp3', 'audio', 'audio/mpeg'],
    ['pdf', 'resource_link', 'application/pdf'],
    ['docx', 'resource_link', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['csv', 'resource', 'text/csv'],
    ['no extension', 'resource_link', 'application/octet-stream'],
    ['wrong type', 'image', 'image/png'],
    ['page as picture', 'resource', 'text/plain'],
    ['chinese name', 'resource', 'text/csv'],
    ['empty', undefined, undefined],
    ['html', 'resource', 'text/plain'],
    ['svg', 'resource', 'text/plain'],
  ])('%s', async (kind, type, mimeType) => {
    const { bytes: content, mime_type: declared, filename = '' } = SAMPLES[kind]?.() ?? {};
    expect(content).toBeDefined();
    const reference = { filename, ...(declared !== undefined && { mimeType: declared }) };
    const result = await convert([file(reference)], {
      opener: openerOf(bytes(content ?? Buffer.alloc(0), declared)),
    });
    const [line, block, ...more] = result.content;
    expect(more).toEqual([]);
    expect(line?.type === 'text' && line.text.startsWith(`${filename} (`)).toBe(true);
    expect(block?.type).toBe(type);
    const found =
      block?.type === 'resource' ? block.resource.mimeType : block?.type === 'text' ? '' : block?.mimeType;
    expect(found).toBe(mimeType);
  });

  it('are all tested', () => {
    expect(Object.keys(SAMPLES)).toHaveLength(14);
  });
});

describe('limits', () => {
  const photo = (size: number): Buffer => Buffer.concat([PNG, Buffer.alloc(size - PNG.length)]);
  const shape = (content: readonly { type: string }[]): string[] =>
    content.map(({ type }) => type).filter((type) => type !== 'text');

  it('keeps an image that is too large, and says why it is not shown', async () => {
    const opener = openerOf(bytes(photo(1_000_001)));
    const result = withoutIds(await convert([file({ filename: 'p.png' })], { opener }));
    expect(result.content).toEqual([
      {
        type: 'text',
        text: 'p.png (PNG, 1 MB), not shown (the limit for one image is 700 KB), kept 24 h: FILE1/p.png',
      },
      link('p.png', 'image/png', 1_000_001),
    ]);
    expect(opener.stillOpen()).toBe(0);
  });

  it.each([
    [700_000, 'image'],
    [700_001, 'resource_link'],
  ])('shows an image of %i bytes as %s', async (size, type) => {
    for (const served of [bytes(photo(size)), { ...bytes(photo(size)), size }]) {
      const { content } = await convert([file({ filename: 'p.png' })], { opener: openerOf(served) });
      expect(shape(content)).toEqual([type]);
    }
  });

  it('gives the room for all images to the first ones, whichever arrive first', async () => {
    const served = openerOf(({ filename }) => bytes(photo(filename === 'c.png' ? 300_000 : 600_000)));
    const opener: FileOpener = {
      isSignedLink: () => false,
      open: async (reference, signal) => {
        if (reference.filename === 'a.png') await new Promise((resolve) => setTimeout(resolve, 20));
        return served.open(reference, signal);
      },
    };
    const messages = ['a.png', 'b.png', 'c.png', 'd.png'].map((filename) => file({ filename }));
    const result = await convert(messages, { opener });
    expect(shape(result.content)).toEqual(['image', 'resource_link', 'image', 'resource_link']);
    expect(textsOf(result)[1]).toContain(', not shown (the limit for all images and sounds is 1 MB),');
  });

  it('lets one image take seven tenths of the room for all', async () => {
    const convertPhoto = (size: number) =>
      convert([file({ filename: 'p.png' })], {
        opener: openerOf(bytes(photo(size))),
        limits: { maxInlineBytes: 100_000 },
      });
    expect(shape((await convertPhoto(70_000)).content)).toEqual(['image']);
    const large = await convertPhoto(70_001);
    expect(shape(large.content)).toEqual(['resource_link']);
    expect(textsOf(large)[0]).toContain('(the limit for one image is 70 KB)');
  });

  it('follows the preset of the tool before the view', async () => {
    const opener = openerOf(bytes(PNG));
    const tool = aTool({ results: { maxImageBytes: 10 } });
    const { content } = await convert([file({ filename: 'p.png' })], { opener, tool });
    expect(shape(content)).toEqual(['resource_link']);
  });

  it('keeps a text file beyond the text budget, in bytes of any script', async () => {
    const words = '季'.repeat(600);
    const convertWith = (maxTextChars: number) =>
      convert([file({ filename: 't.txt' })], {
        opener: openerOf(bytes(Buffer.from(words))),
        limits: { maxTextChars },
      });
    expect(shape((await convertWith(600)).content)).toEqual(['resource']);
    const over = await convertWith(599);
    expect(shape(over.content)).toEqual(['resource_link']);
    expect(textsOf(over)[0]).toContain(
      't.txt (TXT, 1.8 KB), not shown (a result contains at most 599 characters), kept 24 h: ',
    );
  });

  it('links to a page that is too long as to plain text', async () => {
    const page = Buffer.from(`<!doctype html><script>${'x'.repeat(200)}</script>`);
    const opener = openerOf(bytes(page, 'text/html'));
    const { content } = await convert([file({ filename: 'p.html' })], {
      opener,
      limits: { maxTextChars: 100 },
    });
    expect(content[0]).toMatchObject({ text: expect.stringMatching(/^p\.html \(HTML, /) as string });
    expect(content[1]).toMatchObject({ type: 'resource_link', name: 'p.html', mimeType: 'text/plain' });
  });

  it('gives the text budget to what the tool says first, then to its text files in order', async () => {
    const opener = openerOf(bytes(Buffer.from('x'.repeat(50))));
    const messages = [file({ filename: 'a.txt' }), file({ filename: 'b.txt' }), text('y'.repeat(40))];
    const { content } = await convert(messages, { opener, limits: { maxTextChars: 100 } });
    expect(shape(content)).toEqual(['resource', 'resource_link']);
    const cut = await convert(messages, { opener, limits: { maxTextChars: 90 } });
    expect(shape(cut.content)).toEqual(['resource', 'resource_link']);
  });

  it('reads no more of a file than the store takes, and says what would bring it', async () => {
    const opener = openerOf(bytes(Buffer.alloc(200_000, 1)));
    const result = await convert([file({ filename: 'x.bin' })], { opener, maxOutputBytes: 100_000 });
    expect(textsOf(result)).toEqual([
      'x.bin was not included: the limit for one file is 100 KB. Ask the tool for a smaller file, or open it in Dify.',
    ]);
    expect(opener.read()).toBeLessThan(120_000);
    expect(opener.stillOpen()).toBe(0);
  });

  it('does not request a file that is too large according to Dify', async () => {
    const opener = openerOf(bytes(PNG));
    const named = file({ filename: 'x', size: 20_000_000 });
    expect(textsOf(await convert([named], { opener }))[0]).toMatch(/^x \(20 MB\) was not included: .* 10 MB/);
    expect(opener.opened).toEqual([]);
    const served = openerOf({ ...bytes(PNG, 'video/mp4'), size: 20_000_000 });
    expect(textsOf(await convert([file({ filename: 'x' })], { opener: served }))[0]).toMatch(
      /^x \(MP4, 20 MB\) was not included/,
    );
    expect(served.read()).toBe(0);
    expect(served.stillOpen()).toBe(0);
  });
});

describe('a store that takes no more', () => {
  const full = memoryStore(1000);

  it('is said for a file that has no other place', async () => {
    const opener = openerOf(bytes(Buffer.alloc(5000, 1)));
    const result = await convert([file({ filename: 'x.bin' })], { opener, store: full });
    expect(result.content).toHaveLength(1);
    expect(textsOf(result)[0]).toMatch(
      /^x\.bin \(5 KB\) was not included: the result cannot contain it, and it could not be stored\. .+ Open it in Dify\.$/,
    );
    expect(opener.stillOpen()).toBe(0);
  });

  it('does not affect what the result contains', async () => {
    const image = Buffer.concat([PNG, Buffer.alloc(2000)]);
    const shown = await convert([file({ filename: 'p.png' })], {
      opener: openerOf(bytes(image)),
      store: full,
    });
    expect(shown.content).toEqual([
      { type: 'text', text: 'p.png (PNG, 2.1 KB), shown below.' },
      { type: 'image', data: image.toString('base64'), mimeType: 'image/png', name: 'p.png' },
    ]);
    const words = 'w'.repeat(2000);
    const said = await convert([file({ filename: 'w.txt' })], {
      opener: openerOf(bytes(Buffer.from(words))),
      store: full,
    });
    expect(textsOf(said)).toEqual(['w.txt (TXT, 2 KB), text below.', words]);
  });

  it('is named by its code where it is broken', async () => {
    const broken = {
      ...memoryStore(),
      put: () => Promise.reject(Object.assign(new Error('/secret/path'), { code: 'ENOSPC' })),
    };
    const logger = recordingLogger();
    const result = await convert([file({ filename: 'a.pdf' })], {
      opener: openerOf(bytes(PDF)),
      store: broken,
      logger,
    });
    expect(textsOf(result)[0]).toBe(
      "a.pdf (PDF, 13 bytes) was not included: the result cannot contain it, and it could not be stored. The bridge's file store failed (ENOSPC); its operator must fix it. Open it in Dify.",
    );
    expect(logger.lines).toMatchObject([
      { level: 'warn', message: 'A file of a result could not be stored' },
    ]);
  });
});

describe('a file that is not there', () => {
  it.each<[string, FileReference, Parameters<typeof openerOf>[0], string]>([
    [
      'external',
      { url: 'https://example.com/y.png?size=2' },
      { kind: 'external' },
      'y.png (PNG) is on another server and was not fetched: https://example.com/y.png?size=2',
    ],
    [
      'external, but signed by Dify',
      { url: SIGNED_LINK },
      { kind: 'external' },
      `tool.png (PNG) is on another server and was not fetched: http://dify.test${FILE_LINK}`,
    ],
    [
      'unavailable',
      { filename: 'a.pdf', mimeType: 'application/pdf' },
      { kind: 'unavailable', reason: 'No key signs it.' },
      'a.pdf (PDF) could not be fetched. No key signs it.',
    ],
  ])('is a line of text: %s', async (_, reference, answer, line) => {
    expect(await convert([file(reference)], { opener: openerOf(answer) })).toEqual({
      content: [{ type: 'text', text: line }],
    });
  });

  it('is part of the structured content’s text', async () => {
    const result = await convert([json({ a: 1 }), file({ url: 'https://example.com/y' })], {
      opener: openerOf({ kind: 'external' }),
    });
    expect(result.structuredContent?.['text']).toMatch(/https:\/\/example\.com\/y$/);
  });

  it('is tried again with the signed link of the outputs', async () => {
    const opener = openerOf(({ url }) =>
      url === SIGNED_LINK ? bytes(PNG) : { kind: 'unavailable', reason: 'No key signs it.' },
    );
    const messages = [file({ url: FILE_LINK }), variable('out', difyFile())];
    const result = await convert(messages, { opener });
    expect(opener.opened.map(({ url }) => url)).toEqual([FILE_LINK, SIGNED_LINK]);
    expect(result.content.map((block) => block.type)).toEqual(['text', 'image', 'text']);
    expect(JSON.stringify(result)).not.toContain('FAKE-SIGNATURE');
  });

  it('keeps its first reason, and the signed link secret, when the second try fails', async () => {
    const opener = openerOf(({ url }) =>
      url === SIGNED_LINK ? { kind: 'external' } : { kind: 'unavailable', reason: 'No key signs it.' },
    );
    const result = await convert([file({ url: FILE_LINK }), text(JSON.stringify({ f: difyFile() }))], {
      opener,
    });
    expect(textsOf(result)[0]).toContain('No key signs it.');
    expect(JSON.stringify(result)).not.toContain('FAKE-SIGNATURE');
  });

  it('is explained when its bytes break off, or the opener breaks its promise not to throw', async () => {
    const breaking: FileOpener = {
      isSignedLink: () => false,
      open: async () => ({
        kind: 'open',
        body: (async function* () {
          yield Buffer.alloc(20_000, 1);
          throw new BridgeError('stream_broken', 'The connection broke.');
        })(),
        discard: async () => undefined,
      }),
    };
    const store = memoryStore();
    const broken = await convert([file({ filename: 'x.bin' })], { opener: breaking, store });
    expect(textsOf(broken)).toEqual(['x.bin could not be fetched. The connection broke.']);
    expect(await store.list(PRINCIPAL)).toEqual([]);

    const logger = recordingLogger();
    const opener: FileOpener = {
      isSignedLink: () => false,
      open: () => Promise.reject(new TypeError('FAKE-SECRET')),
    };
    const result = await convert([file({ filename: 'x.pdf' })], { opener, logger });
    expect(textsOf(result)).toEqual(['x.pdf (PDF) could not be fetched. The download failed unexpectedly.']);
    expect(logger.lines).toEqual([
      { level: 'warn', message: 'File could not be fetched', fields: { error: 'TypeError' } },
    ]);
  });
});

describe('fetching', () => {
  it('starts while the stream runs, at most four at a time, at most twenty for a result', async () => {
    let now = 0;
    let most = 0;
    const served = openerOf(bytes(PNG));
    const opener: FileOpener = {
      isSignedLink: () => false,
      open: async (reference, signal) => {
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setTimeout(resolve, 1));
        now -= 1;
        return served.open(reference, signal);
      },
    };
    const messages = Array.from({ length: 22 }, (_, index) => file({ filename: `${index + 1}.png` }));
    const result = await convert(messages, { opener });
    expect({ most, total: served.opened.length }).toEqual({ most: 4, total: 20 });
    expect(textsOf(result).slice(20)).toEqual([
      '2 more files were not included, because a result contains at most 20: 21.png, 22.png. Ask the tool for fewer files at a time, or open them in Dify.',
    ]);
    expect(served.stillOpen()).toBe(0);
  });

  it('counts any number of further files in one short line', async () => {
    const messages = Array.from({ length: 10_000 }, (_, index) => file({ filename: `${index + 1}.png` }));
    const texts = textsOf(await convert(messages, { opener: openerOf(bytes(PNG)) }));
    expect(texts).toHaveLength(21);
    expect(texts[20]).toMatch(/^9,980 more files .+ 21\.png, 22\.png, .+…\. Ask the tool for fewer/);
    expect(texts[20]?.length).toBeLessThan(2300);
  });

  it('goes on with files that come after all earlier ones are there', async () => {
    const opener = openerOf(bytes(PNG));
    const stream = async function* () {
      for (let index = 0; index < 6; index += 1) {
        yield file({ filename: `${index}.png` });
        await new Promise((resolve) => setImmediate(resolve));
        expect(opener.opened).toHaveLength(index + 1);
      }
    };
    const result = await convertStream(stream(), { opener });
    expect(result.isError).toBeUndefined();
    expect(result.content.filter((block) => block.type === 'image')).toHaveLength(6);
  });

  const hanging: FileOpener = { isSignedLink: () => false, open: () => new Promise(() => undefined) };

  it('ends with the call, even when the opener ignores the signal', async () => {
    const controller = new AbortController();
    const result = convert([text('a'), file({ filename: 'x' })], {
      opener: hanging,
      signal: controller.signal,
    });
    controller.abort();
    expect(textsOf(await result)).toEqual([
      'a',
      'x could not be fetched. The call ended first: open the file in Dify.',
    ]);
  });

  it.each(['deadline_exceeded', 'shutting_down', 'cancelled'] as const)('ends with %s', async (code) => {
    const error = new BridgeError(code, 'It is over.');
    const result = await convert([file({ filename: 'x' })], { opener: hanging, error });
    expect(textsOf(result)[0]).toBe('It is over.');
    expect(textsOf(result)[2]).toContain('The call ended first: open the file in Dify.');
  });

  it('leaves nothing in the store when the call ends within a file', async () => {
    const controller = new AbortController();
    const store = createFileStore({
      backend: createMemoryBackend(),
      maxBytes: 10_000_000,
      ttlMs: 1000,
      logger: silentLogger,
    });
    let closed = 0;
    const endless: FileOpener = {
      isSignedLink: () => false,
      open: async () => ({
        kind: 'open',
        body: (async function* () {
          for (let piece = 0; ; piece += 1) {
            if (piece === 10) controller.abort();
            yield Buffer.alloc(10_000, 1);
            await new Promise((resolve) => setImmediate(resolve));
          }
        })(),
        discard: async () => {
          closed += 1;
        },
      }),
    };
    const result = await convert([file({ filename: 'x.bin' })], {
      opener: endless,
      store,
      signal: controller.signal,
    });
    expect(textsOf(result)[0]).toContain('The call ended first: open the file in Dify.');
    await expect.poll(() => closed).toBe(1);
    expect(await store.list(PRINCIPAL)).toEqual([]);
  });

  it('is completed after an error of the tool: what had arrived is kept', async () => {
    const error = new BridgeError('tool_failed', 'kaput');
    const opener = openerOf(({ filename }) => bytes(filename === 'x.png' ? PNG : PDF));
    const messages = [file({ filename: 'x.png' }), file({ filename: 'y.pdf' })];
    const result = await convert(messages, { opener, error });
    expect(result.content.map((block) => block.type)).toEqual([
      'text',
      'text',
      'text',
      'image',
      'text',
      'resource_link',
    ]);
    expect(result.isError).toBe(true);
  });
});
