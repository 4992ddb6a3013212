import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { parameter, propertyOf, toolWith } from '../../support/declarations.ts';
import { ANYTHING, broken, compiled, FREE_OBJECT, SCALAR } from '../../support/schema-rules.ts';

function published(schema: JsonObject, type = 'object'): Record<string, unknown> | undefined {
  const found = toolWith([parameter('p', { type, label: {}, inputSchema: schema })]);
  expect(broken(found.inputSchema)).toEqual([]);
  compiled(found.inputSchema);
  return propertyOf(found, 'p');
}

/** What is published of one property of an object. */
function member(schema: JsonObject, definitions: JsonObject = {}): unknown {
  const object = published({ type: 'object', properties: { m: schema }, ...definitions });
  return (object?.['properties'] as JsonObject | undefined)?.['m'];
}

describe('of a foreign schema is published', () => {
  test.each<[string, JsonObject, object]>([
    [
      'a text with the rest in words',
      { type: 'string', minLength: 3, format: 'uri', pattern: '^h', description: 'A page' },
      { type: 'string', description: 'A page. Format: uri. Pattern: `^h`. At least 3 characters.' },
    ],
    [
      'a bounded number',
      { type: 'number', minimum: 1, maximum: 2 },
      { type: 'number', minimum: 1, maximum: 2 },
    ],
    ['a whole number', { type: 'integer' }, { type: 'integer' }],
    [
      'an exclusive bound of a whole number as the next one',
      { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10.5 },
      { type: 'integer', minimum: 1, maximum: 10 },
    ],
    [
      'an exclusive bound of a number a little wider',
      { type: 'number', exclusiveMinimum: 0 },
      { type: 'number', minimum: 0, description: 'More than 0.' },
    ],
    ['bounds that exclude all not at all', { type: 'number', minimum: 2, maximum: 1 }, { type: 'number' }],
    ['a list', { type: 'array', items: { type: 'string' } }, { type: 'array', items: { type: 'string' } }],
    [
      'a list of anything as one of texts, numbers and booleans',
      { type: 'array' },
      { type: 'array', items: SCALAR },
    ],
    ['a list of what nothing is said of', { type: 'array', items: {} }, { type: 'array', items: SCALAR }],
    [
      'a tuple as a list of its types',
      { type: 'array', items: [{ type: 'string' }, { type: 'object' }] },
      {
        type: 'array',
        items: { anyOf: [{ type: 'object' }, { type: 'string' }] },
        description: 'Items in this order: a string, an object.',
      },
    ],
    [
      'a tuple of a newer draft',
      { type: 'array', prefixItems: [{ type: 'number', description: 'Size' }, { type: 'number' }] },
      {
        type: 'array',
        items: { type: 'number' },
        description: 'Items in this order: a number (Size), a number.',
      },
    ],
    [
      'a list of several types',
      {
        type: 'array',
        items: { oneOf: [{ properties: { a: { type: 'string' } } }, { type: 'integer' }, { type: 'null' }] },
      },
      {
        type: 'array',
        items: {
          anyOf: [{ type: 'integer' }, { type: 'object', properties: { a: { type: 'string' } } }],
          description: 'May be null.',
        },
      },
    ],
    [
      'a list of what several schemas describe together',
      { type: 'array', items: { allOf: [{ type: 'object' }, { description: 'D' }] } },
      { type: 'array', items: { ...FREE_OBJECT, description: 'D' } },
    ],
    ['choices', { enum: ['a', 'b', 'a'] }, { type: 'string', enum: ['a', 'b'] }],
    [
      'choices of numbers in words',
      { type: 'integer', enum: [5, 1, 2], description: 'How many.' },
      { type: 'integer', minimum: 1, maximum: 5, description: 'How many. One of 5, 1, 2.' },
    ],
    [
      'choices without the numbers that JSON cannot carry',
      { enum: [1, JSON.parse('1e999') as number] },
      { type: 'integer', minimum: 1, maximum: 1, description: 'Always 1.' },
    ],
    ['no choices where none is left', { enum: [JSON.parse('1e999') as number] }, ANYTHING],
    ['a constant', { const: 'a' }, { type: 'string', enum: ['a'] }],
    [
      'choices of several types',
      { enum: ['a', 1] },
      { anyOf: [{ type: 'integer' }, { type: 'string' }], description: 'One of "a", 1.' },
    ],
    [
      'several types as alternatives, texts last',
      { type: ['string', 'number'] },
      { anyOf: [{ type: 'number' }, { type: 'string' }] },
    ],
    ['null in words', { type: ['string', 'null'] }, { type: 'string', description: 'May be null.' }],
    [
      'null beside choices in words',
      { enum: ['a', null] },
      { type: 'string', enum: ['a'], description: 'May be null.' },
    ],
    [
      'null as an alternative in words',
      { anyOf: [{ type: 'integer' }, { type: 'null' }] },
      { type: 'integer', description: 'May be null.' },
    ],
    [
      'null not at all where it means that nothing is given',
      { anyOf: [{ type: 'integer' }, { type: 'null' }], default: null },
      { type: 'integer' },
    ],
    [
      'the only arm',
      { allOf: [{ type: 'boolean' }], description: 'D.' },
      { type: 'boolean', description: 'D.' },
    ],
    [
      'several arms as their types',
      { oneOf: [{ type: 'string', format: 'uri' }, { type: 'number' }] },
      { anyOf: [{ type: 'number' }, { type: 'string' }], description: 'Format: uri.' },
    ],
    [
      'an arm without a type as anything',
      { anyOf: [{ type: 'string' }, { description: 'D' }] },
      { ...ANYTHING, description: 'D' },
    ],
    [
      'several types or null',
      { type: ['string', 'null', 'array'] },
      { anyOf: [{ type: 'array', items: SCALAR }, { type: 'string' }], description: 'May be null.' },
    ],
    ['null alone as anything', { type: 'null' }, ANYTHING],
    ['nothing said as anything', {}, ANYTHING],
    ['a default of any type', { default: { a: [1] } }, { ...ANYTHING, default: { a: [1] } }],
    ['a default that no alternative has not at all', { default: [[1]] }, ANYTHING],
    ['a description', { type: 'string', title: 'T', description: 'D' }, { type: 'string', description: 'D' }],
    ['a default', { type: 'number', default: 3 }, { type: 'number', default: 3 }],
    ['a default that does not fit not at all', { type: 'number', default: 'x' }, { type: 'number' }],
    ['nothing of headers', { type: 'string', 'x-mcp-header': 'X-Key' }, { type: 'string' }],
    ['an implied object', { properties: { a: {} } }, { type: 'object', properties: { a: ANYTHING } }],
    [
      'a closed object like an open one',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
      { type: 'object', properties: { a: { type: 'string' } } },
    ],
    [
      'required members',
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a', 'b'] },
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    ],
    [
      'members with names that no provider accepts under names made from theirs',
      { type: 'object', properties: { $top: {}, a: {} }, required: ['$top'], additionalProperties: false },
      { type: 'object', properties: { top: ANYTHING, a: ANYTHING }, required: ['top'] },
    ],
  ])('%s', (_, schema, expected) => {
    expect(member(schema)).toEqual(expected);
  });

  test('the parameter itself is never null, which means absent', () => {
    expect(published({ type: ['array', 'null'], items: { type: 'string' } })).toEqual({
      type: 'array',
      items: { type: 'string' },
    });
    expect(published({ anyOf: [{ type: 'object' }, { type: 'null' }] })).toMatchObject({ type: 'object' });
  });

  test('what the declaration says where the schema does not', () => {
    expect(published({ items: { type: 'string' } }, 'array')).toEqual({
      type: 'array',
      items: { type: 'string' },
    });
  });

  test('its description where the parameter has none', () => {
    expect(published({ type: 'object', description: 'Of the schema' })?.['description']).toBe(
      'Of the schema',
    );
  });
});

