import { describe, expect, test } from 'vitest';
import type { FileSource } from '../../../src/model/registry.ts';
import type { ToolParameter } from '../../../src/model/tool.ts';
import { officialTools, sharedIsPresent, sharedNote } from '../../support/shared.ts';
import {
  english,
  officialProviders,
  options,
  parameter,
  propertyOf,
  registryOf,
  registryWith,
  toolWith,
} from '../../support/declarations.ts';
import { ANYTHING, broken, compiled, FREE_OBJECT, SCALAR } from '../../support/schema-rules.ts';

/** What is published of one parameter, without its description. */
function published(more: Partial<ToolParameter>): Record<string, unknown> | undefined {
  const { description: _, ...schema } = propertyOf(toolWith([parameter('p', more)]), 'p') ?? {};
  return schema;
}

function described(more: Partial<ToolParameter>, languages = ['en_US']): string {
  return String(propertyOf(toolWith([parameter('p', more)], { languages }), 'p')?.['description']);
}

const FILE = {
  type: 'object',
  properties: {
    url: { type: 'string', description: expect.any(String) as string },
    resource: { type: 'string', description: expect.any(String) as string },
    data: { type: 'string', description: expect.any(String) as string },
    filename: { type: 'string' },
  },
};

test('the root is an object with nothing that a provider refuses', () => {
  expect(toolWith([]).inputSchema).toEqual({ type: 'object', properties: {} });
  expect(toolWith([parameter('a', { required: true }), parameter('b')]).inputSchema).toEqual({
    type: 'object',
    properties: { a: { type: 'string' }, b: { type: 'string' } },
    required: ['a'],
  });
});

