import { describe, expect, test } from 'vitest';
import type { ToolProvider } from '../../../src/model/tool.ts';
import { buildRegistry } from '../../../src/registry/build.ts';
import type { Preset } from '../../../src/registry/rules.ts';
import { explainTool } from '../../../src/registry/explain.ts';
import { officialTools, sharedNote } from '../../support/shared.ts';
import {
  officialProviders,
  options,
  parameter,
  propertyOf,
  provider,
  registryOf,
  RULES,
  tool,
  toolWith,
} from '../../support/declarations.ts';
import { broken, compiled } from '../../support/schema-rules.ts';

const NAME = 'acme_kit__work';
const none = { parameters: {} };

function withPresets(presets: Record<string, Partial<Preset>>, parameters = [parameter('q')]) {
  const whole = Object.entries(presets).map(([name, preset]) => [name, { ...none, ...preset }]);
  return toolWith(parameters, { presets: Object.fromEntries(whole) as Record<string, Preset> });
}

describe('several presets of one tool', () => {
  test('globs come first in their order, then the name; the later wins by key', () => {
    const found = withPresets(
      {
        [NAME]: { parameters: { c: 'name' }, title: 'Named' },
        '*': { parameters: { a: 'all', b: 'all', c: 'all' }, title: 'All', description: 'All.' },
        'acme_*': { parameters: { b: 'acme' }, narrow: { q: { enum: ['x'] } } },
        '*work': { parameters: {}, narrow: { q: { description: 'Which.' } } },
      },
      ['a', 'b', 'c', 'q'].map((name) => parameter(name)),
    );
    expect(found).toMatchObject({ title: 'Named', description: 'All.' });
    expect(found.parseArguments({})).toEqual({ ok: true, parameters: { a: 'all', b: 'acme', c: 'name' } });
    expect(propertyOf(found, 'q')).toEqual({ type: 'string', enum: ['x'], description: 'Which.' });
  });

  test('the later says which credential, and whether it is by name or id', () => {
    const providers = [provider('acme/kit/kit', [tool('work')])];
    const credentials = new Map([['acme/kit/kit', [{ id: 'id-1', name: 'Team' }]]]);
    const idOf = (presets: Record<string, Preset>): string | undefined =>
      buildRegistry(providers, { ...RULES, presets }, { credentials }).get(NAME)?.credentialId;
    expect(idOf({ '*': { ...none, credentialId: 'id-2' }, [NAME]: { ...none, credential: 'Team' } })).toBe(
      'id-1',
    );
    expect(idOf({ '*': { ...none, credential: 'Team' }, [NAME]: { ...none, credentialId: 'id-2' } })).toBe(
      'id-2',
    );
    expect(idOf({ '*': { ...none, credential: 'Team' }, [NAME]: none })).toBe('id-1');
  });

  test('limits of results go by their keys, and are explained', () => {
    const presets = {
      '*': { ...none, results: { maxImageBytes: 1, maxTextChars: 2000 } },
      [NAME]: { ...none, results: { maxImageBytes: 2 } },
    };
    expect(withPresets(presets).results).toEqual({ maxImageBytes: 2, maxTextChars: 2000 });
    expect(withPresets({}).results).toBeUndefined();
    const registry = buildRegistry([provider('acme/kit/kit', [tool('work')])], { ...RULES, presets });
    expect(explainTool(registry, NAME)).toContain(
      'Its preset limits what a result contains: maxImageBytes 2, maxTextChars 2000',
    );
  });

  test('the later says whether a tool is read-only or destructive', () => {
    const found = withPresets({ '*': { readOnly: true }, [NAME]: { destructive: true } });
    expect(found.annotations).toEqual({ destructiveHint: true });
    const other = withPresets({ '*': { destructive: true }, [NAME]: { readOnly: true } });
    expect(other.annotations).toEqual({ readOnlyHint: true });
  });

  test('a glob that fits nothing, and a parameter that none of its tools has, are noted', () => {
    const registry = registryOf([provider('acme/kit/kit', [tool('work', [parameter('q')]), tool('rest')])], {
      presets: { 'akme_*': none, 'acme_*': { parameters: { q: 'x', unit: 'm' } } },
    });
    expect(registry.notes).toEqual([
      {
        name: 'acme_*',
        setting: 'tools.presets.acme_*',
        message: 'The preset names a parameter "unit", which none of its tools has.',
      },
      {
        name: 'akme_*',
        setting: 'tools.presets.akme_*',
        message: 'The preset matches no tool.',
      },
    ]);
    expect(registry.tools).toHaveLength(2);
  });

  test('with bare names, globs are tried on both', () => {
    const presets = { 'w*': { parameters: { q: 'x' } } };
    expect(toolWithBare(presets)).toEqual({ ok: true, parameters: { q: 'x' } });
  });

  function toolWithBare(presets: Record<string, Preset>) {
    const one = provider('acme/kit/kit', [tool('work', [parameter('q')])]);
    return registryOf([one], { names: 'bare', presets }).get('work')?.parseArguments({});
  }
});

