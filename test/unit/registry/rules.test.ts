import { describe, expect, test } from 'vitest';
import type { Matcher } from '../../../src/registry/rules.ts';
import { explainTool } from '../../../src/registry/explain.ts';
import { english, parameter, provider, registryOf, tool } from '../../support/declarations.ts';

const PROVIDERS = [
  provider('acme/web/web', [tool('search'), tool('read')], {
    label: { en_US: 'Web', zh_Hans: '网络' },
    tags: ['search', 'news'],
  }),
  provider('acme/mail/mail', [tool('send'), tool('delete', [], { label: english('Delete a Mail') })]),
  provider('9d1c', [tool('run')], { type: 'workflow', name: 'report' }),
  provider('time', [tool('now')], { authorized: false }),
];

const names = (rules: Parameters<typeof registryOf>[1]): string[] =>
  registryOf(PROVIDERS, rules).tools.map(({ name }) => name);

const ALL = [
  'acme_mail__delete',
  'acme_mail__send',
  'acme_web__read',
  'acme_web__search',
  'time__now',
  'workflow__run',
];

describe('allow and deny', () => {
  test('without rules every tool is published', () => {
    expect(names({})).toEqual(ALL);
  });

  test.each<[string, Matcher, string[]]>([
    ['a name', 'acme_web__read', ['acme_web__read']],
    ['a glob on the name', '*__s*', ['acme_mail__send', 'acme_web__search']],
    ['the provider by its id', { provider: 'acme/*' }, ALL.slice(0, 4)],
    ['the provider by its name', { provider: 'report' }, ['workflow__run']],
    ['the type', { type: 'workflow' }, ['workflow__run']],
    ['the own name', { tool: 'r?n' }, ['workflow__run']],
    ['the label of a tool, in any case', { label: 'delete*' }, ['acme_mail__delete']],
    ['the label of a provider, in any language', { label: '网络' }, ['acme_web__read', 'acme_web__search']],
    ['a tag', { label: 'News' }, ['acme_web__read', 'acme_web__search']],
    ['several facts that all match', { provider: 'acme/*', name: '*read' }, ['acme_web__read']],
    ['several facts, one of which does not match', { type: 'mcp', name: '*' }, []],
  ])('by %s', (_, matcher, expected) => {
    expect(names({ allow: [matcher] })).toEqual(expected);
    expect(names({ deny: [matcher] })).toEqual(ALL.filter((name) => !expected.includes(name)));
  });

  test('deny comes before allow', () => {
    expect(names({ allow: ['acme_*'], deny: ['*delete*'] })).toEqual(ALL.slice(1, 4));
  });

  test('a bare name is taken with bare names alone', () => {
    expect(names({ allow: ['search'] })).toEqual([]);
    expect(names({ allow: ['search'], names: 'bare' })).toEqual(['search']);
    expect(names({ allow: ['acme_web__search'], names: 'bare' })).toEqual(['search']);
  });

  test('a hidden tool leaves a bare name to the other tool that has it', () => {
    const twice = [provider('acme/a/a', [tool('run')]), provider('acme/b/b', [tool('run')])];
    const rules = { names: 'bare', deny: [{ provider: 'acme/b/*' }] } as const;
    expect(registryOf(twice, rules).tools.map(({ name }) => name)).toEqual(['run']);
  });

  test('a withheld tool says which rule and what would publish it', () => {
    const registry = registryOf(PROVIDERS, { deny: ['*delete*'], allow: ['acme_*'] });
    expect(registry.withheld.map(({ name, reason, detail }) => [name, reason, detail])).toEqual([
      ['acme_mail__delete', 'hidden', expect.stringContaining('"*delete*" of tools.deny matches it')],
      ['time__now', 'hidden', 'No rule of tools.allow matches it. Add "time__now" there.'],
      ['workflow__run', 'hidden', expect.stringContaining('tools.allow')],
    ]);
  });

  test('a rule that is about no tool is noted, but for one that denies no certain tool or provider', () => {
    const { notes } = registryOf(PROVIDERS, {
      allow: ['*', 'acme_wbe__search', { type: 'mcp', tool: 'x' }],
      deny: [
        '*forbidden*',
        'acme_mail__dlete',
        { provider: 'acme/mial/mial' },
        { provider: 'acme/*', tool: 'drop' },
        { type: 'mcp' },
        { label: 'weather' },
      ],
      pinned: ['nothing'],
    });
    expect(notes.map(({ name, setting }) => [name, setting])).toEqual([
      ['acme_mail__dlete', 'tools.deny'],
      ['acme_wbe__search', 'tools.allow'],
      ['nothing', 'tools.pinned'],
      ['provider "acme/mial/mial"', 'tools.deny'],
      ['type mcp and tool "x"', 'tools.allow'],
    ]);
  });
});

