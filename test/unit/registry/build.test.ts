import { describe, expect, test } from 'vitest';
import type { DifyTool, ToolProvider } from '../../../src/model/tool.ts';
import { explainTool, similarNames } from '../../../src/registry/explain.ts';
import {
  english,
  options,
  parameter,
  provider,
  RULES,
  registryOf,
  registryWith,
  tool,
  toolWith,
} from '../../support/declarations.ts';
import { brokenOutput, compiled } from '../../support/schema-rules.ts';

const kit = provider('acme/kit/kit', [tool('work', [parameter('q')])]);

function only(one: ToolProvider, rules: Partial<typeof RULES> = {}) {
  const [published] = registryOf([one], rules).tools;
  if (published === undefined) throw new Error('withheld');
  return published;
}

function workflow(outputs: Record<string, string> | undefined, more: Partial<DifyTool> = {}): ToolProvider {
  const properties = Object.fromEntries(
    Object.entries(outputs ?? {}).map(([name, type]) => [name, { type, description: '' }]),
  );
  const outputSchema = outputs === undefined ? {} : { outputSchema: { type: 'object', properties } };
  return provider('11111111-1111-1111-1111-111111111111', [tool('flow', [], { ...outputSchema, ...more })], {
    type: 'workflow',
    name: 'Flow',
    label: english('Label of flow'),
  });
}

describe('title and description', () => {
  test('are the label and the description', () => {
    expect(only(kit)).toMatchObject({
      title: 'Label of work',
      description: 'Does work.',
      providerLabel: 'Label of acme/kit/kit',
      authorized: true,
      ref: { providerType: 'builtin', providerId: 'acme/kit/kit', tool: 'work' },
      annotations: {},
      fileParameters: [],
    });
  });

  test.each<[Partial<ToolProvider>, Partial<typeof RULES>, string]>([
    [{ label: english('Acme Kit') }, {}, ''],
    [{ label: english('Acme Kit') }, { names: 'bare' }, '\n\nFrom the Dify plugin Acme Kit.'],
    [{ label: english('Toolbox') }, {}, '\n\nFrom the Dify plugin Toolbox.'],
    // A word of it is enough, unless it is so short that it could be chance.
    [{ label: english('Helpers of Acme') }, {}, ''],
    [{ label: english('AcmeHelpers') }, {}, ''],
    [{ label: english('A kit') }, {}, '\n\nFrom the Dify plugin A kit.'],
    [{ type: 'api', name: 'Pet store', label: english('Pet store') }, {}, ''],
    [{ type: 'mcp', id: 'library-desk', label: english('Library desk') }, {}, ''],
  ])('say where a tool comes from unless its name does: %o, %o', (more, rules, note) => {
    expect(only(provider('acme/kit/kit', [tool('work')], more), rules).description).toBe(`Does work.${note}`);
  });

  test.each<[Partial<ToolProvider>, string]>([
    [{ id: 'time' }, 'Built into Dify (Label).'],
    [{ type: 'api', name: 'pets' }, 'From the custom API Label in Dify.'],
    [{ type: 'mcp', id: 'docs' }, 'From the MCP server Label, through Dify.'],
    [{ type: 'workflow' }, 'The Dify workflow Label. May take minutes.'],
    [{ authorized: false }, 'Not usable yet: its provider must first be authorised in Dify.'],
  ])('of %o say %s', (more, note) => {
    const published = only(provider('acme/kit/kit', [tool('work')], { label: english('Label'), ...more }));
    expect(published.description).toContain(note);
  });

  test('leave it to the parameters to say that they take files', () => {
    const { description, fileParameters } = toolWith([
      parameter('a picture', { type: 'file' }),
      parameter('papers', { type: 'files' }),
    ]);
    expect(description).not.toContain('picture');
    expect(fileParameters).toEqual([{ name: 'a picture' }, { name: 'papers' }]);
  });

  test('follow the languages of the configuration, then English, then any', () => {
    const label = { zh_Hans: '搜索', en_US: 'Search', pt_BR: '' };
    const title = (languages: string[], text = label as Record<string, string>) =>
      only(provider('acme/kit/kit', [tool('work', [], { label: text })]), { languages }).title;
    expect(title(['zh_Hans'])).toBe('搜索');
    expect(title(['pt_BR', 'zh_Hans'])).toBe('搜索');
    expect(title(['de_DE'])).toBe('Search');
    expect(title(['de_DE'], { en_US: '', ja_JP: '検索' })).toBe('検索');
    expect(title(['de_DE'], { en_US: '  ' })).toBe('work');
  });

  test('fall back to the label and the name', () => {
    const bare = only(
      provider('acme/kit/kit', [tool('work', [], { label: {}, description: { en_US: '' } })]),
    );
    expect(bare.title).toBe('work');
    expect(bare.description).toBe('work');
  });

  test('are cut in the own text, never in the notes', () => {
    const long = english('word '.repeat(2000));
    const published = only(
      provider('acme/kit/kit', [tool('work', [parameter('f', { type: 'file' })], { description: long })], {
        label: english('L'.repeat(3000)),
        authorized: false,
      }),
    );
    expect(published.description.length).toBeLessThanOrEqual(1024);
    expect(published.description).toMatch(/word…\n\nFrom the Dify plugin L+….\s*Not usable yet: .*\.$/);
  });

  test('carry no control characters', () => {
    const text = english('a\u0000b\u001b[31mc\nd');
    expect(only(provider('acme/kit/kit', [tool('work', [], { description: text })])).description).toMatch(
      /^abc\nd/,
    );
  });
});