describe('publish', () => {
  const secret = parameter('key', { form: 'form', type: 'secret-input', required: true });
  const region = parameter('region', { form: 'form', required: true, llmDescription: 'Where.' });

  test('makes an argument of a parameter for the operator', () => {
    const found = withPresets({ [NAME]: { publish: ['region'] } }, [region]);
    expect(found.inputSchema['required']).toEqual(['region']);
    expect(found.parseArguments({ region: 'eu' })).toEqual({ ok: true, parameters: { region: 'eu' } });
    expect(found.parseArguments({})).toMatchObject({ problems: [{ path: '/region' }] });
  });

  test('with a value, that is the default', () => {
    const found = withPresets({ [NAME]: { publish: ['region'], parameters: { region: 'eu' } } }, [region]);
    expect(propertyOf(found, 'region')).toMatchObject({ default: 'eu' });
    expect(found.parseArguments({})).toEqual({ ok: true, parameters: { region: 'eu' } });
    expect(found.parseArguments({ region: 'us' })).toEqual({ ok: true, parameters: { region: 'us' } });
  });

  test('and narrowed', () => {
    const found = withPresets(
      { [NAME]: { publish: ['region'], narrow: { region: { enum: ['eu', 'us'] } } } },
      [region],
    );
    expect(propertyOf(found, 'region')).toMatchObject({ enum: ['eu', 'us'], description: 'Where.' });
    expect(found.parseArguments({ region: 'cn' })).toMatchObject({ ok: false });
  });

  test('never of a secret', () => {
    const presets = { [NAME]: { publish: ['key'], parameters: { key: 'fake-secret' } } };
    const registry = registryOf([provider('acme/kit/kit', [tool('work', [secret])])], { presets });
    expect(registry.tools[0]?.parseArguments({ key: 'other' })).toMatchObject({ ok: false });
    expect(registry.tools[0]?.parseArguments({})).toEqual({ ok: true, parameters: { key: 'fake-secret' } });
    expect(registry.notes).toMatchObject([{ message: expect.stringContaining('is a secret') }]);
    expect(JSON.stringify(registry.notes)).not.toContain('fake-secret');
  });

  test('of an unknown parameter is noted', () => {
    const presets = { [NAME]: { ...none, publish: ['regoin'] } };
    const registry = registryOf([provider('acme/kit/kit', [tool('work', [region])])], { presets });
    expect(registry.notes).toMatchObject([{ message: expect.stringContaining('Did you mean "region"?') }]);
  });
});

describe('texts and effects', () => {
  test('title and description replace those in Dify, cut to what clients accept', () => {
    expect(withPresets({ [NAME]: { title: 'Look\u0007 up', description: ' One fact. ' } })).toMatchObject({
      title: 'Look up',
      description: 'One fact.',
    });
    expect(withPresets({ [NAME]: { description: 'word '.repeat(400) } }).description.length).toBeLessThan(
      1025,
    );
  });

  test('the description still tells that a tool cannot be used', () => {
    const one = provider('acme/kit/kit', [tool('work')], { authorized: false });
    const presets = { [NAME]: { ...none, description: 'One fact.' } };
    expect(registryOf([one], { presets }).tools[0]?.description).toBe(
      'One fact.\n\nNot usable yet: its provider must first be authorised in Dify.',
    );
  });

  test.each<[Partial<Preset>, object]>([
    [{}, {}],
    [
      { readOnly: true, idempotent: true },
      { readOnlyHint: true, idempotentHint: true },
    ],
    [
      { readOnly: false, destructive: false },
      { readOnlyHint: false, destructiveHint: false },
    ],
    [{ destructive: true }, { destructiveHint: true }],
  ])('%j is annotated', (preset, annotations) => {
    expect(withPresets({ [NAME]: preset }).annotations).toEqual(annotations);
  });
});

