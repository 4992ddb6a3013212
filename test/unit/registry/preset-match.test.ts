import { describe, expect, test } from 'vitest';
import { buildRegistry, type Preset } from '../../../src/registry/build.ts';
import { parameter, provider, registryOf, RULES, tool } from './declarations.ts';

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

  test('need the qualified name where two tools have the bare one', () => {
    const registry = registryOf([one, two], { ...rules, presets: { work: value } });
    expect(registry.tools).toEqual([]);
    expect(registry.notes).toMatchObject([
      {
        name: 'work',
        message: expect.stringContaining('2 have it: acme_kit__work, acme_set__work') as string,
      },
    ]);
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
  const missed = 'There is a preset for a tool of this name, and 2 have it: acme_kit__work, other_set__work.';

  test.each<[string, Partial<Preset>]>([
    ['a fixed value', value],
    ['a narrowing', { narrow: { p: { enum: ['x'] } } }],
    ['a credential', { credential: 'Team' }],
  ])('%s is lost with a second tool of the name: both are withheld', (_, more) => {
    const presets = { work: { parameters: {}, ...more } };
    const registry = registryOf(several, { ...rules, presets });
    expect(registry.tools).toEqual([]);
    expect(registry.withheld).toMatchObject(
      ['acme_kit__work', 'other_set__work'].map((name) => ({ name, reason: 'incomplete' })),
    );
    expect(registry.withheld[0]?.detail).toBe(
      `${missed} Name one of them.\nThe tool is withheld until tools.presets.work fits it again.`,
    );
    expect(registry.notes).toHaveLength(1);
  });

  test('what restricts nothing withholds nothing', () => {
    const presets = { work: { parameters: { p: 'x' }, overridable: true, title: 'Work' } };
    const registry = registryOf(several, { ...rules, presets });
    expect(registry.tools).toHaveLength(2);
    expect(registry.notes).toMatchObject([{ message: expect.stringContaining(missed) as string }]);
  });

  test('a tool with a preset of its qualified name is served, and so is the only one that is not denied', () => {
    const presets = { work: value, [NAME]: { parameters: { p: 'y' } } };
    const [served, ...others] = registryOf(several, { ...rules, presets }).tools;
    expect(others).toEqual([]);
    expect(served?.ref.providerId).toBe('acme/kit/kit');
    expect(served?.parseArguments({})).toEqual({ ok: true, parameters: { p: 'y' } });
    const deny = ['other_*'];
    const [only] = registryOf(several, { ...rules, deny, presets: { work: value } }).tools;
    expect(only?.parseArguments({})).toEqual({ ok: true, parameters: { p: 'x' } });
  });

  test('are found again when the second tool is gone', () => {
    const settings = { ...RULES, ...rules, presets: { work: value } };
    const first = buildRegistry(several.slice(0, 1), settings);
    const second = buildRegistry(several, settings, { previous: first });
    const third = buildRegistry(several.slice(0, 1), settings, { previous: second });
    expect([first, second, third].map(({ tools }) => tools.map(({ name }) => name))).toEqual([
      ['work'],
      [],
      ['work'],
    ]);
  });
});
