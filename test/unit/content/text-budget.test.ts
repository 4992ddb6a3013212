import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { cutAtLine } from '../../../src/content/text-budget.ts';
import { limitContent } from '../../../src/content/whole-text.ts';
import { budgetTexts } from '../../../src/content/text-budget.ts';
import type { ToolResult } from '../../../src/model/content.ts';
import type { FileStore } from '../../../src/model/stored-file.ts';
import * as fc from '../../support/fast-check.ts';
import {
  aTool,
  bytes,
  convert,
  file,
  json,
  memoryStore,
  openerOf,
  PNG,
  PRINCIPAL,
  text,
  textsOf,
  toolFailed,
  variable,
  withoutIds,
} from '../../support/content-fixtures.ts';

async function keptBy(store: FileStore): Promise<{ name: string; mimeType: string; text: string }[]> {
  const files = await store.list(PRINCIPAL);
  return Promise.all(
    files.map(async ({ uri, name, mimeType }) => {
      const pieces = [];
      for await (const piece of store.read(uri, PRINCIPAL)) pieces.push(piece);
      return { name, mimeType, text: Buffer.concat(pieces).toString() };
    }),
  );
}

const linksOf = (result: ToolResult) => result.content.filter((block) => block.type === 'resource_link');

describe('text beyond the budget', () => {
  it('is cut at a line, with a note and a link to the whole', async () => {
    const store = memoryStore();
    const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
    const result = await convert([text(lines)], { store, limits: { maxTextChars: 95 } });
    const shown = lines.slice(0, lines.slice(0, 95).lastIndexOf('\n'));
    expect(withoutIds(result.content)).toEqual([
      { type: 'text', text: shown },
      {
        type: 'text',
        text: `[Text truncated: ${shown.length} of ${lines.length} characters shown. The full result is kept 24 h: FILE1/acme__tool-result.txt]`,
      },
      {
        type: 'resource_link',
        uri: 'FILE1/acme__tool-result.txt',
        name: 'acme__tool-result.txt',
        mimeType: 'text/plain',
        size: lines.length,
      },
    ]);
    expect(await keptBy(store)).toEqual([
      { name: 'acme__tool-result.txt', mimeType: 'text/plain', text: lines },
    ]);
  });

  it('is left as it is when it just fits', async () => {
    const store = memoryStore();
    const result = await convert([text('x'.repeat(50))], { store, limits: { maxTextChars: 50 } });
    expect(textsOf(result)).toEqual(['x'.repeat(50)]);
    expect(await store.list(PRINCIPAL)).toEqual([]);
  });

  it('is kept as JSON where the tool said one JSON value, and structured content is left out', async () => {
    const store = memoryStore();
    const value = { rows: Array.from({ length: 50 }, (_, index) => index) };
    const result = await convert([json(value)], { store, limits: { maxTextChars: 60 } });
    expect(result.structuredContent).toBeUndefined();
    expect(linksOf(result)).toHaveLength(1);
    const [kept] = await keptBy(store);
    expect(kept).toMatchObject({ name: 'acme__tool-result.json', mimeType: 'application/json' });
    expect(JSON.parse(kept?.text ?? '')).toEqual(value);
  });

  it('covers all that the tool said, and still shows every file', async () => {
    const store = memoryStore();
    const messages = [
      text('a'.repeat(40)),
      file({ filename: 'p.png' }),
      text('b'.repeat(40)),
      { type: 'link', url: 'https://example.com/z' } as const,
    ];
    const result = await convert(messages, {
      store,
      opener: openerOf(bytes(PNG)),
      limits: { maxTextChars: 50 },
    });
    expect(result.content.map(({ type }) => type)).toEqual([
      'text',
      'text',
      'image',
      'text',
      'text',
      'resource_link',
    ]);
    expect(textsOf(result)[2]).toBe('b'.repeat(10));
    expect((await keptBy(store)).map((kept) => kept.text)).toContain(
      `${'a'.repeat(40)}\n${'b'.repeat(40)}\nhttps://example.com/z`,
    );
  });

  it('is cut in an error as well; the error itself is whole', async () => {
    const result = await convert([text('x'.repeat(500))], {
      error: toolFailed,
      limits: { maxTextChars: 100 },
    });
    expect(textsOf(result).slice(0, 3)).toEqual([
      'Dify said: kaput\nChange the arguments.',
      'Output before the error:',
      'x'.repeat(100),
    ]);
    expect(linksOf(result)).toHaveLength(1);
    expect(result.isError).toBe(true);
  });

  it('is not lost silently when it cannot be kept', async () => {
    const store = memoryStore(10);
    const result = await convert([text('x'.repeat(500))], { store, limits: { maxTextChars: 100 } });
    expect(textsOf(result)[1]).toMatch(
      /^\[Text truncated: 100 of 500 characters shown\. The full result could not be stored\. .+ Ask the tool for less\.\]$/,
    );
  });

  it('is never cut within a character', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', '\n', '😀', '季') })),
        fc.nat(60),
        (texts, max) => {
          const { texts: cut, shown, total, cutAt } = budgetTexts(texts, max);
          const kept = cut.map((part) => part ?? '');
          expect(kept.join('').length).toBe(shown);
          expect(shown).toBeLessThanOrEqual(max);
          expect(texts.join('').startsWith(kept.join(''))).toBe(true);
          expect(kept.join('')).not.toMatch(/\p{Surrogate}/u);
          expect(cutAt === undefined).toBe(total <= max);
        },
      ),
    );
  });
});

