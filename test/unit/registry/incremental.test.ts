import * as fc from '../../support/fast-check.ts';
import { describe, expect, test } from 'vitest';
import type { Registry } from '../../../src/model/registry.ts';
import type { ToolProvider } from '../../../src/model/tool.ts';
import { type BuiltRegistry, buildRegistry, type RegistryExtras } from '../../../src/registry/build.ts';
import type { RegistryRules } from '../../../src/registry/rules.ts';
import { explainTool } from '../../../src/registry/explain.ts';
import { english, parameter, provider, RULES, tool } from '../../support/declarations.ts';

/** All that anybody can see of a registry. */
function seen(registry: Registry): unknown {
  const { tools, withheld, notes, fingerprint } = registry;
  const names = [...tools, ...withheld].map(({ name }) => name);
  return {
    tools: tools.map((item) => ({
      ...item,
      parseArguments: [item.parseArguments({}), item.parseArguments({ q: 5 })],
    })),
    withheld,
    notes,
    fingerprint,
    explained: names.map((name) => explainTool(registry, name)),
    aliases: ['old', 'a__t0'].map((name) => registry.get(name)?.name),
  };
}

/** The same again as other objects, as a new listing has them. */
const copy = (providers: readonly ToolProvider[]): ToolProvider[] =>
  structuredClone(providers) as ToolProvider[];

/** The object of before where an equal one has been met. */
function same<T>(pool: Map<string, T>, value: T): T {
  const key = JSON.stringify(value);
  const known = pool.get(key) ?? value;
  pool.set(key, known);
  return known;
}

const PARAMETERS = [
  parameter('q'),
  parameter('q', { required: true }),
  parameter('p', { form: 'form', required: true }),
  parameter('n', { type: 'number', default: 3 }),
];

const toolArbitrary = fc
  .tuple(
    fc.constantFrom('t0', 't1', 't 2', 'acme_x__t0'),
    fc.constantFrom('One.', 'Two.'),
    fc.subarray(PARAMETERS, { maxLength: 2 }),
  )
  .map(([name, text, parameters]) => tool(name, parameters, { description: english(text) }));
const providersArbitrary = fc.uniqueArray(
  fc
    .tuple(
      fc.constantFrom('a', 'b', 'acme/x/x', 'acme_x'),
      fc.constantFrom('builtin' as const, 'mcp' as const),
      fc.array(toolArbitrary, { maxLength: 3 }),
      fc.boolean(),
    )
    .map(([id, type, tools, authorized]) => provider(id, tools, { type, authorized })),
  { selector: ({ id, type }) => `${type} ${id}`, maxLength: 5 },
);
const presets: RegistryRules['presets'][] = [
  {},
  { '*t0': { parameters: { q: 'x', p: 'y' }, readOnly: true } },
  { acme_x__t0: { parameters: {}, credential: 'Team' }, '*': { parameters: {}, publish: ['p'] } },
  { t0: { parameters: { p: 'y' }, title: 'T' } },
];
const rulesArbitrary = fc
  .record({
    names: fc.constantFrom('qualified' as const, 'bare' as const),
    unauthorized: fc.constantFrom('publish' as const, 'hide' as const),
    deny: fc.constantFrom<string[]>([], ['*t1'], ['mcp_*']),
    readOnly: fc.boolean(),
    presets: fc.constantFrom(...presets),
    maxTools: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    aliases: fc.constantFrom<Record<string, string>>({}, { old: 'a__t0' }),
  })
  .map(
    ({ maxTools, ...rules }): RegistryRules => ({
      ...RULES,
      ...rules,
      ...(maxTools !== undefined && { maxTools }),
    }),
  );
const extrasArbitrary = fc.constantFrom<RegistryExtras>(
  {},
  { credentials: new Map([['acme/x/x', [{ id: 'i', name: 'Team' }]]]) },
  { credentials: new Map([['acme/x/x', [{ id: 'j', name: 'Team' }]]]) },
);

describe('a registry built on the one before', () => {
  test('is what it would be without, whatever has changed', () => {
    const [pool, rulePool] = [new Map<string, ToolProvider>(), new Map<string, RegistryRules>()];
    const step = fc.tuple(providersArbitrary, rulesArbitrary, extrasArbitrary);
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 4 }), (steps) => {
        let previous: BuiltRegistry | undefined;
        for (const [made, madeRules, extras] of steps) {
          // As from the catalogue: what is equal is the same object.
          const providers = made.map((provider) => same(pool, provider));
          const rules = same(rulePool, madeRules);
          const scratch = buildRegistry(copy(providers), rules, extras);
          const grown: BuiltRegistry = buildRegistry(providers, rules, { ...extras, previous });
          expect(seen(grown)).toEqual(seen(scratch));
          previous = grown;
        }
      }),
      { numRuns: fc.runs(150) },
    );
  });

  test('looks the same when nothing has changed, even if all objects and their order are others', () => {
    fc.assert(
      fc.property(providersArbitrary, rulesArbitrary, extrasArbitrary, (providers, rules, extras) => {
        const previous = buildRegistry(providers, rules, extras);
        const others = copy(providers).toReversed();
        const again = buildRegistry(others, structuredClone(rules), { ...extras, previous });
        expect(seen(again)).toEqual(seen(previous));
      }),
      { numRuns: fc.runs(100) },
    );
  });

  test('has the very tools of before but for those of providers that changed', () => {
    const before = [provider('a', [tool('x'), tool('y')]), provider('b', [tool('z')])];
    const previous = buildRegistry(before, RULES);
    const changed = [
      provider('a', [tool('x'), tool('y', [parameter('q')])]),
      ...before.slice(1),
      provider('c', [tool('w')]),
    ];
    const next = buildRegistry(changed, RULES, { previous });
    expect(next.get('b__z')).toBe(previous.get('b__z'));
    expect(next.get('a__y')).not.toBe(previous.get('a__y'));
    expect(next.get('a__y')?.inputSchema['properties']).toHaveProperty('q');
    expect(next.fingerprint).not.toBe(previous.fingerprint);
  });

  test('notices that two providers share their tools and differ', () => {
    const one = provider('a', [tool('x')]);
    const previous = buildRegistry([one], RULES);
    const [other] = buildRegistry([{ ...one, authorized: false }], RULES, { previous }).tools;
    expect(other?.authorized).toBe(false);
  });

  test('takes nothing from one that was built by other rules or with other credentials', () => {
    const providers = [provider('a', [tool('x')])];
    const previous = buildRegistry(providers, RULES);
    for (const next of [
      buildRegistry(providers, { ...RULES, languages: ['zh_Hans'] }, { previous }),
      buildRegistry(providers, RULES, { previous, credentials: new Map() }),
    ]) {
      expect(next.get('a__x')).not.toBe(previous.get('a__x'));
    }
  });
});