describe('references', () => {
  const $defs = { name: { type: 'string', description: 'A name.' }, 'a/b': { type: 'boolean' } };

  test('inside the document are resolved, with their siblings', () => {
    expect(member({ $ref: '#/$defs/name' }, { $defs })).toEqual({ type: 'string', description: 'A name.' });
    expect(member({ $ref: '#/$defs/name', description: 'Own.' }, { $defs })).toEqual({
      type: 'string',
      description: 'Own.',
    });
    expect(member({ $ref: '#/$defs/a~1b' }, { $defs })).toEqual({ type: 'boolean' });
  });

  test.each([
    ['https://example.com/schema.json', 'schema.json'],
    ['#/$defs/none', 'none'],
    ['#/%', '%'],
    ['#/$defs/name/constructor', 'constructor'],
    ['other.json#/a', 'a'],
    ['#name', '#name'],
  ])('to %s become anything, and the description says so', ($ref, name) => {
    expect(member({ $ref }, { $defs })).toEqual({
      ...ANYTHING,
      description: `Type ${name} (not described).`,
    });
    expect(member({ $ref, type: 'object', description: 'D' }, { $defs })).toEqual({
      ...FREE_OBJECT,
      description: `D. Type ${name} (not described).`,
    });
  });

  test('in a circle end', () => {
    expect(
      member({ $ref: '#/$defs/a' }, { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }),
    ).toEqual(ANYTHING);
    const node = {
      type: 'object',
      properties: { left: { $ref: '#' }, right: { $ref: '#' }, value: { type: 'number' } },
    };
    const tree = published(node);
    expect(JSON.stringify(tree).length).toBeLessThan(20_000);
    expect(tree).toMatchObject({ properties: { left: { properties: { value: { type: 'number' } } } } });
  });
});

