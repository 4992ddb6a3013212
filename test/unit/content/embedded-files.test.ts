import { describe, expect, it } from 'vitest';
import { withoutSteering } from '../../../src/model/invisible-characters.ts';
import type { Json } from '../../../src/model/json.ts';
import type { ToolInvokeMessage } from '../../../src/model/message.ts';
import {
  aTool,
  bytes,
  convert,
  difyFile,
  FILE_ID,
  FILE_LINK,
  file,
  json,
  memoryStore,
  openerOf,
  PDF,
  PNG,
  PRINCIPAL,
  SIGNED_LINK,
  text,
  textsOf,
  variable,
} from '../../support/content-fixtures.ts';

const BASE64 = PNG.toString('base64');
const URL = `data:image/png;base64,${BASE64}`;
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
const streamed = (value: string): ToolInvokeMessage[] => Array.from(value, (piece) => text(piece));
const typesOf = ({ content }: { readonly content: readonly { readonly type: string }[] }): string[] =>
  content.map(({ type }) => type);

describe('a data URL', () => {
  it.each<[string, ToolInvokeMessage[], RegExp]>([
    ['text', [text(URL)], /^\[file inline-1\.png\]$/],
    ['a sentence', [text(`See ${URL}. Done.`)], /^See \[file inline-1\.png\]\. Done\.$/],
    ['Markdown', [text(`![a](${URL} "b")`)], /^!\[a\]\(\[file inline-1\.png\] "b"\)$/],
    ['HTML', [text(`<img src="${URL}">`)], /^<img src="\[file inline-1\.png\]">$/],
    [
      'CSS',
      [text(`a { background: url('${URL}') }`)],
      /^a \{ background: url\('\[file inline-1\.png\]'\) \}$/,
    ],
    ['streamed text', streamed(`![a](${URL})`), /^!\[a\]\(\[file inline-1\.png\]\)$/],
    ['JSON', [json({ a: [{ b: URL }] })], /^\{"a":\[\{"b":"\[file inline-1\.png\]"\}\]\}$/],
    ['Markdown in JSON', [json([`![a](${URL})`])], /^\["!\[a\]\(\[file inline-1\.png\]\)"\]$/],
    ['JSON as text', [text(JSON.stringify({ a: URL }))], /^\{"a":"\[file inline-1\.png\]"\}$/],
    [
      'JSON with escaped slashes',
      [text(JSON.stringify({ a: URL }).replaceAll('/', String.raw`\/`))],
      /^\{"a":"\[file inline-1\.png\]"\}$/,
    ],
    [
      'JSON and text',
      [json({ a: URL }), text(JSON.stringify({ a: URL }))],
      /^\{"a":"\[file inline-1\.png\]"\}$/,
    ],
    ['a variable', [variable('a', URL)], /^\{"a":"\[file inline-1\.png\]"\}$/],
    [
      'a streamed variable',
      [variable('a', URL.slice(0, 30), true), variable('a', URL.slice(30), true)],
      /^\{"a":"\[file inline-1\.png\]"\}$/,
    ],
    ['a link', [{ type: 'link', url: URL }], /^\[file inline-1\.png\]$/],
    [
      'a retrieval',
      [{ type: 'retriever_resources', context: `![a](${URL})`, resources: [] }],
      /^!\[a\]\(\[file inline-1\.png\]\)$/,
    ],
    [
      'an unknown message',
      [{ type: 'unknown', wireType: 'x', raw: { a: URL } }],
      /\{"a":"\[file inline-1\.png\]"\}$/,
    ],
  ])('in %s is a file, and a placeholder says where it was', async (_, messages, shown) => {
    const opener = openerOf({ kind: 'external' });
    const result = await convert(messages, { opener });
    const image = result.content.find(({ type }) => type === 'image');
    expect(image).toEqual({ type: 'image', data: BASE64, mimeType: 'image/png', name: 'inline-1.png' });
    expect(typesOf(result).filter((type) => type !== 'text')).toEqual(['image']);
    expect(textsOf(result).filter((line) => shown.test(line))).toHaveLength(1);
    expect(
      textsOf(result).filter((line) => line.startsWith('inline-1.png (PNG, 70 bytes), shown below')),
    ).toHaveLength(1);
    expect(textsOf(result).join()).not.toContain(BASE64);
    expect(opener.opened).toEqual([]);
  });

  it('in the place of the address of a file is that file', async () => {
    const opener = openerOf({ kind: 'external' });
    const named = await convert([file({ url: URL, filename: 'a.png' })], { opener });
    expect(textsOf(named)).toEqual([expect.stringMatching(/^a\.png \(PNG, 70 bytes\), shown below/)]);
    expect(typesOf(await convert([file({ url: URL })], { opener }))).toEqual(['text', 'image']);
    const broken = await convert([file({ url: 'data:image/png;base64,%%%' })], { opener });
    expect(textsOf(broken)).toEqual(['inline-1 could not be fetched. Its data: address cannot be decoded.']);
    expect(opener.opened).toEqual([]);
  });

  it.each<[string, string]>([
    ['capitals', `DATA:IMAGE/PNG;BASE64,${BASE64}`],
    ['parameters', `data:image/png;name="a b.png";charset=utf-8;base64,${BASE64}`],
    ['no type', `data:;base64,${BASE64}`],
    ['a wrong type', `data:text/plain;base64,${BASE64}`],
    ['Base64 for URLs', `data:image/png;base64,${PNG.toString('base64url')}`],
    ['escaped Base64', `data:image/png;base64,${encodeURIComponent(BASE64)}`],
    ['lines', `data:image/png;base64,${BASE64.replace(/.{76}/g, '$&\r\n')}`],
  ])('may have %s', async (_, url) => {
    for (const messages of [[json({ a: url })], [text(`see (${url})`)], [file({ url })]]) {
      const result = await convert(messages);
      expect(result.content).toContainEqual(expect.objectContaining({ type: 'image', data: BASE64 }));
      expect(textsOf(result).join()).not.toContain(BASE64.slice(0, 20));
    }
  });

  it.each<[string, Json, string]>([
    ['percent-encoded', `data:image/svg+xml,${encodeURIComponent(SVG)}`, SVG],
    ['percent-encoded, in text', `![](data:image/svg+xml;utf8,${encodeURIComponent(SVG)})`, SVG],
    ['in Base64', `data:text/csv;base64,${Buffer.from('a,ü\n').toString('base64')}`, 'a,ü\n'],
    ['with letters that are not escaped', 'data:text/plain;charset=utf-8,gr%C3%BC%C3%9Fe', 'grüße'],
  ])('of text is text: %s', async (_, value, expected) => {
    const { content } = await convert([json({ value })]);
    const [embedded] = content.flatMap((block) => (block.type === 'resource' ? [block.resource] : []));
    expect(embedded).toMatchObject({ text: expected });
  });

  it.each([
    'data: 1, 2 and 3',
    'metadata:image/png;base64,AAAA',
    'data:image/png;base64',
    'data:,x',
    'data:image/png;base64,****',
    'The data:image/png;base64, prefix.',
  ])('is not any text that looks like one: %s', async (value) => {
    expect(await convert([text(value)])).toEqual({ content: [{ type: 'text', text: value }] });
    expect((await convert([json({ value })])).structuredContent).toEqual({ value });
  });

  it('is one file however often it comes, and one of several', async () => {
    const other = `data:text/plain;base64,${Buffer.from('other').toString('base64')}`;
    const result = await convert([
      json({ a: URL, b: [URL, other] }),
      text(`${URL} ${other}`),
      variable('c', URL),
    ]);
    expect(typesOf(result).filter((type) => type !== 'text')).toEqual(['image', 'resource']);
    expect(textsOf(result).join('\n')).toContain(
      '{"a":"[file inline-1.png]","b":["[file inline-1.png]","[file inline-2.txt]"]}',
    );
  });

  it('has the limits of files: their number, and their size', async () => {
    const many = Array.from(
      { length: 30 },
      (_, n) => `data:text/plain;base64,${Buffer.from(`file ${n}`).toString('base64')}`,
    );
    const result = await convert([json(many)]);
    expect(typesOf(result).filter((type) => type === 'resource')).toHaveLength(20);
    expect(textsOf(result).at(-1)).toMatch(/^10 more files were not included/);
    const large = `data:application/pdf;base64,${'AAAA'.repeat(5000)}`;
    const limited = await convert([json([large])], { maxOutputBytes: 1000 });
    expect(textsOf(limited)).toEqual([
      '["[file inline-1.pdf]"]',
      expect.stringMatching(/^inline-1\.pdf \(PDF, 15 KB\) was not included: the limit for one file is 1 KB/),
    ]);
  });

  it('of 20 MB is decoded without its Base64 in the result', async () => {
    const url = `data:application/octet-stream;base64,${'AAAA'.repeat(7_000_000)}`;
    const result = await convert([json({ url }), text(`![x](${url})`)], { maxOutputBytes: 40_000_000 });
    expect(textsOf(result).map((each) => each.slice(0, 200))).toEqual([
      '{"url":"[file inline-1]"}',
      expect.stringMatching(/^inline-1 .*21 MB\), kept/),
      '![x]([file inline-1])',
    ]);
    expect(typesOf(result).filter((type) => type !== 'text')).toEqual(['resource_link']);
  });

  it.each([
    'data:,',
    `data:a/b,${','.repeat(1000)}x `,
    `data:;base64,A${'='.repeat(1000)}B `,
    'data:;a="',
    'data:a/b;c',
    'data:a/bb',
    'data:;aa',
    'data:;a=b',
  ])('takes time in proportion to a text that looks like many: %#', async (piece) => {
    // Quadratic time would be longer than a test may take.
    const many = piece.repeat(1_500_000 / piece.length);
    const long = piece + piece.slice(-1).repeat(10_000_000);
    for (const value of [many, piece.slice(0, 20) + many.slice(0, -1) + 'x', long]) {
      expect((await convert([json({ value })])).isError).toBeUndefined();
    }
  });

  it('leaves its placeholder in structured content', async () => {
    const tool = aTool({ outputSchema: { type: 'object', properties: { a: { type: 'string' } } } });
    const { structuredContent } = await convert([variable('a', URL)], { tool });
    expect(structuredContent).toMatchObject({ a: '[file inline-1.png]' });
  });
});

