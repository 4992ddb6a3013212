import { describe, expect, it } from 'vitest';
import { cutToWidth, table, widthOf, wrap, wrapCommand } from '../../../src/cli/layout.ts';

describe('the width of a stream', () => {
  it.each([
    [{ isTTY: true, columns: 132 }, 132],
    [{ isTTY: true }, 80],
    [{ isTTY: true, columns: 0 }, 80],
    [{ columns: 132 }, undefined],
  ])('%j has %s columns', (more, width) => {
    expect(widthOf(more)).toBe(width);
  });
});

describe('wrapped text', () => {
  it.each([
    [
      'stays as it is without a width',
      'one two three four five six',
      undefined,
      'one two three four five six',
    ],
    ['is wrapped by words', 'one two three four five six seven', 20, 'one two three four\nfive six seven'],
    ['keeps an indent', '  one two three four five six', 22, '  one two three four\n  five six'],
    ['hangs below a list item', '  - one two three four five', 24, '  - one two three four\n    five'],
    ['keeps lines apart', 'one\n\ntwo', 20, 'one\n\ntwo'],
    [
      'never breaks a word',
      'see https://dify.example.com/a/long/path/of/it',
      20,
      'see\nhttps://dify.example.com/a/long/path/of/it',
    ],
    [
      'counts what a terminal shows',
      '\u001b[31mone\u001b[39m two three four',
      20,
      '\u001b[31mone\u001b[39m two three four',
    ],
    [
      'counts two columns for a Chinese character',
      '查询天气 查询天气 查询天气',
      20,
      '查询天气 查询天气\n查询天气',
    ],
  ])('%s', (_, text, width, expected) => {
    expect(wrap(text, width)).toBe(expected);
  });

  it('hangs further where that is asked for', () => {
    expect(wrap('pass  one two three four five', 26, 6)).toBe('pass  one two three\n      four five');
  });
});

describe('a command', () => {
  it('continues with a backslash and is never broken inside quotes', () => {
    const command = `npx dify-mcp-bridge call a__tool --args '{"text": "one two three"}' --sandbox`;
    expect(wrapCommand(command, 40)).toBe(
      `  npx dify-mcp-bridge call a__tool \\\n    --args '{"text": "one two three"}' \\\n    --sandbox`,
    );
    expect(wrapCommand(command, undefined)).toBe(`  ${command}`);
  });
});

describe('a table', () => {
  const rows = [
    ['NAME', 'BYTES', 'TITLE', 'WHERE'],
    ['a__tool', '12', '查询', 'builtin acme/kit/kit a_tool'],
  ];

  it('is aligned by columns of the terminal', () => {
    expect(table(rows.map((row) => row.slice(1)))).toBe(
      'BYTES  TITLE  WHERE\n12     查询   builtin acme/kit/kit a_tool',
    );
  });

  it('omits columns in the given order until it fits', () => {
    expect(table(rows, { width: 60, omit: [3, 1] })).toContain('WHERE');
    expect(table(rows, { width: 40, omit: [3, 1] })).toBe('NAME     BYTES  TITLE\na__tool  12     查询');
    expect(table(rows, { width: 15, omit: [3, 1] })).toBe('NAME     TITLE\na__tool  查询');
  });

  it('gives the first column a line of its own where the last one has no space', () => {
    expect(
      table(
        rows.map(([name = '', , title = '', where = '']) => [`api_${name}`, title, where]),
        { width: 30 },
      ),
    ).toBe('api_NAME\n  TITLE  WHERE\napi_a__tool\n  查询  builtin acme/kit/kit\n  a_tool');
  });

  it('wraps its last column below itself', () => {
    expect(table([['name', 'one two three four five six']], { width: 28 })).toBe(
      'name  one two three four\n      five six',
    );
  });
});

describe('a line cut to columns', () => {
  it.each([
    ['fits', 8, 'fits'],
    ['one two three', 8, 'one two…'],
    ['漢字漢字漢字', 8, '漢字漢…'],
  ])('%s in %d', (line, width, expected) => {
    expect(cutToWidth(line, width)).toBe(expected);
  });
});
