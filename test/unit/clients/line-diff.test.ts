import { expect, it } from 'vitest';
import { lineDiff } from '../../../src/clients/line-diff.ts';

const lines = (...items: string[]): string => `${items.join('\n')}\n`;

it('shows what differs, with two lines around it', () => {
  const before = lines('{', '"a": 1,', '"b": 2,', '"c": 3,', '"d": 4,', '"e": 5,', '"f": 6', '}');
  const after = before.replace('"c": 3,', '"c": 30,\n"cc": 31,');
  expect(lineDiff(before, after)).toEqual([
    '  "a": 1,',
    '  "b": 2,',
    '- "c": 3,',
    '+ "c": 30,',
    '+ "cc": 31,',
    '  "d": 4,',
    '  "e": 5,',
  ]);
});

it('marks the gap between two changes', () => {
  const numbers = Array.from({ length: 20 }, (_, index) => `${index},`);
  const after = numbers.map((text) => (text === '2,' || text === '17,' ? `-${text}` : text));
  const diff = lineDiff(lines(...numbers), lines(...after));
  expect(diff.filter((line) => line.includes('…'))).toHaveLength(1);
  expect(diff.filter((line) => /^[-+]/.test(line))).toEqual(['- 2,', '+ -2,', '- 17,', '+ -17,']);
});

it('is empty for equal texts, whatever their line ends', () => {
  expect(lineDiff('{\r\n}\r\n', '{\n}')).toEqual([]);
});

it('shows no secret: neither of entries around it nor of the one that changes', () => {
  const before = lines(
    '{',
    '  "other": { "env": { "TOKEN": "fake-secret-one" }, "args": ["--key", "fake-secret-two"] },',
    '  "dify": {',
    '    "command": "node",',
    '    "DIFY_ADMIN_API_KEY": "fake-secret-three",',
    '    "Authorization": "Bearer fake-secret-four"',
    '  }',
    '}',
  );
  const after = before.replace('node', 'npx').replace('fake-secret-three', 'fake-secret-five');
  const text = lineDiff(before, after).join('\n');
  expect(text).not.toContain('fake-secret');
  expect(text).toContain('-     "command": "node",');
  expect(text).toContain('"DIFY_ADMIN_API_KEY": "…"');
});

it('shows references to secrets, which are none', () => {
  const after = lines('{', '"DIFY_SECRET_KEY": "${input:dify_secret_key}"', '}');
  expect(lineDiff(lines('{', '}'), after)).toContain('+ "DIFY_SECRET_KEY": "${input:dify_secret_key}"');
});

it('hides the values of a file in one line', () => {
  const secrets = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`n${n}`, `fake-secret-${n}`]));
  const text = lineDiff(JSON.stringify({ secrets }), JSON.stringify({ secrets, dify: {} })).join('\n');
  expect(text).not.toContain('fake-secret');
  expect(text.length).toBeLessThan(600);
});

it('does not take for ever over texts without anything in common', () => {
  const many = (letter: string): string => lines(...Array.from({ length: 5000 }, (_, n) => `${letter}${n}`));
  expect(lineDiff(many('a'), many('b'))).toHaveLength(10_000);
});
