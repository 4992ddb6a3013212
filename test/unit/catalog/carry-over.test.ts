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
    expect(carryOver(undefined, next)).toEqual({ listing: next, stale: [] });
  });

  it('lets go of what Dify no longer lists', () => {
    const next = { providers: [provider('api', 'x')], problems: [] };
    const { listing, stale } = carryOver(before, next);
    expect(listing).toBe(next);
    expect(stale).toEqual([]);
  });

  it('keeps all providers of a type whose list failed, in order, and says so', () => {
    const next: CatalogListing = {
      providers: [provider('api', 'y'), provider('mcp', 'm')],
      problems: [{ providerType: 'builtin', message: 'The daemon is down.' }],
    };
    const { listing: merged, stale } = carryOver(before, next);
    expect(ids(merged)).toEqual(['builtin:a', 'builtin:b', 'api:y', 'mcp:m']);
    expect(merged.problems).toEqual([
      { providerType: 'builtin', message: 'The daemon is down. The tools listed before stay published.' },
    ]);
    expect(stale).toEqual(merged.problems);
  });

  it('keeps a single provider that failed', () => {
    const next: CatalogListing = {
      providers: [provider('builtin', 'a', ['new'])],
      problems: [{ providerType: 'builtin', providerId: 'b', message: 'Timed out.' }],
    };
    const { listing: merged, stale } = carryOver(before, next);
    expect(ids(merged)).toEqual(['builtin:a', 'builtin:b']);
    expect(merged.providers[0]?.tools[0]?.name).toBe('new');
    expect(merged.problems[0]?.message).toContain('stay published');
    expect(stale).toMatchObject([{ providerType: 'builtin', providerId: 'b' }]);
  });

  it('prefers what was listed now, though a tool of it had a problem', () => {
    const next: CatalogListing = {
      providers: [provider('builtin', 'a', ['new'])],
      problems: [{ providerType: 'builtin', providerId: 'a', message: 'A tool is left out.' }],
    };
    const { listing: merged, stale } = carryOver(before, next);
    expect(merged).toBe(next);
    expect(merged.problems[0]?.message).toBe('A tool is left out.');
    expect(stale).toEqual([]);
  });

  it('does not keep a provider twice that two problems name', () => {
    const next: CatalogListing = {
      providers: [],
      problems: [
        { providerType: 'builtin', message: 'All failed.' },
        { providerType: 'builtin', providerId: 'a', message: 'And this one.' },
      ],
    };
    expect(ids(carryOver(before, next).listing)).toEqual(['builtin:a', 'builtin:b']);
  });

  it('keeps across several failures what was kept once', () => {
    const next: CatalogListing = {
      providers: [],
      problems: [{ providerType: 'mcp', message: 'Down.' }],
    };
    const { listing: twice } = carryOver(carryOver(before, next).listing, next);
    expect(ids(twice)).toEqual(['mcp:m']);
    expect(twice.problems[0]?.message.match(/stay published/g)).toHaveLength(1);
  });

  describe('of credentials', () => {
    const key = { id: 'c1', name: 'first' };
    const known: CatalogListing = {
      ...before,
      credentials: new Map([
        ['a', [key]],
        ['b', []],
      ]),
    };

    it('keeps those that could not be listed, and says so', () => {
      const next: CatalogListing = {
        providers: before.providers,
        problems: [{ providerType: 'builtin', providerId: 'a', message: 'Refused.' }],
        credentials: new Map([['b', [key]]]),
      };
      const { listing, stale } = carryOver(known, next);
      expect(listing.providers).toBe(next.providers);
      expect(listing.credentials?.get('a')).toEqual([key]);
      expect(listing.credentials?.get('b')).toEqual([key]);
      expect(stale).toMatchObject([{ providerId: 'a', message: expect.stringContaining('stay published') }]);
    });

    it('keeps those of a provider that is kept', () => {
      const next: CatalogListing = {
        providers: [],
        problems: [{ providerType: 'builtin', message: 'The daemon is down.' }],
      };
      expect([...(carryOver(known, next).listing.credentials ?? [])]).toEqual([...(known.credentials ?? [])]);
    });

    it('lets go of those that nobody asks for any more', () => {
      const next: CatalogListing = { providers: before.providers, problems: [] };
      expect(carryOver(known, next).listing.credentials).toBeUndefined();
    });
  });
});
