import { describe, expect, it } from 'vitest';
import { carryOver } from '../../../src/catalog/carry-over.ts';
import type { CatalogListing } from '../../../src/model/ports.ts';
import { provider } from '../../support/providers.ts';

const before: CatalogListing = {
  providers: [provider('builtin', 'a'), provider('builtin', 'b'), provider('api', 'x'), provider('mcp', 'm')],
  problems: [],
};

const ids = (listing: CatalogListing): string[] => listing.providers.map(({ type, id }) => `${type}:${id}`);

describe('carryOver', () => {
  it('takes the first listing as it is', () => {
    const next = { providers: [], problems: [{ providerType: 'api', message: 'down' } as const] };
    expect(carryOver(undefined, next)).toBe(next);
  });

  it('lets go of what Dify no longer lists', () => {
    const next = { providers: [provider('api', 'x')], problems: [] };
    expect(carryOver(before, next)).toBe(next);
  });

  it('keeps all providers of a type whose list failed, in order, and says so', () => {
    const next: CatalogListing = {
      providers: [provider('api', 'y'), provider('mcp', 'm')],
      problems: [{ providerType: 'builtin', message: 'The daemon is down.' }],
    };
    const merged = carryOver(before, next);
    expect(ids(merged)).toEqual(['builtin:a', 'builtin:b', 'api:y', 'mcp:m']);
    expect(merged.problems).toEqual([
      { providerType: 'builtin', message: 'The daemon is down. What was listed before stays published.' },
    ]);
  });

  it('keeps a single provider that failed', () => {
    const next: CatalogListing = {
      providers: [provider('builtin', 'a', ['new'])],
      problems: [{ providerType: 'builtin', providerId: 'b', message: 'Timed out.' }],
    };
    const merged = carryOver(before, next);
    expect(ids(merged)).toEqual(['builtin:a', 'builtin:b']);
    expect(merged.providers[0]?.tools[0]?.name).toBe('new');
    expect(merged.problems[0]?.message).toContain('stays published');
  });

  it('prefers what was listed now, though a tool of it had a problem', () => {
    const next: CatalogListing = {
      providers: [provider('builtin', 'a', ['new'])],
      problems: [{ providerType: 'builtin', providerId: 'a', message: 'A tool is left out.' }],
    };
    const merged = carryOver(before, next);
    expect(merged).toBe(next);
    expect(merged.problems[0]?.message).toBe('A tool is left out.');
  });

  it('does not keep a provider twice that two problems name', () => {
    const next: CatalogListing = {
      providers: [],
      problems: [
        { providerType: 'builtin', message: 'All failed.' },
        { providerType: 'builtin', providerId: 'a', message: 'And this one.' },
      ],
    };
    expect(ids(carryOver(before, next))).toEqual(['builtin:a', 'builtin:b']);
  });

  it('keeps across several failures what was kept once', () => {
    const next: CatalogListing = {
      providers: [],
      problems: [{ providerType: 'mcp', message: 'Down.' }],
    };
    const twice = carryOver(carryOver(before, next), next);
    expect(ids(twice)).toEqual(['mcp:m']);
    expect(twice.problems[0]?.message.match(/stays published/g)).toHaveLength(1);
  });
});
