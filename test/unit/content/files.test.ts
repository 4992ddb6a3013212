import { describe, expect, it } from 'vitest';
import { BridgeError } from '../../../src/model/errors.ts';
import type { FileReference } from '../../../src/model/message.ts';
import type { FetchedFile, FileFetcher } from '../../../src/model/ports.ts';
import { createToToolResult } from '../../../src/content/tool-result.ts';
import {
  aTool,
  bytes,
  convert,
  difyFile,
  fetcherOf,
  FILE_ID,
  FILE_LINK,
  file,
  GIF,
  JPEG,
  json,
  PDF,
  PNG,
  recordingLogger,
  SIGNED_LINK,
  text,
  textsOf,
  variable,
  WAV,
  WEBP,
} from './fixtures.ts';

describe('a fetched file', () => {
  it.each([
    ['png', PNG, 'image/png'],
    ['jpeg', JPEG, 'image/jpeg'],
    ['gif', GIF, 'image/gif'],
    ['webp', WEBP, 'image/webp'],
  ])('is an image when its bytes are %s, whatever was declared', async (_, content, mimeType) => {
    const fetcher = fetcherOf(bytes(content, 'application/octet-stream'));
    const result = await convert([file({ url: FILE_LINK, filename: 'pic', mimeType: 'image/bmp' })], {
      fetcher,
    });
    expect(result).toEqual({
      content: [
        { type: 'text', text: `[file: pic, ${mimeType}, ${content.length} bytes]` },
        { type: 'image', data: content.toString('base64'), mimeType },
      ],
    });
  });

  it('is an image when it is a PNG that ends early', async () => {
    const fetcher = fetcherOf(bytes(PNG.subarray(0, 8)));
    const { content } = await convert([file({ url: FILE_LINK })], { fetcher });
    expect(content[1]).toMatchObject({ type: 'image', mimeType: 'image/png' });
  });

  it('is never an image on trust', async () => {
    const fetcher = fetcherOf(bytes(Buffer.from([1, 2, 3, 255]), 'image/png'));
    const result = await convert([file({ url: FILE_LINK, mimeType: 'image/png' })], { fetcher });
    expect(result.content[1]).toEqual({
      type: 'resource',
      resource: {
        uri: `dify-file:///${FILE_ID}/${FILE_ID}.png`,
        mimeType: 'application/octet-stream',
        blob: 'AQID/w==',
      },
    });
  });

  it('is audio by its bytes, or by what is declared', async () => {
    const sniffed = await convert([file({ url: '/files/tools/x.bin', mimeType: 'audio/x-unknown' })], {
      fetcher: fetcherOf(bytes(WAV)),
    });
    expect(sniffed.content[1]).toEqual({
      type: 'audio',
      data: WAV.toString('base64'),
      mimeType: 'audio/wav',
    });
    const declared = await convert([file({ url: '/files/tools/x.bin', mimeType: 'audio/mpeg' })], {
      fetcher: fetcherOf(bytes(Buffer.from([0, 1, 2, 3]))),
    });
    expect(declared.content[1]).toMatchObject({ type: 'audio', mimeType: 'audio/mpeg' });
  });

  it.each([
    ['a.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml', 'image/svg+xml'],
    ['b.svg', '<?xml version="1.0"?><svg/>', undefined, 'image/svg+xml'],
    ['page.html', '<!doctype html><p>hi', 'text/html; charset=utf-8', 'text/html'],
    ['cars.txt', 'BMW is not a bitmap', 'text/plain', 'text/plain'],
    ['data.json', '{"a":1}', undefined, 'application/json'],
    ['noext', 'just words', 'application/octet-stream', 'text/plain'],
  ])('is embedded as text: %s', async (filename, content, declared, mimeType) => {
    const fetcher = fetcherOf(bytes(Buffer.from(content), declared));
    const result = await convert([file({ id: 'i d', filename })], { fetcher });
    expect(result.content).toEqual([
      { type: 'text', text: `[file: ${filename}, ${mimeType}, ${content.length} bytes]` },
      { type: 'resource', resource: { uri: `dify-file:///i%20d/${filename}`, mimeType, text: content } },
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
    ['nul.txt', Buffer.from('a\u0000b'), 'text/plain', 'text/plain'],
    ['empty.png', Buffer.alloc(0), 'image/png', 'application/octet-stream'],
    ['fake.png', Buffer.from('504b0304', 'hex'), 'image/png', 'application/zip'],
  ])('is embedded as bytes: %s', async (filename, content, declared, mimeType) => {
    const result = await convert([file({ id: '1', filename })], {
      fetcher: fetcherOf(bytes(content, declared)),
    });
    expect(result.content[1]).toEqual({
      type: 'resource',
      resource: { uri: `dify-file:///1/${filename}`, mimeType, blob: content.toString('base64') },
    });
  });

  it('leaves structured content out, unless the tool promised it', async () => {
    const fetcher = fetcherOf(bytes(PNG));
    const messages = [json({ a: 1 }), file({ url: FILE_LINK })];
    expect((await convert(messages, { fetcher })).structuredContent).toBeUndefined();
    const tool = aTool({ outputSchema: { type: 'object', properties: { a: { type: 'number' } } } });
    const promised = await convert(messages, { fetcher, tool });
    expect(promised.structuredContent).toMatchObject({ a: 1 });
    expect(promised.content.some((block) => block.type === 'image')).toBe(true);
  });

  it('keeps its place among the other messages, however late it comes', async () => {
    const fetcher: FileFetcher = {
      fetch: async ({ filename }) => {
        await new Promise((resolve) => setTimeout(resolve, filename === 'first.png' ? 30 : 1));
        return bytes(PNG);
      },
    };
    const messages = [
      text('a'),
      file({ filename: 'first.png' }),
      text('b'),
      file({ filename: 'second.png' }),
    ];
    const { content } = await convert(messages, { fetcher });
    expect(content.map((block) => (block.type === 'text' ? block.text : block.type))).toEqual([
      'a',
      '[file: first.png, image/png, 70 bytes]',
      'image',
      'b',
      '[file: second.png, image/png, 70 bytes]',
      'image',
    ]);
  });

  it('is there once, however often the tool names it', async () => {
    const fetcher = fetcherOf(bytes(PNG));
    const messages = [
      file({ url: FILE_LINK }, 'image_link'),
      file({ url: FILE_LINK, id: FILE_ID }, 'link'),
      file({ url: `/files/${FILE_ID}/file-preview?sign=FAKE` }),
    ];
    const { content } = await convert(messages, { fetcher });
    expect(content).toHaveLength(2);
    expect(fetcher.fetched).toHaveLength(1);
  });

  it.each([
    [{ url: '/files/tools/a%20b.pdf?x=1#y' }, 'a b.pdf'],
    [{ url: '/files/tools/%E0%A4%A.pdf' }, '%E0%A4%A.pdf'],
    [{ filename: 'two\nlines\u0000.pdf' }, 'two lines .pdf'],
    [{ filename: '  ', url: 'https://example.com/' }, 'unnamed'],
    [{ url: 'data:application/pdf;base64,AAAA' }, 'unnamed'],
    [{ filename: `${'n'.repeat(300)}.pdf` }, `${'n'.repeat(199)}…`],
    [{ filename: '\ud800.pdf' }, '.pdf'],
  ])('is named on one line: %j', async (reference: FileReference, name) => {
    const { content } = await convert([file(reference)], { fetcher: fetcherOf(bytes(PDF)) });
    expect(content[0]).toEqual({ type: 'text', text: `[file: ${name}, application/pdf, 13 bytes]` });
  });

  it.each([
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 KB'],
    [12_345, '12.3 KB'],
    [999_949, '999.9 KB'],
    [999_950, '1 MB'],
  ])('is measured in decimal units: %i', async (size, words) => {
    const fetcher = fetcherOf(bytes(Buffer.alloc(size, 255)));
    expect(textsOf(await convert([file({ filename: 'x' })], { fetcher }))[0]).toContain(`, ${words}]`);
  });
});

describe('a file that is not there', () => {
  it.each<[string, FileReference, FetchedFile, string]>([
    [
      'too large',
      { filename: 'big.pdf' },
      { kind: 'too-large', size: 12_300_000, mimeType: 'application/pdf' },
      '[file: big.pdf, application/pdf, 12.3 MB: larger than the 1 MB that a result carries, so it is not included. Ask the tool for less, or open the file in Dify.]',
    ],
    [
      'too large, size unknown',
      { filename: 'big' },
      { kind: 'too-large' },
      '[file: big: larger than the 1 MB that a result carries, so it is not included. Ask the tool for less, or open the file in Dify.]',
    ],
    [
      'larger than the fetcher was told',
      { filename: 'big.bin', size: 0 },
      bytes(Buffer.alloc(1_000_001), 'video/mp4'),
      '[file: big.bin, video/mp4, 1 MB: larger than the 1 MB that a result carries, so it is not included. Ask the tool for less, or open the file in Dify.]',
    ],
    [
      'external',
      { url: 'https://example.com/y.png?size=2' },
      { kind: 'external' },
      '[file: y.png, image/png: on another server, not fetched] https://example.com/y.png?size=2',
    ],
    [
      'a data URL',
      { url: `data:image/png;base64,${'A'.repeat(5000)}` },
      { kind: 'external' },
      `[file: unnamed: on another server, not fetched] data:image/png;base64,${'A'.repeat(177)}…`,
    ],
    [
      'external, but signed by Dify',
      { url: SIGNED_LINK },
      { kind: 'external' },
      `[file: ${FILE_ID}.png, image/png: on another server, not fetched] http://dify.test${FILE_LINK}`,
    ],
    [
      'unavailable',
      { filename: 'a.pdf', mimeType: 'application/pdf' },
      { kind: 'unavailable', reason: 'No key signs it.' },
      '[file: a.pdf, application/pdf: not available. No key signs it.]',
    ],
  ])('is a line of text: %s', async (_, reference, answer, line) => {
    expect(await convert([file(reference)], { fetcher: fetcherOf(answer) })).toEqual({
      content: [{ type: 'text', text: line }],
    });
  });

  it('is part of the structured content’s text', async () => {
    const result = await convert([json({ a: 1 }), file({ url: 'https://example.com/y' })], {
      fetcher: fetcherOf({ kind: 'external' }),
    });
    expect(result.structuredContent?.['text']).toMatch(/https:\/\/example\.com\/y$/);
  });

  it('is not even asked for when Dify says that it is too large', async () => {
    const fetcher = fetcherOf(bytes(PNG));
    expect(textsOf(await convert([file({ filename: 'x', size: 2_000_000 })], { fetcher }))[0]).toContain(
      '2 MB',
    );
    expect(fetcher.fetched).toEqual([]);
  });

  it('is tried again with the signed link of the outputs', async () => {
    const fetcher = fetcherOf(({ url }) =>
      url === SIGNED_LINK ? bytes(PNG) : { kind: 'unavailable', reason: 'No key signs it.' },
    );
    const messages = [file({ url: FILE_LINK }, 'image_link'), variable('out', difyFile())];
    const result = await convert(messages, { fetcher });
    expect(fetcher.fetched.map(({ url }) => url)).toEqual([FILE_LINK, SIGNED_LINK]);
    expect(result.content.map((block) => block.type)).toEqual(['text', 'image', 'text']);
    expect(JSON.stringify(result)).not.toContain('FAKE-SIGNATURE');
  });

  it('keeps its first reason, and the signed link secret, when the second try fails', async () => {
    const fetcher = fetcherOf(({ url }) =>
      url === SIGNED_LINK ? { kind: 'external' } : { kind: 'unavailable', reason: 'No key signs it.' },
    );
    const result = await convert([file({ url: FILE_LINK }), text(JSON.stringify({ f: difyFile() }))], {
      fetcher,
    });
    expect(textsOf(result)[0]).toContain('No key signs it.');
    expect(JSON.stringify(result)).not.toContain('FAKE-SIGNATURE');
  });

  it('is explained when the fetcher breaks its promise not to throw', async () => {
    const logger = recordingLogger();
    const fetcher: FileFetcher = { fetch: () => Promise.reject(new TypeError('FAKE-SECRET')) };
    const result = await convert([file({ filename: 'x.pdf' })], { fetcher, logger });
    expect(textsOf(result)).toEqual([
      '[file: x.pdf, application/pdf: not available. Fetching it failed unexpectedly.]',
    ]);
    expect(logger.lines).toEqual([
      { level: 'warn', message: 'File could not be fetched', fields: { error: 'TypeError' } },
    ]);
  });
});

describe('fetching', () => {
  it('starts while the stream runs, at most four at a time, at most twenty for a result', async () => {
    let now = 0;
    let most = 0;
    let total = 0;
    const fetcher: FileFetcher = {
      fetch: async () => {
        now += 1;
        total += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setTimeout(resolve, 1));
        now -= 1;
        return bytes(PNG);
      },
    };
    const messages = Array.from({ length: 22 }, (_, index) => file({ filename: `${index + 1}.png` }));
    const result = await convert(messages, { fetcher });
    expect({ most, total }).toEqual({ most: 4, total: 20 });
    expect(textsOf(result).slice(20)).toEqual([
      '[file: 21.png, image/png: not available. A result carries at most 20 files.]',
      '[file: 22.png, image/png: not available. A result carries at most 20 files.]',
    ]);
  });

  it('goes on with files that come after all earlier ones are there', async () => {
    const fetcher = fetcherOf(bytes(PNG));
    const toToolResult = createToToolResult({ fetcher, maxFileBytes: 100, logger: recordingLogger() });
    const stream = async function* () {
      for (let index = 0; index < 6; index += 1) {
        yield file({ filename: `${index}.png` });
        await new Promise((resolve) => setImmediate(resolve));
        expect(fetcher.fetched).toHaveLength(index + 1);
      }
    };
    const result = await toToolResult(stream(), { tool: aTool(), signal: new AbortController().signal });
    expect(result.isError).toBeUndefined();
    expect(result.content.filter((block) => block.type === 'image')).toHaveLength(6);
  });

  const hanging: FileFetcher = { fetch: () => new Promise(() => undefined) };

  it('ends with the call, even when the fetcher ignores the signal', async () => {
    const controller = new AbortController();
    const result = convert([text('a'), file({ filename: 'x' })], {
      fetcher: hanging,
      signal: controller.signal,
    });
    controller.abort();
    expect(textsOf(await result)).toEqual([
      'a',
      '[file: x: not available. The call ended before it was fetched.]',
    ]);
  });

  it.each(['deadline_exceeded', 'shutting_down', 'cancelled'] as const)('ends with %s', async (code) => {
    const error = new BridgeError(code, 'It is over.');
    const result = await convert([file({ filename: 'x' })], { fetcher: hanging, error });
    expect(textsOf(result)[0]).toBe('It is over.');
    expect(textsOf(result)[2]).toContain('The call ended before it was fetched.');
  });

  it('is completed after an error of the tool: what had arrived is kept', async () => {
    const error = new BridgeError('tool_failed', 'kaput');
    const result = await convert([file({ filename: 'x.png' })], { fetcher: fetcherOf(bytes(PNG)), error });
    expect(result.content.map((block) => block.type)).toEqual(['text', 'text', 'text', 'image']);
    expect(result.isError).toBe(true);
  });
});