describe('a file that Dify named by a random ID', () => {
  it('has the name of the tool and the extension of its type, in JSON too', async () => {
    const filename = `${FILE_ID.replaceAll('-', '')}.bin`;
    const other = FILE_ID.replace(/4$/, '5');
    const messages = [
      variable('chart', difyFile({ filename })),
      file({ url: FILE_LINK, id: FILE_ID, filename }),
      file({ url: `/files/tools/${other}.bin` }),
    ];
    const shown = textsOf(await convert(messages, { opener: openerOf(bytes(PNG)) })).join('\n');
    expect(shown).toContain('{"chart":{"filename":"tool.png","mime_type":"image/png","size":70}}');
    expect(shown).toMatch(/^tool\.png \(PNG, 70 bytes\), shown below, kept 24 h: dify-file:\S+\/tool\.png$/m);
    expect(shown).toMatch(/^tool-2\.png \(PNG, 70 bytes\)/m);
    expect(shown).not.toContain(FILE_ID);
  });
});

describe('the bytes of a file as text', () => {
  const whole = Buffer.concat([PDF, Buffer.from('1 0 obj '.repeat(3000)), PDF]);
  const noise = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7) % 256));

  it.each<[string, ToolInvokeMessage[], string, Buffer]>([
    ['a PDF', [text(whole.toString('latin1'))], '[file inline-1.pdf]', whole],
    [
      'a PDF in pieces',
      [text(whole.toString('latin1', 0, 9000)), text(whole.toString('latin1', 9000))],
      '[file inline-1.pdf]',
      whole,
    ],
    ['a PDF in JSON', [json({ page: whole.toString('latin1') })], '{"page":"[file inline-1.pdf]"}', whole],
    [
      'a PDF in a variable',
      [variable('page', whole.toString('latin1'))],
      '{"page":"[file inline-1.pdf]"}',
      whole,
    ],
    [
      'a PDF in a streamed variable',
      [variable('page', whole.toString('latin1'), true)],
      '{"page":"[file inline-1.pdf]"}',
      whole,
    ],
    ['other bytes', [text(noise.toString('latin1'))], '[file inline-1]', noise],
  ])('become that file: %s', async (_, messages, shown, content) => {
    const store = memoryStore();
    const result = await convert(messages, { store });
    expect(textsOf(result)).toContain(shown);
    expect(textsOf(result).join().length).toBeLessThan(250);
    const link = result.content.find((block) => block.type === 'resource_link');
    const pieces: Uint8Array[] = [];
    for await (const piece of store.read(link?.uri ?? '', PRINCIPAL)) pieces.push(piece);
    expect(Buffer.concat(pieces)).toEqual(content);
  });

  it.each([
    ['a PDF', whole.toString('utf8'), 'a PDF file'],
    ['an Office document', `PK\u0003\u0004${noise.toString('utf8')}`, 'a ZIP archive or an Office document'],
    ['other bytes', noise.toString('utf8'), 'a binary file'],
  ])('that decoding has damaged are not shown: %s', async (_, damaged, what) => {
    const result = await convert([text(damaged)]);
    expect(textsOf(result)).toEqual([
      expect.stringMatching(`^\\[Not shown: [\\d,]+ characters of ${what} that the tool returned as text`),
    ]);
  });

  it.each([
    ['colours of a terminal', `\u001b[31mred\u001b[0m ${'word '.repeat(50)}`],
    ['a few control characters', `a\u0000b ${'word '.repeat(50)}`],
    ['a text about PDF', `A file that begins with %PDF-1.7 is a PDF. ${'word '.repeat(50)}`],
    ['a text in Chinese', '季度访客'.repeat(50)],
  ])('are not any other text: %s', async (_, words) => {
    expect(textsOf(await convert([text(words)]))).toEqual([withoutSteering(words)]);
  });
});

