import * as fc from '../../support/fast-check.ts';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/model/json.ts';
import type { ToolParameter } from '../../../src/model/tool.ts';
import type { Narrowing } from '../../../src/registry/rules.ts';
import { options, parameter, propertyOf, registryWith, toolWith } from '../../support/declarations.ts';
import { broken, compiled } from '../../support/schema-rules.ts';

const NAME = 'acme_kit__work';

function narrowed(more: Partial<ToolParameter>, by: Narrowing) {
  const rules = { presets: { [NAME]: { parameters: {}, narrow: { p: by } } } };
  const registry = registryWith([parameter('p', more)], rules);
  const found = toolWith([parameter('p', more)], rules);
  expect(broken(found.inputSchema)).toEqual([]);
  return { found, property: propertyOf(found, 'p'), notes: registry.notes.map(({ message }) => message) };
}

/** The schema as an independent validator reads it, and the bridge's own check, agree on a value. */
function agree(found: ReturnType<typeof narrowed>['found'], value: Json): boolean {
  const own = found.parseArguments({ p: value }).ok;
  expect(compiled(found.inputSchema)({ p: value })).toBe(own);
  return own;
}

describe('narrowing', () => {
  test('of a number moves its bounds, in the schema and in the check', () => {
    const { found, property, notes } = narrowed({ type: 'number', min: 1, max: 100 }, { maximum: 10 });
    expect(property).toMatchObject({ minimum: 1, maximum: 10 });
    expect(notes).toEqual([]);
    expect([0, 1, 10, 11].map((value) => agree(found, value))).toEqual([false, true, true, false]);
    expect(found.parseArguments({ p: 11 })).toMatchObject({
      problems: [{ path: '/p', message: 'expected a number from 1 to 10, got 11' }],
    });
  });

  test('never widens: a bound beyond the declared one is noted', () => {
    const { property, notes } = narrowed({ type: 'number', min: 1, max: 100 }, { minimum: 0, maximum: 500 });
    expect(property).toMatchObject({ minimum: 1, maximum: 100 });
    expect(notes).toEqual([
      expect.stringContaining('a minimum of 0 is below the declared one of 1'),
      expect.stringContaining('a maximum of 500 is above the declared one of 100'),
    ]);
  });

  test.each<[string, Partial<ToolParameter>, Narrowing, object]>([
    [
      'a select to some of its choices',
      { type: 'select', options: options('a', 'b', 'c') },
      { enum: ['c', 'a'] },
      { type: 'string', enum: ['c', 'a'] },
    ],
    ['a text to choices', {}, { enum: ['a', 'b'] }, { type: 'string', enum: ['a', 'b'] }],
    ['a text to choices written as numbers', {}, { enum: [1, 2] }, { enum: ['1', '2'] }],
    [
      'a number to choices',
      { type: 'number', llmDescription: 'Pages.' },
      { enum: [1, '2.5'] },
      { type: 'number', minimum: 1, maximum: 2.5, description: 'Pages. One of 1, 2.5.' },
    ],
    [
      'a number to choices within its bounds',
      { type: 'number', max: 5, label: {} },
      { enum: [1, 5], minimum: 2 },
      { minimum: 5, maximum: 5, description: 'Always 5.' },
    ],
    [
      'a list of choices in its items',
      { type: 'select', multiple: true, options: options('a', 'b') },
      { enum: ['a'] },
      { type: 'array', items: { type: 'string', enum: ['a'] } },
    ],
    [
      'a list without the null that is no choice',
      { type: 'array', inputSchema: { items: { type: ['string', 'null'] } } },
      { enum: ['a'] },
      { type: 'array', items: { type: 'string', enum: ['a'] } },
    ],
    ['a description', { llmDescription: 'Old.' }, { description: 'New.' }, { description: 'New.' }],
    [
      'the remark on choices along with them',
      {
        type: 'select',
        options: [
          { value: '1', label: { en_US: 'one' } },
          { value: '2', label: { en_US: 'two' } },
        ],
      },
      { enum: ['2'], description: 'How many.' },
      { enum: ['2'], description: 'How many. 2 = two.' },
    ],
  ])('%s', (_, more, by, expected) => {
    const { property } = narrowed(more, by);
    expect(property).toMatchObject(expected);
  });

  test.each<[string, Partial<ToolParameter>, Narrowing, RegExp]>([
    ['a bound of a text', {}, { maximum: 5 }, /minimum and maximum are for numbers/],
    ['choices of a boolean', { type: 'boolean' }, { enum: [true] }, /enum is for texts and numbers.*boolean/],
    ['choices of an object', { type: 'object' }, { enum: ['a'] }, /kind object/],
    [
      'no such choice',
      { type: 'select', options: options('a') },
      { enum: ['b'] },
      /"b" is none of its values/,
    ],
    [
      'a range that a kept choice is not in',
      { type: 'number', min: 5 },
      { enum: [7], maximum: 4 },
      /at most 4/,
    ],
    ['a text for a number', { type: 'number' }, { enum: ['many'] }, /"many" is none of its values/],
    ['bounds that leave nothing', { type: 'number', min: 5 }, { maximum: 4 }, /at least 5 and at most 4/],
  ])('%s does not fit: noted, and the tool withheld rather than open', (_, more, by, expected) => {
    const presets = { [NAME]: { parameters: {}, narrow: { p: by } } };
    const registry = registryWith([parameter('p', more)], { presets });
    expect(registry.notes.map(({ message }) => message)).toEqual([expect.stringMatching(expected)]);
    expect(registry.tools).toEqual([]);
    expect(registry.withheld).toMatchObject([
      { reason: 'incomplete', detail: expect.stringMatching(expected) as string },
    ]);
    expect(registry.withheld[0]?.detail).toContain(`withheld until tools.presets.${NAME} fits it again`);
  });

  test('an empty choice of a select, which nobody may choose, does not make it a text', () => {
    const presets = { [NAME]: { parameters: {}, narrow: { p: { enum: ['', 'zzz'] } } } };
    const select = parameter('p', { type: 'select', options: options('', 'a') });
    const registry = registryWith([select], { presets });
    expect(registry.notes).toHaveLength(2);
    expect(registry.tools).toEqual([]);
  });

  test('a bound that choices make needless is noted alone', () => {
    const presets = {
      '*': { parameters: {}, narrow: { p: { maximum: 10 } } },
      [NAME]: { parameters: {}, narrow: { p: { enum: ['a'] } } },
    };
    const registry = registryWith([parameter('p', { type: 'select', options: options('a', 'b') })], {
      presets,
    });
    expect(registry.notes).toMatchObject([{ message: expect.stringContaining('are for numbers') as string }]);
    expect(registry.tools).toHaveLength(1);
  });

  test('that is lost withholds the tool in spite of a default of the preset', () => {
    const presets = { [NAME]: { parameters: { p: 'a' }, publish: ['p'], narrow: { p: { maximum: 5 } } } };
    const registry = registryWith([parameter('p', { form: 'form' })], { presets });
    expect(registry.tools).toEqual([]);
    expect(registry.withheld[0]?.detail).toMatch(/minimum and maximum are for numbers/);
  });

  test('that fits in part is applied in part', () => {
    const { property, notes } = narrowed(
      { type: 'select', options: options('a', 'b') },
      { enum: ['b', 'c'] },
    );
    expect(property).toMatchObject({ enum: ['b'] });
    expect(notes).toEqual([expect.stringContaining('"c" is none of its values')]);
    const bounded = narrowed({ type: 'number', min: 5 }, { minimum: 1, maximum: 9 });
    expect(bounded.property).toMatchObject({ minimum: 5, maximum: 9 });
    expect(bounded.notes).toEqual([expect.stringContaining('below the declared one')]);
  });

  test('of a default that it excludes: callers must choose', () => {
    const more = { type: 'number', default: 50 };
    const { found, property, notes } = narrowed(more, { maximum: 10 });
    expect(property).not.toHaveProperty('default');
    expect(found.inputSchema['required']).toEqual(['p']);
    expect(notes).toEqual([expect.stringContaining('callers must give one')]);
    expect(narrowed({ type: 'number', default: 5 }, { maximum: 10 }).property).toMatchObject({ default: 5 });
  });

  test('of a parameter that callers do not set is noted; its value stays as it is', () => {
    const form = [parameter('p', { form: 'form', type: 'number', required: true, default: 0 })];
    const presets = { [NAME]: { parameters: {}, narrow: { p: { minimum: 1 } } } };
    const registry = registryWith(form, { presets });
    expect(registry.notes).toMatchObject([
      { message: '"p" is narrowed, but callers cannot set it.', setting: `tools.presets.${NAME}` },
    ]);
    expect(registry.tools[0]?.parseArguments({})).toEqual({ ok: true, parameters: { p: 0 } });
    const globs = { '*': { parameters: {}, narrow: { p: { minimum: 1 } } } };
    expect(registryWith(form, { presets: globs }).notes).toEqual([]);
  });

  test('of a parameter that the tool does not have is noted with the near one', () => {
    const presets = { [NAME]: { parameters: {}, narrow: { limt: { maximum: 5 } } } };
    expect(registryWith([parameter('limit', { type: 'number' })], { presets }).notes).toMatchObject([
      { message: expect.stringContaining('Did you mean "limit"?') },
    ]);
  });

  const scalar = fc.oneof(
    fc.integer({ min: -5, max: 15 }),
    fc.constantFrom('a', 'b', 'c', '1', ''),
    fc.boolean(),
  );
  const narrowing = fc.record(
    {
      enum: fc.array(scalar, { minLength: 1, maxLength: 4 }),
      minimum: fc.integer({ min: -5, max: 15 }),
      maximum: fc.integer({ min: -5, max: 15 }),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Narrowing>;
  const shapes = fc.constantFrom<Partial<ToolParameter>>(
    { type: 'string' },
    { type: 'number' },
    { type: 'number', min: 0, max: 10 },
    { type: 'select', options: options('a', 'b', '1') },
    { type: 'select', multiple: true, options: options('a', 'b', '1') },
    { type: 'boolean' },
    { type: 'object' },
    { type: 'any' },
    { type: 'array', inputSchema: { type: 'array', items: { type: 'integer', enum: [1, 2, 3] } } },
  );

  test('leaves nothing that was not there before, whatever it says', () => {
    fc.assert(
      fc.property(shapes, narrowing, scalar, (more, by, value) => {
        const presets = { [NAME]: { parameters: {}, narrow: { p: by } } };
        const [found] = registryWith([parameter('p', more)], { presets }).tools;
        // Withheld, where nothing of the narrowing could be kept to.
        if (found === undefined) return;
        expect(broken(found.inputSchema)).toEqual([]);
        const whole = toolWith([parameter('p', more)]);
        // A choice of numbers is published as its range, because Gemini takes enums of texts only.
        const isRange = by.enum?.some((choice) => typeof choice === 'number') === true;
        for (const candidate of [value, [value]]) {
          const isLeft = found.parseArguments({ p: candidate }).ok;
          // What validates passes the check; what passes it, coerced, passed it before the narrowing.
          expect(isLeft || isRange || !compiled(found.inputSchema)({ p: candidate })).toBe(true);
          expect(!isLeft || whole.parseArguments({ p: candidate }).ok).toBe(true);
        }
      }),
      { numRuns: fc.runs(500) },
    );
  });
});
