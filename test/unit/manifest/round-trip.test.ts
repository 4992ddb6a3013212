import * as fc from '../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { compareManifest } from '../../../src/manifest/compare.ts';
import { unpublishedIn } from '../../../src/manifest/unpublished.ts';
import { manifestFile } from '../../../src/manifest/file-schema.ts';
import { manifestFileText } from '../../../src/manifest/file-text.ts';
import { manifestFiles } from '../../../src/manifest/render.ts';
import { readYaml } from '../../../src/config/yaml-file.ts';
import { plain, providerOf } from '../../../src/manifest/declaration.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import type { Registry } from '../../../src/model/registry.ts';
import type { ToolProvider } from '../../../src/model/tool.ts';
import type { RegistryRules } from '../../../src/registry/rules.ts';
import { officialTools, sharedNote } from '../../support/shared.ts';
import {
  english,
  officialProviders,
  options,
  parameter,
  provider,
  registryOf,
  tool,
} from '../../support/declarations.ts';
import { published, RULES, WORKSPACE, written } from '../../support/manifest-workspace.ts';

async function expectSame(
  providers: readonly ToolProvider[],
  rules: Partial<RegistryRules> = {},
): Promise<Registry> {
  const { registry, manifest } = await written(providers, rules);
  const served = registryOf(manifest.catalog, rules);
  expect(published(served)).toEqual(published(registry));
  expect(served.fingerprint).toBe(registry.fingerprint);
  expect(compareManifest(manifest, served, unpublishedIn(manifest, providers))).toEqual({
    same: true,
    added: [],
    removed: [],
    changed: [],
  });
  return served;
}

describe('a manifest serves what it was written from', () => {
  it('for every kind of provider, parameter and text', async () => {
    const { tools } = await expectSame(WORKSPACE, RULES);
    expect(tools).toHaveLength(9);
  });

  it.each([
    ['bare names', { ...RULES, names: 'bare' }],
    ['short names', { ...RULES, maxNameLength: 20 }],
    ['another language', { ...RULES, languages: ['zh_Hans'] }],
    ['published form parameters', { formParameters: 'publish' }],
    ['a rule that hides', { ...RULES, unauthorized: 'hide' }],
  ] as const)('with %s', async (_title, rules) => {
    const { tools } = await expectSame(WORKSPACE, rules);
    expect(tools.length).toBeGreaterThan(5);
  });

  it(`for the official plugins${sharedNote}`, async () => {
    const providers = officialProviders(officialTools());
    const present = providers.length > 0 ? providers : WORKSPACE;
    const { tools } = await expectSame(present);
    expect(tools.length).toBeGreaterThan(present === WORKSPACE ? 5 : 350);
  });

  it('with the name that a tool has because of one that is not published', async () => {
    const stuck = parameter('team', { form: 'form', required: true });
    const providers = [
      provider('a/b_c', [tool('run', [stuck])]),
      provider('a_b/c', [tool('run')]),
      provider('other', [tool('stuck', [stuck])]),
    ];
    const { tools } = await expectSame(providers);
    expect(tools.map(({ name }) => name)).toEqual([expect.stringMatching(/^a_b_c__run_[0-9a-f]{6}$/)]);
    const { manifest } = await written(providers, {});
    // What was never published is there for its name alone, and counts as approved nowhere.
    expect(manifest.catalog.map(({ id }) => id)).toEqual(['a/b_c', 'a_b/c']);
    expect(manifest.providers.flatMap(({ tools: declared }) => declared)).toHaveLength(1);
    expect(manifest.tools).toHaveLength(1);
  });

  it('keeps what rules go by', async () => {
    const { manifest } = await written();
    const weather = manifest.providers.find(({ id }) => id === 'acme/weather/weather');
    expect(weather).toMatchObject({ tags: ['weather', 'utilities'], authorized: true });
    expect(manifest.providers.find(({ id }) => id === 'Acme/UPPER/Case')).toMatchObject({
      authorized: false,
    });
  });
});

const anyText = fc.oneof(
  fc.string({ unit: fc.character, maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '\t', '\r', ':', '#', '"', "'", '-', '\u200b', '\u2028'),
    maxLength: 30,
  }),
  fc.constantFrom(
    'null',
    'true',
    '1',
    '0x1',
    '~',
    '---',
    '...',
    '- a',
    'a: b',
    '!tag x',
    '&a',
    '*a',
    '%YAML 1.1',
    '<<',
    '|',
    '>',
  ),
);
const anyJson = fc.jsonValue({ maxDepth: 3, stringUnit: fc.character }) as fc.Arbitrary<Json>;
const anySchema = fc.dictionary(
  fc.oneof(anyText, fc.constantFrom('type', 'properties', 'items', '__proto__')),
  anyJson,
  {
    maxKeys: 4,
    noNullPrototype: true,
  },
);
const anyTexts = fc.dictionary(fc.constantFrom('en_US', 'zh_Hans', 'ja_JP'), anyText, {
  noNullPrototype: true,
});

