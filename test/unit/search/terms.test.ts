import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CONCEPTS } from '../../../src/search/concepts.ts';
import { queryWords } from '../../../src/search/synonyms.ts';
import { indexTerms, mayBeMisspelt, mayBePrefix, queryTerms, swaps } from '../../../src/search/terms.ts';

describe('terms of a text', () => {
  it.each([
    ['google__google_search', ['google', 'google', 'search']],
    ['getPetById', ['getpetbyid', 'get', 'pet', 'by', 'id']],
    ['HTTPServer', ['httpserver', 'http', 'server']],
    ['web-search.v2', ['web', 'search', 'v2']],
    ['ＡＢＣ', ['abc']],
    ['Städte für Cafés', ['stadte', 'fur', 'cafe']],
    ['queries, images, addresses', ['query', 'image', 'address']],
    ['status basis aws class', ['status', 'basis', 'aws', 'class']],
    ['!?… — "', []],
    ['', []],
  ])('%s', (text, terms) => {
    expect(indexTerms(text)).toEqual(terms);
  });

  it.each([
    ['查询航班信息', ['航班', '信息', '查询']],
    ['電車の時刻表', ['電車', '時刻']],
    ['날씨를', ['날씨를', '날씨']],
    ['GPT模型', ['gpt', '模型']],
  ])('%s is found by its words', (text, terms) => {
    expect(indexTerms(text)).toEqual(expect.arrayContaining(terms));
  });

  it('cuts Thai into words', () => {
    expect(indexTerms('ค้นหาข้อมูล')).toEqual(['ค้นหา', 'ข้อมูล']);
  });

  it('keeps the marks that make another letter', () => {
    expect(indexTerms('が')).not.toEqual(indexTerms('か'));
    expect(indexTerms('हिन्दी')).toEqual(['हिन्दी']);
  });
});

describe('terms of a query', () => {
  it('leaves out words that tell nothing', () => {
    expect(queryTerms('How do I send an email with this tool?')).toEqual(['send', 'email']);
    expect(queryTerms('請求書を検索する')).not.toContain('を');
  });

  it('keeps them where there are no others', () => {
    expect(queryTerms('what is it')).toEqual(['what', 'is', 'it']);
  });

  it('names each once', () => {
    expect(queryTerms('mail Mail mails')).toEqual(['mail']);
  });

  it('takes single characters side by side as the word that they are', () => {
    expect(queryTerms('航班')).toEqual(['航班']);
    expect(queryTerms('查')).toEqual(['查']);
  });

  it('takes no more words with a meaning than a set of bits holds', () => {
    const words = CONCEPTS.split(/[\s:]+/).filter((word) => /^\p{Script=Katakana}{3,}$/u.test(word));
    const many = [...new Set(words)].slice(0, 40);
    expect(many).toHaveLength(40);
    expect(queryWords(many.join(' '))).toEqual(many.slice(0, 24));
  });

  it('takes no more than a model means to send', () => {
    const many = Array.from({ length: 500 }, (_, index) => `word${index}x`).join(' ');
    expect(queryTerms(many)).toHaveLength(24);
  });
});

describe('the work that one text makes', () => {
  const segment = vi.spyOn(Intl.Segmenter.prototype, 'segment');
  const segmented = (): number => segment.mock.calls.reduce((sum, [text]) => sum + text.length, 0);
  beforeEach(() => {
    segment.mockClear();
  });
  afterAll(() => {
    segment.mockRestore();
  });

  it('is that of 1,000 characters for a query of any length', () => {
    const query = `${'查询航班信息'.repeat(128 * 1024)} invoice`;
    expect(Buffer.byteLength(query)).toBeGreaterThan(768 * 1024);
    expect(queryTerms(query)).toEqual(queryTerms('查询航班信息'.repeat(20)));
    expect(segmented()).toBeLessThanOrEqual(1120);
    expect(queryTerms(`${'的'.repeat(990)} invoice`)).toContain('invoice');
    expect(queryTerms(`${'的'.repeat(1000)} invoice`)).not.toContain('invoice');
  });

  it('is that of 1,000 characters for each stretch without spaces that is indexed', () => {
    const stretch = '查询航班信息'.repeat(10_000);
    expect(indexTerms(`${stretch} ${stretch}`)).toEqual(expect.arrayContaining(['航班', '询航']));
    expect(segmented()).toBe(2000);
  });
});

describe('the corrections of a term', () => {
  it('is another word where it is long enough', () => {
    expect(['serch', 'emial'].map(mayBeMisspelt)).toEqual([true, true]);
    expect(['api', '2026', '航班信息', 'x'.repeat(33)].map(mayBeMisspelt)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('is a longer one, but for one or two letters', () => {
    expect(['tra', '翻', '翻訳'].map(mayBePrefix)).toEqual([true, true, true]);
    expect(['t', 'tr'].map(mayBePrefix)).toEqual([false, false]);
  });

  it('is one with two neighbours swapped', () => {
    expect(swaps('abc')).toEqual(['bac', 'acb']);
    expect(swaps('a')).toEqual([]);
  });
});

describe('the words of a query', () => {
  it.each([
    ['查一下这个经纬度', '经纬度'],
    ['更新联系人的电话', '联系人'],
    ['リポジトリの課題', 'リポジトリ'],
  ])('are those with a known meaning, however a dictionary splits them: %s', (query, word) => {
    expect(queryTerms(query)).not.toContain(word);
    expect(queryWords(query)).toContain(word);
  });

  it('lack stop words beside a known one, and what follows 1,000 characters', () => {
    expect(queryWords('リポジトリの')).toEqual(['リポジトリ']);
    expect(queryWords(`${'x '.repeat(500)}リポジトリ`)).toEqual(['x']);
  });
});
