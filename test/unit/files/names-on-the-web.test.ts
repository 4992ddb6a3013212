import { describe, expect, it } from 'vitest';
import { nameInHeader } from '../../../src/files/names.ts';
import { nameInAddress } from '../../../src/model/name-in-address.ts';

describe('the name in a header', () => {
  it.each([
    [undefined, undefined],
    ['attachment', undefined],
    ['attachment; filename=""', undefined],
    ['attachment; filename=report.pdf', 'report.pdf'],
    ['attachment; filename=annual report.pdf', 'annual report.pdf'],
    ['inline; filename="a \\"b\\" c.pdf"', 'a "b" c.pdf'],
    ['attachment; filename="plain.txt"; filename*=UTF-8\'\'%E6%8A%A5%20%E5%91%8A.txt', '报 告.txt'],
    ["attachment; filename*=utf-8'en'a%27b.txt", "a'b.txt"],
    ["attachment; filename*=iso-8859-1''%FCber.txt", 'über.txt'],
    ['attachment; filename="plain.txt"; filename*=UTF-8\'\'%ZZ', 'plain.txt'],
    [`attachment; filename="${Buffer.from('报告.txt').toString('latin1')}"`, '报告.txt'],
    ['attachment; filename="\u00fcber.txt"', 'über.txt'],
    ['ATTACHMENT; FILENAME=x.txt; size=3', 'x.txt'],
  ])('%s is %s', (header, name) => {
    expect(nameInHeader(header)).toBe(name);
  });

  it('is looked for in good time, whatever the header', () => {
    const long = `attachment${'; filename'.repeat(20_000)}`;
    expect(nameInHeader(long)).toBeUndefined();
    expect(nameInHeader(`attachment; filename="${'\\'.repeat(50_000)}`)).toBeTypeOf('string');
  });
});

it.each([
  ['https://example.com/a/%E8%A1%A8.csv?x=/b.pdf#/c', '表.csv'],
  ['https://example.com/', ''],
  ['https://example.com/a%ZZ', 'a%ZZ'],
])('the name in %s', (url, name) => {
  expect(nameInAddress(new URL(url).href)).toBe(name);
});