describe('each type is published as what models send', () => {
  test.each<[string, Partial<ToolParameter>, object]>([
    ['string', {}, { type: 'string' }],
    ['string with choices', { options: options('a') }, { type: 'string' }],
    ['number', { type: 'number' }, { type: 'number' }],
    ['number with bounds', { type: 'number', min: 0, max: 10 }, { type: 'number', minimum: 0, maximum: 10 }],
    ['number with bounds that exclude all', { type: 'number', min: 2, max: 1 }, { type: 'number' }],
    ['boolean', { type: 'boolean' }, { type: 'boolean' }],
    ['boolean with choices', { type: 'boolean', options: options('true') }, { type: 'boolean' }],
    ['checkbox', { type: 'checkbox' }, { type: 'boolean' }],
    ['select', { type: 'select', options: options('a', 'b') }, { type: 'string', enum: ['a', 'b'] }],
    [
      'select with repeats',
      { type: 'select', options: options('a', 'b', 'a') },
      { type: 'string', enum: ['a', 'b'] },
    ],
    [
      'select with an empty choice',
      { type: 'select', options: options('', 'b') },
      { type: 'string', enum: ['b'] },
    ],
    [
      'select of several',
      { type: 'select', multiple: true, options: options('a', 'b') },
      { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
    ],
    ['dynamic-select', { type: 'dynamic-select', options: options('a') }, { type: 'string' }],
    ['array', { type: 'array' }, { type: 'array', items: SCALAR }],
    ['object', { type: 'object' }, FREE_OBJECT],
    ['model-selector', { type: 'model-selector' }, FREE_OBJECT],
    ['app-selector', { type: 'app-selector' }, FREE_OBJECT],
    ['any', { type: 'any' }, ANYTHING],
    ['a type of a later Dify', { type: 'colour-wheel' }, ANYTHING],
    ['date', { type: 'date' }, { type: 'string' }],
    ['file', { type: 'file' }, FILE],
    ['files', { type: 'files' }, { type: 'array', items: FILE }],
    ['system-files', { type: 'system-files' }, { type: 'array', items: FILE }],
  ])('%s', (_, declared, expected) => {
    expect(published(declared)).toEqual(expected);
    const { inputSchema } = toolWith([parameter('p', declared)]);
    expect(broken(inputSchema)).toEqual([]);
    compiled(inputSchema);
  });

  test('a range of dates has a start and an end', () => {
    expect(published({ type: 'date-range' })).toMatchObject({ type: 'object', required: ['start', 'end'] });
  });

  test.each<[readonly FileSource[] | undefined, string, string]>([
    [undefined, 'url', 'by exactly one of url, resource, data.'],
    [['url', 'resource', 'path', 'data'], 'url', 'by exactly one of url, resource, path, data.'],
    [['data'], 'data', 'such as {"data":"SGVsbG8=","filename":"hello.txt"}.'],
  ])('a file says how it is passed, and a wrong one shows a right one: %s', (fileSources, first, way) => {
    const rules = fileSources === undefined ? {} : { fileSources };
    const declared = parameter('p', { type: 'file', llmDescription: 'The picture.' });
    const found = toolWith([declared], rules);
    const { description, properties } = propertyOf(found, 'p') as { description: string; properties: object };
    expect(description).toBe(`The picture. A file, ${way}`);
    const refused = JSON.stringify(found.parseArguments({ p: {} })).replaceAll('\\"', '"');
    const example = JSON.parse(/such as (\{.*?\})/.exec(refused)?.[1] ?? '') as object;
    expect(Object.keys(example)[0]).toBe(first);
    expect(found.parseArguments({ p: example })).toEqual({ ok: true, parameters: { p: example } });
    expect(Object.keys(properties)).toEqual([...(fileSources ?? ['url', 'resource', 'data']), 'filename']);
    // Not published, since the bridge detects it, but accepted.
    const typed = { ...example, mime_type: 'text/plain' };
    expect(found.parseArguments({ p: typed })).toEqual({ ok: true, parameters: { p: typed } });
  });
});

describe('defaults', () => {
  test.each<[string, Partial<ToolParameter>, unknown]>([
    ['of the type are published', { default: 'x' }, 'x'],
    ['as a number in a text', { type: 'number', default: '7.5' }, 7.5],
    ['as a number in a select', { type: 'select', options: options('1', '3'), default: 3 }, '3'],
    [
      'as a boolean in a select',
      { type: 'select', options: options('true', 'false'), default: true },
      'true',
    ],
    ['as a text in a boolean', { type: 'boolean', default: 'false' }, false],
    ['as a boolean in a text', { default: true }, 'true'],
    ['outside the choices are left out', { type: 'select', options: options('a'), default: 'b' }, undefined],
    ['outside the range are left out', { type: 'number', max: 5, default: 6 }, undefined],
    ['of another type are left out', { type: 'number', default: 'many' }, undefined],
    ['that are empty are none', { default: '' }, undefined],
    [
      'for one of several choices',
      { type: 'select', multiple: true, options: options('a'), default: 'a' },
      ['a'],
    ],
    ['zero and false are defaults', { type: 'number', default: 0 }, 0],
    ['of files are left out', { type: 'files', default: [] }, undefined],
  ])('%s', (_, declared, expected) => {
    expect(published(declared)?.['default']).toEqual(expected);
    expect(broken(toolWith([parameter('p', declared)]).inputSchema)).toEqual([]);
  });

  test('what is left out is noted, without its value', () => {
    const { notes } = registryWith([parameter('p', { type: 'number', default: 'sk-not-a-number' })]);
    expect(notes).toEqual([{ name: 'acme_kit__work', message: expect.stringContaining('"p"') as string }]);
    expect(JSON.stringify(notes)).not.toContain('sk-not');
  });

  test('a required parameter with a default may be left out', () => {
    const { inputSchema } = toolWith([parameter('p', { required: true, default: 'x' })]);
    expect(inputSchema['required']).toBeUndefined();
  });
});

describe('descriptions of parameters', () => {
  test('come from what is meant for models, else for people, else from the label', () => {
    const label = english('Label');
    const humanDescription = { zh_Hans: '给人', en_US: 'For people' };
    expect(described({ label, humanDescription, llmDescription: 'For models' })).toBe('For models');
    expect(described({ label, humanDescription })).toBe('For people');
    expect(described({ label, humanDescription }, ['zh_Hans'])).toBe('给人');
    expect(described({ label, humanDescription: { en_US: ' ' } })).toBe('Label');
    expect(propertyOf(toolWith([parameter('p', { label: {} })]), 'p')).toEqual({ type: 'string' });
  });

  test('are cut at a word, and what they say of files or choices stays', () => {
    const llmDescription = 'filter '.repeat(681).trim();
    expect(llmDescription).toHaveLength(4766);
    const text = described({ llmDescription });
    expect(text.length).toBeLessThanOrEqual(1024);
    expect(text).toMatch(/filter…$/);
    const file = described({ type: 'file', llmDescription });
    expect(file.length).toBeLessThanOrEqual(1024);
    expect(file).toMatch(/filter…\. A file, by exactly one of url, resource, data\.$/);
  });

  test.each(['petId', 'Pet ID', 'pet_id', 'PET ID.'])(
    'are left out if they only repeat the name: %s',
    (text) => {
      const found = toolWith([parameter('pet_id', { llmDescription: text, label: english('Pet ID') })]);
      expect(propertyOf(found, 'pet_id')).toEqual({ type: 'string' });
    },
  );

  test('are never cut inside a character', () => {
    const text = described({ llmDescription: '😀'.repeat(600) });
    expect(text.length).toBeLessThanOrEqual(1024);
    expect(text).toMatch(/^(?:😀)+…$/u);
  });

  test('name the choices of a text, and the labels of choices that differ from their values', () => {
    expect(described({ llmDescription: 'Language.', options: options('python3', 'javascript') })).toBe(
      'Language. Choices: python3, javascript.',
    );
    const states = [
      { value: '1', label: english('Open') },
      { value: '2', label: english('Closed') },
    ];
    expect(described({ type: 'select', options: states, llmDescription: 'State' })).toBe(
      'State. 1 = Open, 2 = Closed.',
    );
    const colours = [
      { value: 'r', label: { en_US: 'Red', zh_Hans: '红' } },
      { value: 'Green', label: english('Green') },
      { value: 'b', label: { zh_Hans: '蓝', en_US: 'Blue' } },
    ];
    expect(described({ type: 'dynamic-select', options: colours })).toBe(
      'Choices: r = Red, Green, b = Blue.',
    );
    expect(described({ type: 'select', options: colours })).toBe('r = Red, b = Blue.');
    expect(described({ type: 'select', options: colours }, ['zh_Hans'])).toBe('r = 红, b = 蓝.');
    const again = ['red', 'dark_blue'].map((value, at) => ({
      value,
      label: english(['Red', 'Dark blue'][at] ?? ''),
    }));
    const asked = toolWith([parameter('colour', { type: 'select', options: again })]);
    expect(propertyOf(asked, 'colour')).not.toHaveProperty('description');
    const many = options(...Array.from({ length: 240 }, (_, index) => `country-${index}`));
    expect(described({ options: many })).toMatch(/country-20, .* and \d+ more\.$/);
  });
});

describe('parameter names', () => {
  test('that no provider takes are published under a clean one and sent under their own', () => {
    const long = 'x'.repeat(80);
    const names = ['$filter', 'a b', 'a/b', '名字', '', '__proto__', long, 'constructor', 'day<', 'day>='];
    const registry = registryWith(names.map((name) => parameter(name)));
    const [found] = registry.tools;
    const keys = Object.keys(found?.inputSchema['properties'] as object);
    expect(keys).toEqual([
      'filter',
      'a_b',
      expect.stringMatching(/^a_b_[0-9a-f]{4}$/),
      'MingZi',
      expect.stringMatching(/^parameter_[0-9a-f]{4}$/),
      'proto__',
      expect.stringMatching(/^x{29}_[0-9a-f]{4}_x{29}$/),
      'constructor',
      'day_lt',
      'day_gte',
    ]);
    const parsed = found?.parseArguments(
      Object.fromEntries(keys.map((key, index) => [key, `value ${index}`])),
    );
    expect(parsed?.ok).toBe(true);
    const entries = parsed?.ok === true ? Object.entries(parsed.parameters) : [];
    expect(entries).toEqual(names.map((name, index) => [name, `value ${index}`]));
    expect(registry.notes).toHaveLength(9);
  });

  test('that are clean stay, regardless of their neighbours', () => {
    const names = ['a b', 'a_b', 'a_b_2'];
    const { inputSchema } = toolWith(names.map((name) => parameter(name)));
    expect(Object.keys(inputSchema['properties'] as object)).toEqual([
      expect.stringMatching(/^a_b_[0-9a-f]{4}$/),
      'a_b',
      'a_b_2',
    ]);
  });

  test('begin with a letter, and depend on no other parameter unless two meet', () => {
    const namesOf = (names: readonly string[]) =>
      Object.keys(toolWith(names.map((name) => parameter(name))).inputSchema['properties'] as object);
    expect(namesOf(['_id', '2fa', '-x', '.y', 'X-Header', '@type', 'é'])).toEqual([
      'id',
      'p_2fa',
      'x',
      'y',
      'X-Header',
      'type',
      'e',
    ]);
    const [alone] = namesOf(['查询']);
    expect(namesOf(['名字', '$filter', '查询'])).toContain(alone);
    const met = namesOf(['a/b', 'a b']);
    expect(namesOf(['a b', 'a/b'])).toEqual(met.toReversed());
  });

  test("that were changed are accepted under Dify's own name too, but not under both", () => {
    const found = toolWith([parameter('$filter', { type: 'number' }), parameter('名字')]);
    expect(found.parseArguments({ $filter: '5', 名字: 'a' })).toEqual({
      ok: true,
      parameters: { $filter: 5, 名字: 'a' },
    });
    expect(found.parseArguments({ $filter: 1, filter: 2 })).toMatchObject({
      ok: false,
      problems: [
        { path: '/$filter', message: expect.stringContaining('the same argument as "filter"') as string },
      ],
    });
    expect(found.parseArguments({ $filter: 'many' })).toMatchObject({
      ok: false,
      problems: [{ path: '/filter' }],
    });
  });

  test('that are repeated: the first counts, and a note says so', () => {
    const registry = registryWith([parameter('p', { type: 'number' }), parameter('p'), parameter('p')]);
    expect(propertyOf(registry.tools[0] as never, 'p')?.['type']).toBe('number');
    expect(registry.notes).toEqual([
      {
        name: 'acme_kit__work',
        message: 'The parameter "p" is declared several times; the first declaration is used.',
      },
    ]);
  });
});

describe(`the official declarations${sharedNote}`, () => {
  const providers = officialProviders(officialTools());
  const total = sharedIsPresent ? 412 : 0;

  test('none is lost, and each that is withheld says what it lacks', () => {
    const registry = registryOf(providers);
    expect(registry.tools.length + registry.withheld.length).toBe(total);
    for (const { reason, detail } of registry.withheld) {
      expect(reason).toBe('incomplete');
      expect(detail).toMatch(/^"[\w-]+" .*(preset|default)/);
      expect(detail).toContain('  presets:\n');
    }
    expect(registry.withheld).toHaveLength(sharedIsPresent ? 40 : 0);
  });

  test('every published schema is accepted everywhere', () => {
    for (const formParameters of ['preset', 'publish'] as const) {
      const registry = registryOf(providers, { formParameters });
      const faults = registry.tools.flatMap(({ name, inputSchema, description }) => {
        compiled(inputSchema);
        const long = description.length > 1024 ? ['long description'] : [];
        return [...broken(inputSchema), ...long].map((fault) => `${name}: ${fault}`);
      });
      expect(faults).toEqual([]);
    }
  });

  test('with form parameters published, only secrets keep a tool back', () => {
    const registry = registryOf(providers, { formParameters: 'publish' });
    for (const { detail } of registry.withheld) expect(detail).toMatch(/required/);
    expect(registry.withheld).toHaveLength(sharedIsPresent ? 3 : 0);
  });
});