describe('readOnly', () => {
  const presets = { 'acme_web__*': { parameters: {}, readOnly: true } };

  test('leaves what a preset declares', () => {
    expect(names({ readOnly: true, presets })).toEqual(['acme_web__read', 'acme_web__search']);
    expect(names({ readOnly: true })).toEqual([]);
  });

  test('says what is missing', () => {
    const [first] = registryOf(PROVIDERS, { readOnly: true }).withheld;
    expect(first).toMatchObject({ reason: 'hidden', detail: expect.stringContaining('readOnly: true') });
  });

  test('comes after what is incomplete', () => {
    const incomplete = provider('acme/x/x', [tool('y', [parameter('p', { form: 'form', required: true })])]);
    expect(registryOf([incomplete], { readOnly: true }).withheld[0]?.reason).toBe('incomplete');
  });
});

describe('maxTools', () => {
  test('leaves the first by name', () => {
    expect(names({ maxTools: 2 })).toEqual(ALL.slice(0, 2));
    expect(names({ maxTools: 6 })).toEqual(ALL);
  });

  test('counts the pinned ones first', () => {
    expect(names({ maxTools: 2, pinned: ['workflow__*', { provider: 'time' }] })).toEqual([
      'time__now',
      'workflow__run',
    ]);
    expect(names({ maxTools: 3, pinned: ['workflow__*'] })).toEqual([...ALL.slice(0, 2), 'workflow__run']);
  });

  test('counts what the other rules leave', () => {
    expect(names({ maxTools: 1, deny: ['*delete'] })).toEqual(['acme_mail__send']);
  });

  test('says what publishes a tool that is past it', () => {
    const registry = registryOf(PROVIDERS, { maxTools: 5 });
    expect(registry.withheld).toMatchObject([
      {
        name: 'workflow__run',
        reason: 'hidden',
        detail: expect.stringMatching(/maxTools is 5.*number 6.*pin/),
      },
    ]);
    expect(registry.get('workflow__run')).toBeUndefined();
  });

  test('leaves bare names as they are without it', () => {
    const twice = [provider('acme/a/a', [tool('run')]), provider('acme/b/b', [tool('run')])];
    const { tools } = registryOf(twice, { names: 'bare', maxTools: 1 });
    expect(tools.map(({ name }) => name)).toEqual(['acme_a__run']);
  });
});

describe('an explanation', () => {
  const rules = {
    deny: ['*delete*'],
    allow: ['acme_*', { type: 'builtin' }] as const,
    readOnly: true,
    maxTools: 3,
    pinned: ['*search'],
    presets: { 'acme_*': { parameters: {}, readOnly: true }, time__now: { parameters: {}, readOnly: true } },
  };
  const registry = registryOf(PROVIDERS, rules);

  test('of a published tool names each rule that decided, in order', () => {
    expect(explainTool(registry, 'acme_web__search')).toEqual([
      'acme_web__search is published.',
      'In Dify: builtin provider acme/web/web, tool search',
      'Rule tools.deny: no rule matches',
      'Rule tools.allow: "acme_*" matches',
      'Rule tools.readOnly: its preset declares it readOnly',
      'Rule tools.maxTools: number 1 of at most 3 (pinned)',
      'Presets: tools.presets.acme_*',
    ]);
  });

  test('of a withheld tool ends at the rule that withholds it', () => {
    expect(explainTool(registry, 'acme_mail__delete').filter((line) => line.startsWith('Rule'))).toEqual([
      'Rule tools.deny: "*delete*" matches',
    ]);
    expect(explainTool(registry, 'workflow__run').filter((line) => line.startsWith('Rule'))).toEqual([
      'Rule tools.deny: no rule matches',
      'Rule tools.allow: no rule matches',
    ]);
    expect(explainTool(registry, 'time__now').filter((line) => line.startsWith('Rule'))).toEqual([
      'Rule tools.deny: no rule matches',
      'Rule tools.allow: type builtin matches',
      'Rule tools.unauthorized: publish, and the provider has no credentials',
      'Rule tools.readOnly: its preset declares it readOnly',
      'Rule tools.maxTools: number 4 of at most 3',
    ]);
  });

  test('names the setting of its view', () => {
    const other = registryOf(PROVIDERS, { deny: ['*delete*'], at: { deny: 'views.small.deny' } });
    expect(explainTool(other, 'acme_mail__delete').join('\n')).toContain('views.small.deny');
    const hidden = registryOf(PROVIDERS, { unauthorized: 'hide', deny: ['*send'] });
    expect(explainTool(hidden, 'time__now').join('\n')).toContain('tools.unauthorized is "hide"');
  });
});

test('a rule fits what was cut off a long name', () => {
  const id = 'acmecorporation/customer_relationship/manager';
  const tools = ['purge', 'read'].map((verb) =>
    tool(`customer_contact_records_${verb}_selected_by_the_owner`),
  );
  const names = (rules: object): string[] =>
    registryOf([provider(id, tools)], rules).tools.map(({ ref }) => ref.tool);
  const published = registryOf([provider(id, tools)]).tools.map(({ name }) => name);
  expect(published.join()).not.toMatch(/purge|relationship/);
  expect(names({ deny: ['*purge*'] })).toEqual([tools[1]?.name]);
  expect(names({ allow: ['*_relationship_*_read_*'] })).toEqual([tools[1]?.name]);
  expect(names({ deny: published.slice(0, 1) })).toHaveLength(1);
});
