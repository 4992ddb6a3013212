import { describe, expect, it } from 'vitest';
import * as fc from '../../support/fast-check.ts';
import { canonicalJson, parseJson, parsePythonJson } from '../../../src/model/exact-json.ts';
import { writeJson } from '../../../src/model/well-formed.ts';

describe('numbers keep their digits', () => {
  it.each([
    ['1234567890123456789', 1234567890123456789n],
    ['-9007199254740993', -9007199254740993n],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['0', 0],
    ['6.02214076e23', 6.02214076e23],
    ['0.12345678901234567890', 0.12345678901234568],
    ['100000000000000000000.0', 1e20],
  ])('%s', (digits, value) => {
    for (const text of [`{"n":[${digits}]}`, `{ "n": [ ${digits} ] }`, `{"n":[\n${digits}]}`]) {
      expect(parseJson(text)).toEqual({ n: [value] });
    }
    expect(parseJson(digits)).toBe(value);
  });

  it('after a byte order mark', () => {
    expect(parseJson('\ufeff{"n":1234567890123456789}')).toEqual({ n: 1234567890123456789n });
    expect(parseJson('\ufeff1')).toBe(1);
  });

  it('and those that cannot be held are never rounded', () => {
    expect(parseJson('[12345678901234567.89]')).toEqual([Number.NaN]);
    expect(parsePythonJson('[12345678901234567.89]')).toEqual(['12345678901234567.89']);
    const long = '9'.repeat(5000);
    expect(parseJson(`[${long}]`)).toEqual([Number.NaN]);
    expect(parsePythonJson(`[${long}]`)).toEqual([long]);
  });

  it('while texts stay as they are', () => {
    const text = '{"id":"1234567890123456789","a":": 1234567890123456789","n":1234567890123456789}';
    expect(writeJson(parseJson(text))).toBe(text);
  });

  it('even if the text is nested as deeply as no value may be', () => {
    const deep = '['.repeat(100_000);
    expect(() => parseJson(`${deep}1234567890123456789${']'.repeat(100_000)}`)).not.toThrow();
  });

  it('in any value that is written and read again', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        fc.bigInt().filter((n) => n > 2n ** 53n || n < -(2n ** 53n)),
        fc.integer(),
        fc.string(),
        fc.array(tie('any')),
        fc.dictionary(fc.constantFrom('a', 'n', '__proto__', 'toString'), tie('any')),
      ),
    })).any;
    fc.assert(
      fc.property(value, (given) => {
        expect(parseJson(writeJson(given))).toEqual(given);
      }),
    );
  });
});

it('reads everything else as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const value: unknown = JSON.parse(json, (_, read: unknown) =>
        isLong(read) ? BigInt(String(read)) : read,
      );
      expect(parseJson(`[1234567890123456789,${json}]`)).toEqual([1234567890123456789n, value]);
    }),
  );
  const odd = '{"__proto__":{"a":1},"a":1234567890123456789,"a":2}';
  expect(canonicalJson(parseJson(odd))).toBe('{"__proto__":{"a":1},"a":2}');
  for (const text of ['{"a":1234567890123456789', '[1234567890123456789,]', '01234567890123456', 'NaN'])
    expect(() => parseJson(text)).toThrow(SyntaxError);
});

describe('what Python writes for numbers that JSON does not have', () => {
  it.each([
    ['{"a": NaN, "b": [-Infinity, Infinity], "c": 1}', { a: null, b: [null, null], c: 1 }],
    ['{"NaN": "NaN, \\"Infinity\\" \\\\", "a": NaN}', { NaN: 'NaN, "Infinity" \\', a: null }],
    ['[NaN, 1234567890123456789]', [null, 1234567890123456789n]],
  ])('is null in %s', (text, value) => {
    expect(parsePythonJson(text)).toEqual(value);
  });

  it('does not make other mistakes readable', () => {
    for (const text of ['NaNa', '[NaN', '"NaN', '{"a": Nan, "b": NaN}'])
      expect(() => parsePythonJson(text)).toThrow(SyntaxError);
  });

  it('takes time in proportion to the text', () => {
    // A million quotes without an end, for which a search that starts over at each of them would not end.
    expect(() => parsePythonJson(`"${'\\"'.repeat(1_000_000)}NaN`)).toThrow(SyntaxError);
    const many = `[${'NaN,'.repeat(300_000)}0]`;
    expect(parsePythonJson(many)).toHaveLength(300_001);
  });
});

/** Whether a number is an integer beyond 2^53 that JSON writes with all its digits. */
function isLong(read: unknown): read is number {
  return Number.isInteger(read) && !Number.isSafeInteger(read) && /^-?\d+$/.test(String(read));
}