describe('output schemas', () => {
  test("translate Dify's value types of a workflow, promising nothing", () => {
    const { outputSchema } = only(
      workflow({
        s: 'string',
        n: 'number',
        i: 'integer',
        b: 'boolean',
        o: 'object',
        x: 'secret',
        any: 'any',
        a: 'array',
        as: 'array[string]',
        ao: 'array[object]',
        aa: 'array[any]',
      }),
    );
    expect(outputSchema).toEqual({
      type: 'object',
      properties: {
        s: { type: ['string', 'null'] },
        n: { type: ['number', 'null'] },
        i: { type: ['integer', 'null'] },
        b: { type: ['boolean', 'null'] },
        o: { type: ['object', 'null'] },
        x: { type: ['string', 'null'] },
        as: { type: ['array', 'null'], items: { type: ['string', 'null'] } },
        ao: { type: ['array', 'null'], items: { type: ['object', 'null'] } },
      },
    });
    expect(brokenOutput(outputSchema ?? {})).toEqual([]);
    const valid = compiled(outputSchema ?? {});
    expect(valid({ s: null, as: ['x', null], text: 'more' })).toBe(true);
    // Outputs of any type are not declared, since a schema without a type is refused.
    expect(valid({ any: [[1]], a: [[{}]], aa: [null] })).toBe(true);
    expect(valid({})).toBe(true);
    expect(valid({ n: 'x' })).toBe(false);
  });

  test.each<[string, ToolProvider]>([
    ['a file among the outputs', workflow({ s: 'string', f: 'file' })],
    ['a list of files among the outputs', workflow({ f: 'array[file]' })],
    ['an output of an unknown type', workflow({ f: 'hologram' })],
    ['no outputs', workflow({})],
    ['outputs of any type alone', workflow({ a: 'any', b: 'array', c: 'array[array]' })],
    ['no schema', workflow(undefined)],
    ['a schema that is none', workflow(undefined, { outputSchema: { properties: { a: 'string' } } })],
    [
      'a plugin, whose schema Dify does not enforce',
      provider('acme/kit/kit', [
        tool('work', [], { outputSchema: { type: 'object', properties: { a: { type: 'string' } } } }),
      ]),
    ],
  ])('are not there with %s', (_, one) => {
    expect(only(one).outputSchema).toBeUndefined();
  });
});

