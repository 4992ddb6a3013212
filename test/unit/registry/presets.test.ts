import { describe, expect, test } from 'vitest';
import type { ToolParameter } from '../../../src/model/tool.ts';
import type { Preset } from '../../../src/registry/rules.ts';
import type { Narrowing } from '../../../src/registry/rules.ts';
import { options, parameter, propertyOf, registryWith, toolWith } from '../../support/declarations.ts';

const NAME = 'acme_kit__work';

/** A tool with one parameter for the operator and one for callers. */
function formTool(more: Partial<ToolParameter>): ToolParameter[] {
  return [parameter('q'), parameter('p', { form: 'form', ...more })];
}

function preset(parameters: Preset['parameters'], more: Partial<Preset> = {}) {
  return { presets: { [NAME]: { parameters, ...more } } };
}

describe('parameters for the operator', () => {
  test.each<[string, Partial<ToolParameter>]>([
    ['an optional one', {}],
    ['an optional one with a default', { default: 'x' }],
    ['a required one with a default', { required: true, default: 'x' }],
    [
      'a required select with a default',
      { type: 'select', options: options('a'), required: true, default: 'a' },
    ],
    ['an optional secret', { type: 'secret-input' }],
    ['one of a form that Dify gave up', { form: 'schema', required: true }],
  ])('%s is left to Dify', (_, more) => {
    const found = toolWith(formTool(more));
    expect(Object.keys(found.inputSchema['properties'] as object)).toEqual(['q']);
    expect(found.parseArguments({ q: 'x' })).toEqual({ ok: true, parameters: { q: 'x' } });
    expect(found.parseArguments({ p: 'x' })).toMatchObject({ problems: [{ path: '/p' }] });
  });

  // Dify takes a default of 0 or false for no value, and compares the default of a select without a cast.
  test.each<[string, Partial<ToolParameter>, unknown]>([
    ['zero', { type: 'number', required: true, default: 0 }, 0],
    ['false', { type: 'boolean', required: true, default: false }, false],
    ['a number for a select', { type: 'select', options: options('1', '3'), default: 3 }, '3'],
    ['a selected model', { type: 'model-selector', default: { model: 'm' } }, { model: 'm' }],
  ])('a default that Dify would not fill in is sent: %s', (_, more, value) => {
    const found = toolWith(formTool(more));
    expect(found.parseArguments({})).toEqual({ ok: true, parameters: { p: value } });
  });

  test.each<[string, Partial<ToolParameter>]>([
    ['a required one without a default', { required: true }],
    ['a required one with an empty default', { required: true, default: '' }],
    ['a required secret', { type: 'secret-input', required: true }],
    ['a required secret for models', { type: 'secret-input', form: 'llm', required: true }],
    [
      'a required select whose default is no choice',
      { type: 'select', options: options('a'), required: true, default: 'b' },
    ],
    [
      'an optional select whose default is no choice',
      { type: 'select', options: options('a'), default: 'b' },
    ],
    ['an optional model', { type: 'model-selector' }],
    ['an optional app', { type: 'app-selector' }],
    ['a required select without choices', { type: 'select', required: true }],
    ['a required select without choices for models', { type: 'select', form: 'llm', required: true }],
    ['a required select with an empty choice', { type: 'select', options: options(''), required: true }],
  ])('%s makes the tool incomplete', (_, more) => {
    const registry = registryWith(formTool(more));
    expect(registry.tools).toEqual([]);
    expect(registry.withheld).toMatchObject([{ name: NAME, reason: 'incomplete', ref: { tool: 'work' } }]);
    expect(registry.withheld[0]?.detail).toMatch(/^"p" /);
  });

  test('the detail has all parameters, their choices and the lines that would publish the tool', () => {
    const registry = registryWith([
      parameter('key', { form: 'form', required: true }),
      parameter('the mode', {
        form: 'form',
        type: 'select',
        required: true,
        options: options('fast', 'slow'),
      }),
    ]);
    expect(registry.withheld[0]?.detail).toBe(
      [
        '"key" is required but has neither a preset nor a default.',
        '"the mode" is required but has neither a preset nor a default. Its choices: fast, slow.',
        'Preset it in the configuration:',
        'tools:',
        '  presets:',
        '    acme_kit__work:',
        '      parameters:',
        '        key: <value>',
        '        "the mode": "fast"',
        'or let callers set it:',
        'tools:',
        '  presets:',
        '    acme_kit__work:',
        '      publish: [key, "the mode"]',
      ].join('\n'),
    );
  });

  test('the detail advises no preset where none would help', () => {
    const { detail } = registryWith(formTool({ type: 'select', required: true })).withheld[0] ?? {};
    expect(detail).toBe('"p" is required, but Dify currently offers no choices for it.');
  });
});

