import * as fc from '../../support/fast-check.ts';
import { describe, expect, test } from 'vitest';
import type { ToolProvider, ToolRef } from '../../../src/model/tool.ts';
import { buildRegistry } from '../../../src/registry/build.ts';
import { nameTools } from '../../../src/registry/names.ts';
import { officialTools, sharedIsPresent, sharedNote } from '../../support/shared.ts';
import { officialProviders, provider, registryOf, RULES, tool } from '../../support/declarations.ts';

function namesOf(providers: readonly ToolProvider[], maxLength = 44): string[] {
  return nameTools(providers, maxLength).tools.map((named) => named.qualifiedName);
}

function nameOf(one: ToolProvider, maxLength = 44): string | undefined {
  return namesOf([one], maxLength)[0];
}

describe('the provider part', () => {
  test.each([
    ['langgenius/google/google', 'google__search'],
    ['langgenius/aws_tools/bedrock', 'aws_tools_bedrock__search'],
    ['acme/kit/kit', 'acme_kit__search'],
    ['acme/acme/acme', 'acme__search'],
    ['acme/kit/other', 'acme_kit_other__search'],
    ['time', 'time__search'],
    ['langgenius/time/time', 'langgenius_time__search'],
    ['audio/audio/audio', 'audio_audio__search'],
    ['acme/time/time', 'acme_time__search'],
    // Begins like the name of a tool of another type.
    ['langgenius/workflow/workflow', 'langgenius_workflow__search'],
    ['langgenius/workflow_/workflow_', 'langgenius_workflow___search'],
    ['langgenius/workflow/_kit', 'langgenius_workflow__kit__search'],
    ['langgenius/workflow/kit', 'workflow_kit__search'],
    ['langgenius/api/api', 'langgenius_api__search'],
    ['langgenius/mcp/mcp', 'langgenius_mcp__search'],
    ['langgenius/mcp_notes/mcp_notes', 'langgenius_mcp_notes__search'],
    ['langgenius/api/api_pets', 'langgenius_api_api_pets__search'],
    ['api/pets/pets', 'plugin_api_pets__search'],
    ['langgenius/apitemplate/apitemplate', 'apitemplate__search'],
    ['langgenius/workflows/workflows', 'workflows__search'],
    ['langgenius/langgenius/x', 'langgenius_x__search'],
  ])('of the builtin provider %s', (id, expected) => {
    expect(nameOf(provider(id, [tool('search')]))).toBe(expected);
  });

  test('of api, workflow and mcp providers', () => {
    const tools = [tool('search')];
    const id = '11111111-2222-3333-4444-555555555555';
    expect(nameOf(provider(id, tools, { type: 'api', name: 'petstore' }))).toBe('api_petstore__search');
    expect(nameOf(provider(id, tools, { type: 'workflow', name: 'My flow' }))).toBe('workflow__search');
    expect(nameOf(provider('docs-server', tools, { type: 'mcp', name: 'Docs' }))).toBe(
      'mcp_docs-server__search',
    );
  });
});