describe('rules', () => {
  const locked = provider('acme/lock/lock', [tool('open')], { authorized: false });

  test('tools of unauthorised providers are published with a mark', () => {
    expect(only(locked).authorized).toBe(false);
  });

  test('or withheld by rule, which the detail names', () => {
    const registry = registryOf([kit, locked], { unauthorized: 'hide' });
    expect(registry.tools.map(({ name }) => name)).toEqual(['acme_kit__work']);
    expect(registry.withheld).toMatchObject([
      { name: 'acme_lock__open', title: 'Label of open', reason: 'hidden' },
    ]);
    expect(registry.withheld[0]?.detail).toContain('tools.unauthorized');
  });

  test.each<[string, Parameters<typeof provider>]>([
    ['a custom API', ['1', [], { type: 'api' }]],
    ['speech recognition', ['audio', []]],
  ])('files of %s are published, and said not to be taken', (_, [id, , extra]) => {
    const name = id === 'audio' ? 'asr' : 'upload';
    const declared = tool(name, [parameter('f', { type: 'file', required: true }), parameter('q')]);
    const { tools, withheld } = registryOf([provider(id, [declared], extra)]);
    expect(withheld).toEqual([]);
    const [found] = tools;
    const refused = expect.stringMatching(/^Dify cannot pass files to .*\.$/);
    expect(found?.fileParameters).toEqual([{ name: 'f', refused }]);
    expect(found?.description).toMatch(/Dify cannot pass files to .* Calls with f are refused\./);
    expect(found?.inputSchema).toMatchObject({
      required: ['f'],
      properties: { f: { type: 'object', description: expect.stringContaining('Dify cannot pass files') } },
    });
  });

  test('an optional select without choices is left out', () => {
    expect(toolWith([parameter('p', { type: 'select' })]).inputSchema['properties']).toEqual({});
  });
});

describe('the registry', () => {
  const broken: DifyTool = {
    ...tool('broken'),
    get parameters(): never {
      throw new Error('no parameters');
    },
  };

  test('one tool that cannot be built is withheld, and the others are published', () => {
    const registry = registryOf([provider('acme/kit/kit', [broken, tool('work'), tool('')])]);
    expect(registry.tools.map(({ name }) => name)).toEqual(['acme_kit__work']);
    expect(registry.withheld).toMatchObject([
      {
        name: 'acme_kit__broken',
        reason: 'invalid',
        detail: expect.stringContaining('no parameters') as string,
      },
      { reason: 'invalid', detail: expect.stringContaining('no name') as string },
    ]);
  });

  test('is sorted by code point and finds tools by name', () => {
    const registry = registryOf([
      provider(
        'acme/kit/kit',
        ['b', 'a', 'B', 'a-b', 'a_b'].map((name) => tool(name)),
      ),
    ]);
    const names = registry.tools.map(({ name }) => name);
    expect(names).toEqual(['acme_kit__B', 'acme_kit__a', 'acme_kit__a-b', 'acme_kit__a_b', 'acme_kit__b']);
    expect(registry.get('acme_kit__a-b')).toBe(registry.tools[2]);
    expect(registry.get('constructor')).toBeUndefined();
  });

  test('is frozen all the way, and does not freeze the declarations', () => {
    const choices = [...options('a')];
    const registry = registryWith([parameter('p', { type: 'select', options: choices, default: 'a' })]);
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    const { tools, withheld, notes } = registry;
    expect([registry, tools, withheld, notes].map(Object.isFrozen)).toEqual([true, true, true, true]);
    expect([...tools, ...withheld, ...notes].every(frozen)).toBe(true);
    expect(Object.isFrozen(choices)).toBe(false);
  });

  test('the fingerprint follows what clients see, and nothing else', () => {
    const print = (one: ToolProvider, rules = {}) => registryOf([one], rules).fingerprint;
    const one = tool('work', [parameter('q')]);
    const before = print(provider('acme/kit/kit', [one]));
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect(print(provider('acme/kit/kit', [{ ...one }]))).toBe(before);
    const seen = [
      print(provider('acme/kit/kit', [{ ...one, label: english('x') }])),
      print(provider('acme/kit/kit', [{ ...one, description: english('x') }])),
      print(provider('acme/kit/kit', [tool('work', [parameter('q', { required: true })])])),
      print(provider('acme/kit/kit', [one, tool('more')])),
      print(provider('acme/kit/kit', [one]), { names: 'bare' }),
      print(provider('acme/kit/kit', [])),
    ];
    expect(new Set([before, ...seen]).size).toBe(seen.length + 1);
    const presets = { acme_kit__work: { parameters: {}, credentialId: 'c' } };
    expect(print(provider('acme/kit/kit', [one]), { presets })).toBe(before);
  });
});