describe('form parameters published', () => {
  const rules = { formParameters: 'publish' } as const;

  test('callers set them, and Dify gets their defaults', () => {
    const found = toolWith(
      formTool({ type: 'select', options: options('a', 'b'), required: true, default: 'a' }),
      rules,
    );
    expect(propertyOf(found, 'p')).toMatchObject({ enum: ['a', 'b'], default: 'a' });
    expect(found.parseArguments({ p: 'b' })).toEqual({ ok: true, parameters: { p: 'b' } });
    expect(found.parseArguments({})).toEqual({ ok: true, parameters: { p: 'a' } });
  });

  test.each<[string, Partial<ToolParameter>]>([
    ['without a default', { required: true }],
    ['models even when optional', { type: 'model-selector' }],
    ['a select whose default is no choice', { type: 'select', options: options('a'), default: 'b' }],
  ])('required: %s', (_, more) => {
    expect(toolWith(formTool(more), rules).inputSchema['required']).toEqual(['p']);
  });

  test('secrets never', () => {
    const found = toolWith(formTool({ type: 'secret-input' }), rules);
    expect(propertyOf(found, 'p')).toBeUndefined();
    expect(registryWith(formTool({ type: 'secret-input', required: true }), rules).withheld).toHaveLength(1);
  });
});