describe('what a name cannot carry', () => {
  const api = (name: string, ...tools: string[]) =>
    provider(
      'id',
      tools.map((each) => tool(each)),
      { type: 'api', name },
    );

  test('runs of other characters become one underscore, without a hash unless two tools meet', () => {
    expect(namesOf([api('Pet store', 'get /pets', 'getPet')])).toEqual([
      'api_Pet_store__get_pets',
      'api_Pet_store__getPet',
    ]);
    expect(namesOf([api('Pet store', 'get.pets', 'get /pets')])).toEqual([
      'api_Pet_store__get_pets',
      expect.stringMatching(/^api_Pet_store__get_pets_[0-9a-f]{6}$/),
    ]);
  });

  test.each([
    ['客户管理', '查询客户', 'api_KeHuGuanLi__ChaXunKeHu'],
    ['Größe (neu)', 'maß_prüfen', 'api_Grosse_neu__mass_prufen'],
    ['Поиск', 'найти', 'api_Poisk__nayti'],
    ['日本語', 'ツール_v2', 'api_RiBenYu__tsuru_v2'],
    [' spaces ', '/v1/pets/{id}', 'api_spaces__v1_pets_id'],
  ])('other alphabets are transliterated: %s, %s', (name, toolName, expected) => {
    expect(nameOf(api(name, toolName))).toBe(expected);
  });

  test('a name without any usable character is a hash of its own', () => {
    expect(nameOf(api('///', 'x'))).toMatch(/^api_[0-9a-f]{4}__x$/);
    expect(nameOf(api('pets', '///'))).toMatch(/^api_pets__[0-9a-f]{4}$/);
  });

  test.each([
    ['acme/2captcha/2captcha', 'acme_2captcha__search'],
    ['langgenius/2captcha/2captcha', 'plugin_2captcha__search'],
    ['langgenius/_kit/_kit', 'kit__search'],
    ['langgenius/-kit/-kit', 'kit__search'],
  ])('a name begins with a letter: %s', (id, expected) => {
    expect(nameOf(provider(id, [tool('search')]))).toBe(expected);
  });

  test('capitals and hyphens stay', () => {
    expect(nameOf(provider('langgenius/dev-docs/dev-docs', [tool('Search-Docs')]))).toBe(
      'dev-docs__Search-Docs',
    );
  });

  test("the provider's part gives way first, and the tool's part is whole where it fits", () => {
    const name = (toolName: string) => nameOf(api('GitHub v3 REST API', toolName));
    expect(name('repos_get')).toBe('api_GitHub_v3_REST_API__repos_get');
    expect(name('repos_list-deploy-keys')).toMatch(/^api_GitHub_v3_R_[0-9a-f]{4}__repos_list-deploy-keys$/);
    expect(name('repos_delete-branch-protection')).toMatch(
      /^GitHub_[0-9a-f]{4}__repos_delete-branch-protection$/,
    );
    expect(name('repos_delete-branch-protection-v')).toMatch(
      /^GitHu_[0-9a-f]{4}__repos_delete-branch-protection-v$/,
    );
  });

  test('a longer tool is cut in its middle: its beginning and its end stay', () => {
    const ends = ['deployment-branch-policy', 'deployment-protection-rule', 'deployment-branch-rule'];
    const names = namesOf([
      api('GitHub v3 REST API', ...ends.map((end) => `repos_delete-environment-${end}`)),
    ]);
    expect(names).toEqual(
      ['ranch-policy', 'branch-rule', 'tection-rule'].map((end) =>
        expect.stringMatching(new RegExp(`^GitH_[0-9a-f]{4}__repos_delete-e_[0-9a-f]{4}_[a-z-]*${end}$`)),
      ),
    );
    const long = provider('langgenius/aliyuque/aliyuque', [tool('aliyuque_describe_book_table_of_contents')]);
    expect(nameOf(long)).toMatch(/^aliyuque__aliyuque_descr_[0-9a-f]{4}_le_of_contents$/);
    expect(nameOf(long, 64)).toBe('aliyuque__aliyuque_describe_book_table_of_contents');
  });
});

describe('two tools of one name', () => {
  const plugin = provider('acme/kit/kit', [tool('go')]);
  const namesake = provider('acme_kit', [tool('go')]);

  test('the later in the fixed order carries a hash, and a note names both', () => {
    const registry = registryOf([namesake, plugin]);
    expect(registry.get('acme_kit__go')?.ref.providerId).toBe('acme/kit/kit');
    const hashed = registry.tools.find((item) => item.ref.providerId === 'acme_kit');
    expect(hashed?.name).toMatch(/^acme_kit__go_[0-9a-f]{6}$/);
    expect(registry.notes).toEqual([
      { name: hashed?.name, message: expect.stringContaining('builtin acme/kit/kit, tool go') as string },
    ]);
  });

  test('builtin goes before api', () => {
    const api = provider('1', [tool('go')], { type: 'api', name: 'pets' });
    const builtin = provider('api_pets', [tool('go')]);
    expect(registryOf([api, builtin]).get('api_pets__go')?.ref.providerType).toBe('builtin');
  });

  test('the same tool listed twice is published once', () => {
    const registry = registryOf([plugin, plugin]);
    expect(registry.tools.map((item) => item.name)).toEqual(['acme_kit__go']);
    expect(registry.withheld).toMatchObject([{ name: 'acme_kit__go', reason: 'invalid' }]);
  });
});

const idPart = fc.oneof(
  fc.constantFrom('langgenius', 'acme', 'time', 'kit', 'api_a'),
  fc.stringMatching(/^[a-z0-9_-]{1,12}$/),
);
const anyProvider = fc
  .record({
    type: fc.constantFrom<ToolProvider['type']>('builtin', 'workflow', 'api', 'mcp'),
    id: fc.oneof(
      idPart,
      fc.array(idPart, { minLength: 3, maxLength: 3 }).map((parts) => parts.join('/')),
    ),
    name: fc.oneof(idPart, fc.string({ unit: 'grapheme', maxLength: 20 })),
    tools: fc.uniqueArray(fc.oneof(idPart, fc.string({ unit: fc.character, maxLength: 70 })), {
      maxLength: 5,
    }),
  })
  .map(({ type, id, name, tools }) =>
    provider(
      id,
      tools.map((item) => tool(item)),
      { type, name },
    ),
  );
const catalogue = fc.uniqueArray(anyProvider, { maxLength: 8, selector: ({ type, id }) => `${type} ${id}` });