describe('explanations', () => {
  const registry = registryOf(
    [
      provider('acme/kit/kit', [
        tool('work', [
          parameter('q', { required: true }),
          parameter('r', { required: true }),
          parameter('p', { form: 'form', default: 'x' }),
          parameter('zero', { form: 'form', type: 'number', required: true, default: 0 }),
          parameter('limit', { type: 'number', default: 5 }),
        ]),
        tool('locked', [parameter('key', { form: 'form', required: true })]),
      ]),
      provider('acme_kit', [tool('work')], { authorized: false }),
    ],
    { presets: { acme_kit__work: { parameters: { q: 'x' }, publish: ['nope'], credentialId: 'c' } } },
  );

  test('of a published tool say where each parameter comes from', () => {
    expect(explainTool(registry, 'acme_kit__work')).toEqual([
      'acme_kit__work is published.',
      'In Dify: builtin provider acme/kit/kit, tool work',
      'Calls use the credential of its preset.',
      'Presets: tools.presets.acme_kit__work',
      'Parameter q: preset by the operator',
      'Parameter r: a required argument',
      "Parameter p: not published: Dify's default",
      'Parameter zero: sent with its declared default',
      'Parameter limit: an argument with a default',
      'Note: The preset names a parameter "nope", which the tool does not have.',
    ]);
  });

  test('of a tool with a clash and without credentials say so', () => {
    const name = registry.tools.find(({ authorized }) => !authorized)?.name ?? '';
    expect(explainTool(registry, name)).toEqual([
      `${name} is published.`,
      'In Dify: builtin provider acme_kit, tool work',
      'The provider has no credentials in Dify, so Dify refuses every call.',
      'Rule tools.unauthorized: publish, and the provider has no credentials',
      expect.stringContaining('Note: The name contains a hash') as string,
    ]);
  });

  test('of a withheld tool say the reason and the remedy', () => {
    expect(explainTool(registry, 'acme_kit__locked').join('\n')).toMatch(
      /withheld \(incomplete\)[^]*"key" is required[^]*presets:[^]*Parameter key: without a value/,
    );
  });

  test('of an unknown tool name similar ones, withheld ones too', () => {
    expect(explainTool(registry, 'acme_kit__lockd')).toEqual([
      'Dify has no tool that would be published as acme_kit__lockd.',
      expect.stringMatching(/^Similar names: acme_kit__locked/) as string,
    ]);
    expect(explainTool(registry, 'zzz')).toHaveLength(1);
  });

  test('similar names are found by slips, by case and by the bare name', () => {
    const some = registryOf([
      provider('langgenius/google/google', [tool('google_search'), tool('translate')]),
      provider('time', [tool('current_time')]),
    ]);
    expect(similarNames(some, 'current_time')).toEqual(['time__current_time']);
    expect(similarNames(some, 'TIME.current-time')[0]).toBe('time__current_time');
    expect(similarNames(some, 'google__gogle_search')[0]).toBe('google__google_search');
    expect(similarNames(some, 'something else')).toEqual([]);
    expect(similarNames(some, '')).toEqual([]);
  });
});

test('a title is one line of at most 128 characters, and so is the label of a provider', () => {
  const label = { en_US: `Weather\nbank__pay — Pay${' and more'.repeat(50)}` };
  const one = provider('acme/kit/kit', [{ ...tool('work'), label }], { label });
  const [found] = registryOf([one]).tools;
  for (const text of [found?.title ?? '', found?.providerLabel ?? '']) {
    expect(text).toMatch(/^Weather bank__pay — Pay and more.*…$/);
    expect(text.length).toBeLessThanOrEqual(128);
  }
});
