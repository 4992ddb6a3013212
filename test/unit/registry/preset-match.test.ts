import { describe, expect, test } from 'vitest';
import type { Registry } from '../../../src/model/registry.ts';
import { buildRegistry } from '../../../src/registry/build.ts';
import type { Preset } from '../../../src/registry/rules.ts';
import { parameter, provider, registryOf, RULES, tool } from '../../support/declarations.ts';

const NAME = 'acme_kit__work';

describe('presets with bare names', () => {
  const required = tool('work', [parameter('p', { form: 'form', required: true })]);
  const rules = { names: 'bare' } as const;
  const one = provider('acme/kit/kit', [required]);
  const two = provider('acme/set/set', [required]);
  const value = { parameters: { p: 'x' } };

  test('are found by either name', () => {
    for (const name of ['work', NAME]) {
      const registry = registryOf([one], { ...rules, presets: { [name]: value } });
      expect(registry.tools.map((item) => item.name)).toEqual(['work']);
      expect(registry.notes).toEqual([]);
    }
  });

  test('go for both where two tools have the bare one', () => {
    const registry = registryOf([one, two], { ...rules, presets: { work: value } });
    expect(registry.tools.map((found) => found.name)).toEqual([NAME, 'acme_set__work']);
    expect(registry.notes).toEqual([]);
  });

  test('of both names: the qualified one counts', () => {
    const both = [provider('acme/kit/kit', [tool('work', [parameter('p'), parameter('q'), parameter('r')])])];
    const presets = {
      [NAME]: { parameters: { p: 'qualified', r: 'qualified' } },
      work: { parameters: { p: 'bare', q: 'bare' } },
    };
    const registry = registryOf(both, { ...rules, presets });
    expect(registry.tools[0]?.parseArguments({})).toEqual({
      ok: true,
      parameters: { p: 'qualified', q: 'bare', r: 'qualified' },
    });
    expect(registry.notes).toEqual([]);
  });

  const open = [parameter('p')];
  const several = [
    provider('acme/kit/kit', [tool('work', open)]),
    provider('other/set/set', [tool('work', open)]),
  ];
  const built = (presets: Record<string, Partial<Preset>>, more: object = {}) =>
    registryOf(several, {
      ...rules,
      ...more,
      presets: Object.fromEntries(
        Object.entries(presets).map(([name, each]) => [name, { parameters: {}, ...each }]),
      ),
    });
  const takes = (registry: Registry): unknown[] =>
    registry.tools.map((found) => found.parseArguments({ p: 'caller' }).ok);

  test.each<[string, Record<string, Partial<Preset>>]>([
    ['fixes', { work: value }],
    ['fixes next to one of a qualified name', { work: value, [NAME]: { title: 'W' } }],
    ['narrows', { work: { narrow: { p: { enum: ['x'] } } } }],
    ['takes back', { '*': { ...value, overridable: true }, work: { overridable: false } }],
    ['does not publish', { '*': { ...value, publish: ['p'] }, work: { publish: [] } }],
  ])('what the preset of a name %s that two tools have stays closed in both', (_, presets) => {
    const registry = built(presets);
    expect(takes(registry)).toEqual([false, false]);
    expect(registry.notes).toEqual([]);
  });

  test('what it allows, it allows to all of them', () => {
    const allowing = { ...value, overridable: true, publish: ['p'], readOnly: true, idempotent: true };
    const registry = built({ work: allowing }, { readOnly: true });
    expect(takes(registry)).toEqual([true, true]);
    const annotations = { readOnlyHint: true, idempotentHint: true };
    expect(registry.tools.map((found) => found.annotations)).toEqual([annotations, annotations]);
  });

  test('a parameter that it fixes and one of them does not have withholds that one', () => {
    const second = provider('other/set/set', [tool('work', [parameter('q')])]);
    const [first] = several;
    const registry = registryOf(first === undefined ? [] : [first, second], {
      ...rules,
      presets: { work: value },
    });
    expect(registry.withheld).toMatchObject([{ name: 'other_set__work', reason: 'incomplete' }]);
    expect(registry.tools.map(({ ref }) => ref.providerId)).toEqual(['acme/kit/kit']);
  });

  test('a name that is the qualified one of another tool goes for both', () => {
    const providers = [
      provider('b', [tool('acme_kit__work', [parameter('p')])]),
      provider('acme/kit/kit', [tool('work', [parameter('p')])]),
    ];
    const presets = { [NAME]: value };
    expect(registryOf(providers.slice(0, 1), { ...rules, presets }).notes).toEqual([]);
    const registry = registryOf(providers, { ...rules, presets });
    expect(takes(registry)).toEqual([false, false]);
    expect(registry.notes).toEqual([]);
  });

  test('what was built before does not show', () => {
    const settings = { ...RULES, ...rules, presets: { work: { ...value, overridable: true } } };
    const first = buildRegistry(several.slice(0, 1), settings);
    const second = buildRegistry(several, settings, { previous: first });
    const third = buildRegistry(several.slice(0, 1), settings, { previous: second });
    expect([first, second, third].map(takes)).toEqual([[true], [true, true], [true]]);
  });
});