describe('structured content beyond the budget', () => {
  const tool = aTool({
    outputSchema: {
      type: 'object',
      properties: {
        title: { type: ['string', 'null'] },
        report: { type: ['string', 'null'] },
        rows: { type: ['array', 'null'], items: { type: 'number' } },
      },
    },
  });

  it('keeps its schema: the short values stay, a text is cut, the rest is named', async () => {
    const outputs = {
      title: 'Sales',
      report: 'word '.repeat(2000),
      rows: Array.from({ length: 9000 }, () => 7),
    };
    const result = await convert(
      Object.entries(outputs).map(([name, value]) => variable(name, value)),
      {
        tool,
        limits: { maxTextChars: 3000 },
      },
    );
    const {
      title,
      report = '',
      rows,
      text: note = '',
    } = (result.structuredContent ?? {}) as Record<string, string>;
    expect({ title, rows }).toEqual({ title: 'Sales', rows: undefined });
    expect(outputs.report.startsWith(report)).toBe(true);
    expect(JSON.stringify(result.structuredContent).length).toBeLessThan(3000);
    expect(withoutIds(note)).toBe(
      '[Structured content truncated: report (cut), rows (omitted). The full result is kept 24 h: FILE1/acme__tool-result.json]',
    );
    // The text and the structured content name the same file.
    expect(textsOf(result).join('\n')).toContain(note);
    expect(linksOf(result)).toHaveLength(1);
  });

  it('is an object within its limit that has nothing else than before', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.string({ maxLength: 200 }), fc.array(fc.nat()), fc.nat())),
        fc.nat(300),
        (content, max) => {
          const { content: limited, cut, leftOut } = limitContent(content, max);
          const names = Object.keys(content);
          expect([...Object.keys(limited), ...leftOut].sort()).toEqual([...names].sort());
          const isPart = (name: string): boolean =>
            cut.includes(name)
              ? String(content[name]).startsWith(limited[name] as string)
              : JSON.stringify(limited[name]) === JSON.stringify(content[name]);
          expect(Object.keys(limited).filter((name) => !isPart(name))).toEqual([]);
          expect(cut.length > 0 || JSON.stringify(limited).length <= max + 2).toBe(true);
        },
      ),
    );
  });
});

it('lets go of what was cut off', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const starts = Array.from({ length: 10 }, (_, index) => cutAtLine(`${index}`.repeat(10_000_000), 1000));
  collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  expect(starts.map(({ length }) => length)).toEqual(Array(10).fill(1000));
});