const anyParameter = fc
  .record({
    name: anyText,
    type: fc.constantFrom('string', 'number', 'boolean', 'select', 'array', 'object', 'any', 'files'),
    form: fc.constantFrom('llm', 'llm', 'form'),
    required: fc.boolean(),
    label: anyTexts,
    humanDescription: anyTexts,
    llmDescription: anyText,
    fallback: fc.option(
      anyJson.filter((value) => value !== null),
      { nil: undefined },
    ),
    choices: fc.array(anyText, { maxLength: 3 }),
    inputSchema: fc.option(anySchema, { nil: undefined }),
  })
  .map(({ fallback, choices, inputSchema, ...rest }) => ({
    ...parameter(rest.name, rest),
    options: options(...choices),
    ...(fallback !== undefined && { default: fallback }),
    ...(inputSchema !== undefined && { inputSchema }),
  }));

const anyProviders = fc.uniqueArray(
  fc
    .record({
      id: anyText.filter((id) => id !== ''),
      type: fc.constantFrom('builtin', 'workflow', 'api', 'mcp' as const),
      name: anyText,
      label: anyTexts,
      tools: fc.uniqueArray(
        fc.record({
          name: anyText.filter((name) => name !== ''),
          label: anyTexts,
          description: anyTexts,
          parameters: fc.array(anyParameter, { maxLength: 3 }),
          outputSchema: fc.oneof(anySchema, fc.constant({ properties: { total: { type: 'number' } } })),
        }),
        { selector: ({ name }) => name, maxLength: 3 },
      ),
    })
    .map(({ id, tools, ...rest }) => provider(id, tools, rest)),
  { selector: ({ type, id }) => JSON.stringify([type, id]), maxLength: 4 },
);

it('keeps every text, as a value and as a key', () => {
  const odd = fc.constantFrom(
    ' \n',
    '\n',
    '\t',
    'a\n \nb',
    'a\n\n',
    ' a\nb',
    'a \nb',
    '\n\ta',
    'x: |\n  a\n',
  );
  fc.assert(
    fc.property(fc.oneof(anyText, odd), (text) => {
      const content = { [text]: text, list: [text, { a: [text] }], [`${text}.`]: { deep: text } };
      const tree = readYaml(manifestFileText(content as never), { references: false });
      expect(tree).toMatchObject({ value: content });
    }),
    { numRuns: fc.runs(1000) },
  );
});

it('gives back whatever Dify may declare', () => {
  fc.assert(
    fc.property(anyProviders, fc.constantFrom('bare', 'qualified' as const), (declared, names) => {
      // As they are read from Dify: with bigints for integers beyond 2^53.
      const providers = declared.map(
        (each) => plain(each as unknown as JsonObject) as unknown as ToolProvider,
      );
      const registry = registryOf(providers, { names });
      const { texts, skipped } = manifestFiles(registry, providers);
      expect(skipped).toEqual([]);
      const read = [...texts.values()].map((text) => {
        const tree = readYaml(text, { references: false });
        if ('problems' in tree) throw new Error(JSON.stringify(tree.problems));
        return manifestFile.parse(tree.value);
      });
      const served = registryOf(
        read.map((file) => providerOf(file, 'all')),
        { names },
      );
      expect(published(served)).toEqual(published(registry));
    }),
    { numRuns: fc.runs(150) },
  );
});

it('shows a reviewer every character of a text', () => {
  const hidden = /[\p{Cf}\p{Co}\p{Zl}\p{Zp}\u0085\u00a0\u3164]/u;
  fc.assert(
    fc.property(fc.string({ unit: fc.character }), (text) => {
      const providers = [
        provider('kit', [tool('work', [parameter('q', { llmDescription: text })], { label: english(text) })]),
      ];
      const file = [...manifestFiles(registryOf(providers), providers).texts.values()].join('');
      expect(
        file.replaceAll(/\p{Extended_Pictographic}[\ufe0f\u200d\p{Extended_Pictographic}]*/gu, ''),
      ).not.toMatch(hidden);
    }),
  );
});
