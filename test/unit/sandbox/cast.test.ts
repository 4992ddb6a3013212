import { describe, expect, it } from 'vitest';
import { castValue, prepareParameters } from '../../../src/sandbox/cast.ts';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { Refusal } from '../../../src/sandbox/refusal.ts';

describe('castValue', () => {
  it.each([
    ['string', null, ''],
    ['string', 5, '5'],
    ['string', true, 'True'],
    ['string', { a: 1, b: [null, 'x'] }, "{'a': 1, 'b': [None, 'x']}"],
    ['select', 'a', 'a'],
    ['number', 2.5, 2.5],
    ['number', '12', 12],
    ['number', ' -3 ', -3],
    ['number', '1.5', 1.5],
    ['number', '', null],
    ['number', null, null],
    ['number', [1], null],
    ['boolean', null, false],
    ['boolean', 'Yes', true],
    ['boolean', 'n', false],
    ['boolean', 'maybe', true],
    ['boolean', '', false],
    ['boolean', 0, false],
    ['boolean', {}, false],
    ['file', [{ a: 1 }], { a: 1 }],
    ['file', { a: 1 }, { a: 1 }],
    ['files', { a: 1 }, [{ a: 1 }]],
    ['files', null, [null]],
    ['system-files', [1, 2], [1, 2]],
    ['model-selector', { model: 'm' }, { model: 'm' }],
    ['array', '[1, 2]', [1, 2]],
    ['array', 'x', ['x']],
    ['array', '{"a":1}', ['{"a":1}']],
    ['object', '{"a":1}', { a: 1 }],
    ['object', 'x', {}],
    ['object', [1], {}],
    ['any', [1], [1]],
    ['something-new', 'kept', 'kept'],
  ] as const)('%s of %j is %j', (type, value, expected) => {
    expect(castValue(type, value)).toEqual(expected);
  });

  it.each([
    ['number', 'abc', "invalid literal for int() with base 10: 'abc'"],
    ['number', '1e3', "invalid literal for int() with base 10: '1e3'"],
    ['number', 'a.b', "could not convert string to float: 'a.b'"],
    ['file', [1, 2], 'This parameter only accepts one file but got multiple files while invoking.'],
    ['app-selector', null, 'The selector must be a dictionary.'],
  ] as const)('%s of %j is refused', (type, value, message) => {
    expect(() => castValue(type, value)).toThrow(expect.objectContaining({ message, status: 400 }));
  });
});

describe('prepareParameters', () => {
  const select = parameter('zone', { type: 'select', form: 'form', default: 'UTC', options: ['UTC', 'CET'] });

  it('fills defaults of form parameters and leaves those of llm parameters to the tool', () => {
    const declared = [select, parameter('city', { default: 'Oslo' })];
    expect(prepareParameters(declared, {})).toEqual({ zone: 'UTC' });
    expect(prepareParameters(declared, { zone: 'CET', city: 'Bergen', other: 1 })).toEqual({
      zone: 'CET',
      city: 'Bergen',
      other: 1,
    });
  });

  it('refuses a required form parameter that stays empty, but takes zero and false', () => {
    const required = (type: string) => [parameter('key', { type, form: 'form', required: true })];
    for (const value of [undefined, '', null]) {
      expect(() => prepareParameters(required('string'), value === undefined ? {} : { key: value })).toThrow(
        'tool parameter key not found in tool config',
      );
    }
    expect(prepareParameters(required('number'), { key: 0 })).toEqual({ key: 0 });
    expect(prepareParameters(required('boolean'), { key: false })).toEqual({ key: false });
  });

  it('refuses what a select does not offer', () => {
    expect(() => prepareParameters([select], { zone: 'Mars' })).toThrow(Refusal);
    expect(() => prepareParameters([select], { zone: 'Mars' })).toThrow(
      "tool parameter zone value Mars not in options ['UTC', 'CET']",
    );
  });
});
