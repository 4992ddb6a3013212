import { describe, expect, test } from 'vitest';
import { explainTool } from '../../../src/registry/explain.ts';
import { unknownTool } from '../../../src/registry/unknown-tool.ts';
import { parameter, provider, registryOf, tool } from '../../support/declarations.ts';

const PROVIDERS = [
  provider('acme/web/web', [
    tool('search'),
    tool('read'),
    tool('locked', [parameter('p', { form: 'form', required: true })]),
  ]),
];
const build = (aliases: Record<string, string>) => registryOf(PROVIDERS, { aliases });

describe('an alias', () => {
  test('can be called and is not listed', () => {
    const registry = build({ old_search: 'acme_web__search' });
    expect(registry.get('old_search')).toBe(registry.get('acme_web__search'));
    expect(registry.tools.map(({ name }) => name)).toEqual(['acme_web__read', 'acme_web__search']);
    expect(registry.notes).toEqual([]);
    expect(registry.fingerprint).toBe(build({}).fingerprint);
  });

  test('is explained as the tool to which it refers', () => {
    const lines = explainTool(build({ old_search: 'acme_web__search' }), 'old_search');
    expect(lines.slice(0, 2)).toEqual([
      'old_search is an old name (aliases) of acme_web__search: it can be called but is not listed.',
      'acme_web__search is published.',
    ]);
  });

  test.each([
    [
      'that points nowhere',
      { old: 'acme_web__serch' },
      /no published tool has that name\. Did you mean acme_web__search/,
    ],
    ['of a withheld tool', { old: 'acme_web__locked' }, /not published \(incomplete\)/],
    ['of an alias', { old: 'older', older: 'acme_web__read' }, /refers to older/],
  ])('%s is noted, and is no tool', (_, aliases, expected) => {
    const registry = build(aliases);
    expect(registry.get('old')).toBeUndefined();
    expect(registry.notes).toMatchObject([{ name: 'old', setting: 'tools.aliases.old' }]);
    expect(registry.notes[0]?.message).toMatch(expected);
    expect(explainTool(registry, 'old').join('\n')).toMatch(expected);
  });

  test('that a published tool has as its name is noted, and the tool stays what it is', () => {
    const registry = build({ acme_web__read: 'acme_web__search' });
    expect(registry.get('acme_web__read')?.ref.tool).toBe('read');
    expect(registry.notes).toMatchObject([
      { name: 'acme_web__read', message: expect.stringContaining('not used') },
    ]);
  });

  test('does not refer to what every object has', () => {
    expect(build({}).get('constructor')).toBeUndefined();
  });
});

describe('an unknown tool', () => {
  const registry = build({});
  const ref = (name: string) =>
    ({ providerType: 'builtin', providerId: 'acme/web/web', tool: name }) as const;

  test('with a known current name is answered with that name', () => {
    const error = unknownTool(registry, 'web__read', new Map([['web__read', ref('read')]]));
    expect(error).toMatchObject({ code: 'tool_not_found' });
    expect(error.toText()).toMatch(
      /^The tool web__read is now called acme_web__read\.\nCall acme_web__read\./,
    );
  });

  test('that is gone is said to be gone', () => {
    expect(
      unknownTool(registry, 'acme_web__write', new Map([['acme_web__write', ref('write')]])).message,
    ).toBe('The tool acme_web__write no longer exists in Dify, or is no longer published.');
  });

  test('of an alias that leads nowhere is reported as one', () => {
    const text = unknownTool(build({ rep: 'acme_web__reed' }), 'rep').toText();
    expect(text).toMatch(
      /^rep is an old name of a tool that is no longer published\.\nThe alias refers to acme_web__reed/,
    );
    expect(text).toContain('Did you mean acme_web__read');
  });

  test('that was never known, or is withheld, is reported as before', () => {
    expect(unknownTool(registry, 'acme_web__raed').toText()).toMatch(
      /There is no tool named.*\nSimilar names: acme_web__read/,
    );
    expect(unknownTool(registry, 'acme_web__locked').message).toContain('not published');
  });
});