describe('a string that is a signed link to a file of Dify', () => {
  const PLACE = '[file tool.png]';

  it.each<[string, ToolInvokeMessage[], string]>([
    ['text', [text(SIGNED_LINK)], PLACE],
    ['text with spaces', [text(` ${SIGNED_LINK}\n`)], PLACE],
    ['JSON', [json({ a: [SIGNED_LINK] })], `{"a":["${PLACE}"]}`],
    ['JSON as text', [text(JSON.stringify({ a: SIGNED_LINK }))], `{"a":"${PLACE}"}`],
    ['a variable', [variable('a', SIGNED_LINK)], `{"a":"${PLACE}"}`],
    [
      'the outputs of a workflow',
      [variable('a', SIGNED_LINK), text(JSON.stringify({ a: SIGNED_LINK })), json({ a: SIGNED_LINK })],
      `{"a":"${PLACE}"}`,
    ],
    ['a link', [{ type: 'link', url: SIGNED_LINK }], PLACE],
    [
      'a link without a host',
      [variable('a', SIGNED_LINK.replace('http://dify.test', ''))],
      `{"a":"${PLACE}"}`,
    ],
  ])('as %s is that file', async (_, messages, shown) => {
    const opener = openerOf(bytes(PNG));
    const result = await convert(messages, { opener });
    expect(opener.opened).toEqual([
      expect.objectContaining({ url: expect.stringContaining('/files/tools/'), isLink: true }),
    ]);
    expect(typesOf(result).filter((type) => type !== 'text')).toEqual(['image']);
    expect(textsOf(result)).toContain(shown);
    expect(textsOf(result).join()).not.toContain('FAKE-SIGNATURE');
  });

  it.each<[string, ToolInvokeMessage[]]>([
    ['that Dify refuses', [json({ a: SIGNED_LINK })]],
    ['that Dify refuses, in text', [text(SIGNED_LINK)]],
    ['that Dify refuses, in a variable', [variable('a', SIGNED_LINK)]],
  ])('%s stays as it is', async (_, messages) => {
    const result = await convert(messages, { opener: openerOf({ kind: 'unavailable', reason: 'no' }) });
    expect(result.content).toEqual([{ type: 'text', text: expect.stringContaining(SIGNED_LINK) }]);
  });

  it('and the file itself are one', async () => {
    for (const messages of [
      [json({ a: SIGNED_LINK }), file({ id: FILE_ID, filename: 'p.png' })],
      [file({ id: FILE_ID, filename: 'p.png' }), json({ a: SIGNED_LINK })],
      [json({ a: SIGNED_LINK, b: difyFile() }), file({ id: FILE_ID, filename: 'p.png' })],
    ]) {
      const result = await convert(messages, { opener: openerOf(bytes(PNG)) });
      expect(typesOf(result).filter((type) => type !== 'text')).toEqual(['image']);
      expect(textsOf(result)[0]).toMatch(/\[file p\.png\]|^p\.png/);
    }
  });

  it('in the middle of a text, or not signed, is text', async () => {
    const opener = openerOf(bytes(PNG));
    const unsigned = `http://dify.test/files/tools/${FILE_ID}.png`;
    await convert([text(`See ${SIGNED_LINK} now`), json({ a: unsigned })], { opener });
    expect(opener.opened).toEqual([]);
  });
});