test('a deep or an endless schema is read so far and no further', () => {
  let deep: JsonObject = { type: 'string' };
  for (let level = 0; level < 2000; level += 1) deep = { type: 'array', items: deep };
  expect(JSON.stringify(published(deep)).length).toBeLessThan(400);
  const properties = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [`p${index}`, { type: 'string' }]),
  );
  const wide = published({ type: 'object', properties, additionalProperties: false });
  expect(Object.keys(wide?.['properties'] as object).length).toBeLessThan(250);
  expect(wide?.['description']).toMatch(/^Also accepts p\d+, .* more\.$/);
  const choices = Array.from({ length: 1000 }, (_, index) => `c${index}`);
  expect(member({ enum: choices })).toMatchObject({
    type: 'string',
    description: expect.stringContaining('more') as string,
  });
});

test('a schema with very long texts is read up to a limit', () => {
  const wordy = (words: string): JsonObject => {
    const object = published({
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 100 }, (_, index) => [
          `p${index}`,
          { type: 'string', description: words, default: words, enum: [words, `${words}!`] },
        ]),
      ),
    });
    return object?.['properties'] as JsonObject;
  };
  const short = wordy('word');
  expect(short['p99']).toMatchObject({
    description: 'word',
    default: 'word',
  });
  const long = wordy('word '.repeat(400));
  expect(Object.keys(long)).toHaveLength(100);
  expect(JSON.stringify(long).length).toBeLessThan(50_000);
  expect(long['p99']).toEqual({ type: 'string' });
});