describe('presets', () => {
  const required = formTool({ required: true });

  test('a value completes a tool and is sent with every call, in the type of the parameter', () => {
    const found = toolWith(formTool({ type: 'number', required: true }), preset({ p: '5' }));
    expect(propertyOf(found, 'p')).toBeUndefined();
    expect(found.parseArguments({ q: 'x' })).toEqual({ ok: true, parameters: { p: 5, q: 'x' } });
    expect(found.parseArguments({ p: 6 })).toEqual({
      ok: false,
      problems: [{ path: '/p', message: 'callers cannot set this parameter: omit it' }],
    });
  });

  test('a parameter for models is preset in the same way', () => {
    const found = toolWith([parameter('q', { required: true })], preset({ q: 'fixed' }));
    expect(found.inputSchema['properties']).toEqual({});
    expect(found.parseArguments({})).toEqual({ ok: true, parameters: { q: 'fixed' } });
  });

  test('an overridable value is the default that callers see', () => {
    const found = toolWith(required, preset({ p: 'x' }, { overridable: true }));
    expect(propertyOf(found, 'p')).toMatchObject({ type: 'string', default: 'x' });
    expect(found.inputSchema['required']).toBeUndefined();
    expect(found.parseArguments({})).toEqual({ ok: true, parameters: { p: 'x' } });
    expect(found.parseArguments({ p: 'y' })).toEqual({ ok: true, parameters: { p: 'y' } });
  });

  test('a secret is not published, overridable or not', () => {
    const secret = formTool({ type: 'secret-input', required: true });
    const found = toolWith(secret, preset({ p: 'fake-secret' }, { overridable: true }));
    expect(JSON.stringify(found)).not.toContain('fake-secret');
    expect(found.parseArguments({})).toEqual({ ok: true, parameters: { p: 'fake-secret' } });
  });

  test('zero, false and an empty text are values', () => {
    expect(toolWith(formTool({ type: 'number' }), preset({ p: 0 })).parseArguments({})).toMatchObject({
      parameters: { p: 0 },
    });
    expect(toolWith(required, preset({ p: '' })).parseArguments({})).toMatchObject({ parameters: { p: '' } });
  });

  test('a file may be preset; it is still a file to hand over', () => {
    const file = { data: 'SGVsbG8=', filename: 'hello.txt' };
    const found = toolWith(formTool({ type: 'file', required: true }), preset({ p: file }));
    expect(found.fileParameters).toEqual([{ name: 'p' }]);
    expect(found.description).not.toContain('Takes files');
    expect(found.parseArguments({})).toEqual({ ok: true, parameters: { p: file } });
  });

  test('a credential is part of the tool', () => {
    const credentialId = '00000000-0000-0000-0000-000000000001';
    expect(toolWith([], preset({}, { credentialId })).credentialId).toBe(credentialId);
    expect(toolWith([]).credentialId).toBeUndefined();
  });

  test.each([
    ['the operator', formTool({ type: 'select', options: options('a'), required: true })],
    ['the operator, with a default', formTool({ type: 'select', options: options('a'), default: 'a' })],
    ['callers', [parameter('p', { type: 'select', options: options('a') })]],
  ])(
    'a value that does not fit a parameter of %s withholds the tool, and is not repeated',
    (_, parameters) => {
      const registry = registryWith(parameters, preset({ p: 'fake-secret' }));
      const message = 'The preset for "p" is not a value that the parameter accepts. Its choices: a.';
      expect(registry.notes).toMatchObject([{ name: NAME, message }]);
      expect(registry.tools).toEqual([]);
      const detail = `${message}\nThe tool is withheld until tools.presets.${NAME} fits it again.`;
      expect(registry.withheld).toMatchObject([{ reason: 'incomplete', detail }]);
    },
  );

  test('a value that does not fit and that callers may replace is noted', () => {
    const registry = registryWith(
      [parameter('p', { type: 'number' })],
      preset({ p: 'many' }, { overridable: true }),
    );
    expect(registry.tools).toHaveLength(1);
    expect(registry.notes).toMatchObject([
      { message: expect.stringContaining('"p" is not a value') as string },
    ]);
  });

  test('an unknown parameter is noted with the near one', () => {
    const registry = registryWith([parameter('language')], preset({ langage: 'x' }));
    expect(registry.notes).toMatchObject([
      { name: NAME, message: expect.stringContaining('Did you mean "language"?') as string },
    ]);
  });

  test.each<[string, Partial<Preset>, number]>([
    ['fixes', { parameters: { gone: 'x' } }, 0],
    ['narrows', { narrow: { gone: { maximum: 3 } } }, 0],
    ['publishes', { publish: ['gone'] }, 1],
    ['has a default for', { parameters: { gone: 'x' }, overridable: true }, 1],
    ['publishes with a default', { publish: ['gone'], parameters: { gone: 'x' } }, 1],
    ['leaves choices of', { narrow: { gone: { enum: ['x'] } } }, 0],
    ['leaves a range of', { narrow: { gone: { minimum: 3 } } }, 0],
    ['describes', { narrow: { gone: { description: 'Gone.' } } }, 1],
  ])('what a preset %s and the tool has no more: %j', (_, more, published) => {
    const registry = registryWith([parameter('instead')], {
      presets: { [NAME]: { parameters: {}, ...more } },
    });
    expect(registry.tools).toHaveLength(published);
    expect(registry.withheld).toHaveLength(1 - published);
    expect(registry.notes).toMatchObject([{ message: expect.stringContaining('"gone"') as string }]);
  });

  test('what a glob lets callers replace takes nothing from them when it is gone', () => {
    const presets = {
      '*': { parameters: {}, overridable: true },
      [NAME]: { parameters: { gone: 'x' } },
    };
    expect(registryWith([parameter('instead')], { presets }).tools).toHaveLength(1);
  });

  test('a value for a select without choices withholds the tool', () => {
    const empty = [parameter('p', { form: 'form', type: 'select', options: [] })];
    expect(registryWith(empty).tools).toHaveLength(1);
    const registry = registryWith(empty, preset({ p: 'fake-secret' }));
    const message = '"p" has a preset, but Dify currently offers no choices for it.';
    expect(registry.notes).toMatchObject([{ name: NAME, message }]);
    expect(registry.withheld).toMatchObject([{ detail: expect.stringContaining(message) as string }]);
    const open = registryWith(empty, preset({ p: 'x' }, { overridable: true }));
    expect(open.tools).toHaveLength(1);
    expect(open.notes).toMatchObject([{ message }]);
  });

  test('the preset at fault is named, not the strongest, and each once', () => {
    const presets = {
      '*': { parameters: { p: 'a', q: 'b' } },
      'acme_*': { parameters: {}, narrow: { r: { maximum: 5 } } },
      [NAME]: { parameters: {}, title: 'Work' },
    };
    const parameters = [...['p', 'q'].map((name) => parameter(name, { type: 'number' })), parameter('r')];
    const registry = registryWith(parameters, { presets });
    expect(registry.notes.map(({ setting }) => setting)).toEqual([
      'tools.presets.*',
      'tools.presets.*',
      'tools.presets.acme_*',
    ]);
    expect(registry.withheld[0]?.detail.split('\n').slice(3)).toEqual([
      'The tool is withheld until tools.presets.* and tools.presets.acme_* fit it again.',
    ]);
  });

  test('a narrowing at fault is looked for by what of it does not fit', () => {
    const settingsOf = (type: string, presets: Record<string, Narrowing>): unknown[] =>
      registryWith([parameter('p', { type })], {
        presets: Object.fromEntries(
          Object.entries(presets).map(([name, p]) => [name, { parameters: {}, narrow: { p } }]),
        ),
      }).withheld.map(({ detail }) => detail.split('\n').at(-1));
    const until = ['The tool is withheld until tools.presets.* fits it again.'];
    expect(settingsOf('string', { '*': { maximum: 5 }, [NAME]: { description: 'P.' } })).toEqual(until);
    expect(settingsOf('number', { '*': { enum: ['x'] }, [NAME]: { maximum: 5 } })).toEqual(until);
  });

  test('a problem that Dify may fix later withholds the tool', () => {
    const registry = registryWith([parameter('p', { type: 'number' })], {
      presets: {
        '*': { parameters: { p: 'x' }, overridable: true },
        [NAME]: { parameters: {}, narrow: { p: { enum: ['q'] } } },
      },
    });
    expect(registry.notes).toHaveLength(2);
    expect(registry.withheld[0]?.detail.split('\n')).toEqual([
      'The narrowing of "p" does not fit: "q" is none of its values.',
      `The tool is withheld until tools.presets.${NAME} fits it again.`,
    ]);
  });

  test('a credential and a secret name their preset too', () => {
    const presets = {
      '*': { parameters: {}, publish: ['key'], credential: 'Team' },
      [NAME]: { parameters: {}, title: 'Work' },
    };
    const registry = registryWith([parameter('key', { type: 'secret-input' })], { presets });
    expect(registry.notes.map(({ setting }) => setting)).toEqual(['tools.presets.*', 'tools.presets.*']);
  });

  test('a narrowing of a parameter of any name is kept', () => {
    const narrow = JSON.parse('{"__proto__": {"enum": ["a"]}}') as Record<string, Narrowing>;
    const presets = { [NAME]: { parameters: {}, narrow } };
    const found = toolWith([parameter('__proto__')], { presets });
    expect(found.inputSchema['properties']).toMatchObject({ proto__: { enum: ['a'] } });
  });

  test('a default outside a narrowing is reported with the remaining choices', () => {
    const registry = registryWith([parameter('p', { type: 'select', options: options('a', 'b', 'c') })], {
      presets: { [NAME]: { parameters: { p: 'c' }, publish: ['p'], narrow: { p: { enum: ['a', 'b'] } } } },
    });
    const message = (choices: string): string =>
      `The preset for "p" is not a value that the parameter accepts. Its choices: ${choices}.`;
    expect(registry.notes.map((note) => note.message)).toEqual([message('a, b')]);
    const ofList = registryWith(
      [parameter('p', { type: 'select', multiple: true, options: options('a', 'b', 'c') })],
      { presets: { [NAME]: { parameters: { p: ['c'] }, publish: ['p'], narrow: { p: { enum: ['a'] } } } } },
    );
    expect(ofList.notes.map((note) => note.message)).toEqual([message('a')]);
    const ofNumbers = registryWith([parameter('p', { type: 'number' })], {
      presets: { [NAME]: { parameters: { p: 3 }, publish: ['p'], narrow: { p: { enum: [1, 2] } } } },
    });
    expect(ofNumbers.notes.map((note) => note.message)).toEqual([message('1, 2')]);
  });

  test('an unknown tool is noted with the near ones', () => {
    const note = (name: string) => registryWith([], { presets: { [name]: { parameters: {} } } }).notes[0];
    expect(note('acme_kit_work')).toMatchObject({
      name: 'acme_kit_work',
      message: expect.stringContaining('Did you mean acme_kit__work?') as string,
    });
    expect(note('work')?.message).toContain('acme_kit__work');
    expect(note('constructor')?.message).not.toContain('Did you mean');
  });
});