describe('names of any catalogue', () => {
  test('are all different and made of what every client takes', () => {
    fc.assert(
      fc.property(catalogue, fc.integer({ min: 20, max: 64 }), (providers, maxLength) => {
        const names = namesOf(providers, maxLength);
        expect(new Set(names).size).toBe(names.length);
        for (const name of names)
          expect(name).toMatch(new RegExp(`^[A-Za-z][A-Za-z0-9_-]{0,${maxLength - 1}}$`));
        expect(names).toHaveLength(providers.flatMap((item) => item.tools).length);
      }),
    );
  });

  test('do not depend on the order in which Dify lists', () => {
    fc.assert(
      fc.property(catalogue, (providers) => {
        const turned = providers.map((item) => ({ ...item, tools: item.tools.toReversed() })).toReversed();
        expect(namesOf(turned)).toEqual(namesOf(providers));
      }),
    );
  });

  test('stay when providers come and go, unless two meet', () => {
    fc.assert(
      fc.property(catalogue, anyProvider, (providers, added) => {
        const key = (ref: object) => JSON.stringify(ref);
        const before = nameTools(providers, 44).tools;
        const after = new Map(
          nameTools([...providers, added], 44).tools.map((named) => [key(named.ref), named]),
        );
        const renamed = before.filter((named) => {
          const now = after.get(key(named.ref));
          const met = now?.clashesWith !== undefined || named.clashesWith !== undefined;
          return !met && now?.qualifiedName !== named.qualifiedName;
        });
        expect(renamed).toEqual([]);
      }),
    );
  });
});

test(`the official tools all have names of their own, none with a hash but the long ones${sharedNote}`, () => {
  const { tools } = nameTools(officialProviders(officialTools()), 44);
  expect(tools).toHaveLength(sharedIsPresent ? 412 : 0);
  expect(tools.filter((named) => named.clashesWith !== undefined)).toEqual([]);
  const short = tools.filter(({ wholeNames }) => (wholeNames[0]?.length ?? 0) <= 44);
  expect(short.flatMap(({ wholeNames }) => wholeNames)).toEqual([]);
});

describe('bare names', () => {
  const rules = { names: 'bare' } as const;

  test('the tool name alone where it is unique among the published', () => {
    const providers = [
      provider('acme/kit/kit', [tool('search'), tool('go')]),
      provider('langgenius/google/google', [tool('search')]),
    ];
    const names = registryOf(providers, rules).tools.map((item) => item.name);
    expect(names).toEqual(['acme_kit__search', 'go', 'google__search']);
  });

  test('a withheld tool takes no bare name from a published one', () => {
    const providers = [
      provider('acme/kit/kit', [tool('search')], { authorized: false }),
      provider('langgenius/google/google', [tool('search')]),
    ];
    const registry = registryOf(providers, { ...rules, unauthorized: 'hide' });
    expect(registry.tools.map((item) => item.name)).toEqual(['search']);
    expect(registry.withheld.map((item) => item.name)).toEqual(['acme_kit__search']);
  });

  test("a bare name never takes another tool's qualified name", () => {
    const providers = [
      provider('a/a/a', [tool('x')]),
      provider('b/b/b', [tool('x')]),
      provider('c/c/c', [tool('a__x')]),
    ];
    const names = registryOf(providers, rules).tools.map((item) => [item.name, item.ref.providerId]);
    expect(names).toEqual([
      ['a__x', 'a/a/a'],
      ['b__x', 'b/b/b'],
      ['c__a__x', 'c/c/c'],
    ]);
  });

  test('are all different in any catalogue', () => {
    fc.assert(
      fc.property(catalogue, (providers) => {
        const names = registryOf(providers, rules).tools.map((item) => item.name);
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,44}$/);
      }),
    );
  });
});

describe('a name that clients know', () => {
  const early = provider('chart/chart/chart', [tool('go')]);
  const late = provider('langgenius/chart/chart', [tool('go')]);
  const owner = (rules: object, heldBy?: (name: string) => ToolRef | undefined): unknown =>
    buildRegistry([early, late], { ...RULES, ...rules }, heldBy === undefined ? {} : { heldBy })
      .tools.map(({ name, ref }) => [name, ref.providerId])
      .filter(([name]) => name === 'chart__go' || name === 'go');
  const ref = (providerId: string): ToolRef => ({ providerType: 'builtin', providerId, tool: 'go' });

  test('stays with its tool, and is free when that is gone', () => {
    expect(owner({})).toEqual([['chart__go', early.id]]);
    expect(owner({}, () => ref(late.id))).toEqual([['chart__go', late.id]]);
    expect(owner({}, () => ref('gone'))).toEqual([['chart__go', early.id]]);
  });

  test('with bare names too', () => {
    const rules = { names: 'bare', deny: [{ provider: early.id }] };
    expect(owner(rules)).toEqual([['go', late.id]]);
    expect(owner(rules, (name) => (name === 'go' ? ref(early.id) : undefined))).toEqual([]);
    expect(owner(rules, (name) => (name === 'go' ? ref('gone') : undefined))).toEqual([['go', late.id]]);
  });
});