describe('arguments for a foreign schema', () => {
  const found = toolWith([
    parameter('list', {
      type: 'array',
      inputSchema: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            size: { type: ['integer', 'null'] },
            tags: { type: 'array', items: { type: 'string' } },
            constructor: { type: 'string' },
            extra: {},
          },
          required: ['name'],
          additionalProperties: false,
        },
      },
    }),
  ]);

  test('are coerced at every depth, and only what may be null stays null', () => {
    expect(found.parseArguments({ list: [{ name: 5, size: '3', tags: '["a"]' }] })).toEqual({
      ok: true,
      parameters: { list: [{ name: '5', size: 3, tags: ['a'] }] },
    });
    expect(found.parseArguments({ list: [{ name: 'x', size: null, tags: null, extra: null }] })).toEqual({
      ok: true,
      parameters: { list: [{ name: 'x', size: null, extra: null }] },
    });
  });

  test('have each problem told at its place', () => {
    expect(found.parseArguments({ list: [{ nam: 'x' }, { name: 'x', size: 1.5, tags: ['a', {}] }] })).toEqual(
      {
        ok: false,
        problems: expect.arrayContaining([
          { path: '/list/0/name', message: 'is required: expected a string' },
          { path: '/list/0/nam', message: 'unknown argument; did you mean "name"?' },
          { path: '/list/1/size', message: 'expected a whole number, got 1.5' },
          { path: '/list/1/tags/1', message: 'expected a string, got an object' },
        ]) as unknown,
      },
    );
  });
});

test('arguments are checked against what is published of maps, alternatives and merged parts', () => {
  const inputSchema = {
    type: 'object',
    properties: {
      map: { type: 'object', additionalProperties: { type: 'integer' } },
      either: { anyOf: [{ type: 'array', items: { type: 'number' } }, { type: 'string' }] },
      both: {
        allOf: [
          { type: 'number', minimum: 2 },
          { type: 'integer', maximum: 4 },
        ],
      },
      form: {
        oneOf: ['a', 'b'].map((kind) => ({
          properties: { kind: { const: kind }, [kind]: { type: 'boolean' } },
          required: ['kind'],
        })),
      },
    },
  };
  const found = toolWith([parameter('p', { type: 'object', inputSchema })]);
  const sent = { map: { x: '1' }, either: ['2'], both: '3', form: { kind: 'b', b: 'yes' } };
  expect(found.parseArguments({ p: sent })).toEqual({
    ok: true,
    parameters: { p: { map: { x: 1 }, either: [2], both: 3, form: { kind: 'b', b: true } } },
  });
  const wrong = { map: { x: 'one' }, either: ['two'], both: 5, form: { kind: 'c' } };
  expect(found.parseArguments({ p: wrong })).toEqual({
    ok: false,
    problems: [
      { path: '/p/map/x', message: 'expected a whole number, got "one"' },
      { path: '/p/either/0', message: 'expected a number, got "two"' },
      { path: '/p/both', message: 'expected a whole number from 2 to 4, got 5' },
      { path: '/p/form/kind', message: 'expected one of "a", "b", got "c"' },
    ],
  });
});

test('a schema whose parts and variants multiply is read in steps that its size bounds', () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => {
      const next = { $ref: `#/$defs/d${index + 1}` };
      return [
        `d${index}`,
        { allOf: [next, next], oneOf: [next, { type: 'object', properties: { x: next } }] },
      ];
    }),
  );
  let reads = 0;
  const counted = new Proxy($defs, {
    getOwnPropertyDescriptor(target, key) {
      reads += 1;
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
  });
  published({ type: 'object', properties: { m: { $ref: '#/$defs/d0' } }, $defs: counted });
  expect(reads).toBeGreaterThan(10);
  expect(reads).toBeLessThan(10_000);
});

test('a schema whose references repeat a large part is not read part by part', () => {
  const names = Array.from({ length: 30_000 }, (_, index) => `m${index}`);
  const large = {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    required: names,
  };
  const properties = Object.fromEntries(names.slice(0, 200).map((name) => [name, { $ref: '#/$defs/large' }]));
  const schema = published({ type: 'object', properties, $defs: { large } });
  expect(schema).toMatchObject({ type: 'object' });
  expect(schema).not.toHaveProperty('properties');
});

test('a list of large choices costs what the list costs', () => {
  const large = { enum: Array.from({ length: 50_000 }, (_, index) => `choice ${index}`) };
  const properties = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`p${index}`, { $ref: '#/$defs/large' }]),
  );
  const schema = published({ type: 'object', properties, $defs: { large } });
  expect(schema).toMatchObject({ type: 'object' });
  expect(schema).not.toHaveProperty('properties');
});