describe('a credential', () => {
  const ID = 'acme/kit/kit';
  const build = (
    preset: Partial<Preset>,
    names: readonly string[] | undefined,
    one?: Partial<ToolProvider>,
  ) => {
    const list = names?.map((name, index) => ({ id: `id-${index}`, name }));
    const credentials = list === undefined ? {} : { credentials: new Map([[ID, list]]) };
    const presets = { '*': { ...none, ...preset } };
    return buildRegistry([provider(ID, [tool('work')], one)], { ...RULES, presets }, credentials);
  };

  test('is found by the name that Dify shows', () => {
    expect(build({ credential: 'Team' }, ['Own', 'Team']).tools[0]?.credentialId).toBe('id-1');
  });

  test('by its id passes as it is', () => {
    expect(build({ credentialId: 'id-9' }, undefined).tools[0]?.credentialId).toBe('id-9');
  });

  test.each<[string, readonly string[] | undefined, RegExp]>([
    ['an unknown name', ['Own', 'Team B'], /"Team".*does not have\. It has: "Own", "Team B"/],
    ['a provider without any', [], /It has none/],
    [
      'a name that two have',
      ['Team', 'Team'],
      /2 credentials of the provider have.*credentialId to one of their IDs: id-0, id-1/,
    ],
    ['credentials that nobody listed', undefined, /are unknown/],
  ])('%s withholds the tool', (_, names, expected) => {
    const registry = build({ credential: 'Team' }, names);
    expect(registry.withheld).toMatchObject([
      { reason: 'incomplete', detail: expect.stringMatching(expected) },
    ]);
    expect(registry.notes).toMatchObject([{ setting: 'tools.presets.*' }]);
  });

  test('of a provider for which Dify heeds none is noted, and not used', () => {
    const registry = build({ credential: 'Team' }, undefined, { type: 'workflow' });
    expect(registry.tools[0]?.credentialId).toBeUndefined();
    expect(registry.notes).toMatchObject([{ message: expect.stringContaining('only for tools of plugins') }]);
  });
});

describe('the official declarations', () => {
  const providers = officialProviders(officialTools());

  test(`are sound with every parameter promoted and a new description${sharedNote}`, () => {
    const parameters = new Set(
      providers.flatMap(({ tools }) => tools.flatMap((item) => item.parameters.map(({ name }) => name))),
    );
    const publish = [...parameters];
    const narrow = Object.fromEntries(publish.map((name) => [name, { description: `About ${name}.` }]));
    const presets = { '*': { ...none, publish, narrow } };
    const registry = registryOf(providers, { presets });
    expect(registry.tools.length + registry.withheld.length).toBe(officialTools().length);
    for (const published of registry.tools) {
      expect([published.name, ...broken(published.inputSchema)]).toEqual([published.name]);
      compiled(published.inputSchema);
      for (const property of Object.values(published.inputSchema['properties'] as object)) {
        expect((property as { description: string }).description).toMatch(/^About /);
      }
    }
    expect(registry.withheld.every(({ reason }) => reason === 'incomplete')).toBe(true);
  });

  test(`are sound with each select narrowed to its first choice${sharedNote}`, () => {
    for (const one of providers) {
      for (const item of one.tools) {
        const narrow = Object.fromEntries(
          item.parameters
            .filter(
              ({ type, form, options: choices }) => type === 'select' && form === 'llm' && choices.length > 0,
            )
            .map(({ name, options: choices }) => [name, { enum: [choices[0]?.value ?? ''] }]),
        );
        const [published] = registryOf([{ ...one, tools: [item] }], {
          presets: { '*': { ...none, narrow } },
        }).tools;
        for (const [name, { enum: choices }] of Object.entries(published === undefined ? {} : narrow)) {
          if (published === undefined || choices[0] === '') continue;
          expect([published.name, ...broken(published.inputSchema)]).toEqual([published.name]);
          expect(JSON.stringify(propertyOf(published, name))).toContain(JSON.stringify(choices));
        }
      }
    }
  });

  test('of our own replace them: a select of numbers, a list, a required one', () => {
    const parameters = [
      parameter('n', { type: 'select', options: options('1', '2') }),
      parameter('m', { type: 'select', multiple: true, options: options('a', 'b') }),
      parameter('r', { required: true }),
    ];
    const found = withPresets(
      { '*': { narrow: { n: { enum: [2] }, m: { enum: ['b'] }, r: { enum: ['x'] } } } },
      parameters,
    );
    expect(broken(found.inputSchema)).toEqual([]);
    const validate = compiled(found.inputSchema);
    for (const args of [{ n: '2', m: ['b'], r: 'x' }, { n: '1', r: 'x' }, { m: ['a'], r: 'x' }, { n: '2' }]) {
      expect(validate(args)).toBe(found.parseArguments(args).ok);
    }
  });
});
