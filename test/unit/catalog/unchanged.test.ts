import { describe, expect, it } from 'vitest';
import { keepUnchanged } from '../../../src/catalog/unchanged.ts';
import type { CatalogListing } from '../../../src/model/ports.ts';
import { provider } from '../../support/providers.ts';

const listing = (more: Partial<CatalogListing> = {}): CatalogListing => ({
  providers: [provider('builtin', 'a', ['one', 'two']), provider('api', 'x')],
  problems: [],
  ...more,
});
const key = { id: 'c1', name: 'first', isDefault: true };

describe('keepUnchanged', () => {
  it('takes the first listing, and one of which nothing was there before, as it is', () => {
    const next = listing();
    expect(keepUnchanged(undefined, next)).toBe(next);
    expect(keepUnchanged({ providers: [provider('mcp', 'm')], problems: [] }, next)).toBe(next);
  });

  it('answers the previous listing when all is as it was', () => {
    const credentials = () => new Map([['a', [{ ...key }]]]);
    const before = listing({ credentials: credentials() });
    expect(keepUnchanged(before, listing({ credentials: credentials() }))).toBe(before);
  });

  it('keeps the list of providers where only problems or credentials differ', () => {
    const before = listing({ credentials: new Map([['a', [key]]]) });
    const problems = [{ providerType: 'mcp', message: 'Down.' } as const];
    const withProblem = keepUnchanged(before, listing({ problems, credentials: new Map([['a', [key]]]) }));
    expect(withProblem).not.toBe(before);
    expect(withProblem.problems).toBe(problems);
    expect(withProblem.providers).toBe(before.providers);
    expect(withProblem.credentials).toBe(before.credentials);

    const renamed = new Map([['a', [{ ...key, name: 'other' }]]]);
    const withOther = keepUnchanged(before, listing({ credentials: renamed }));
    expect(withOther.providers).toBe(before.providers);
    expect(withOther.credentials).toBe(renamed);
    expect(keepUnchanged(before, listing()).credentials).toBeUndefined();
  });

  it('keeps the tools of a changed provider that are as they were', () => {
    const before = listing();
    const next = listing({
      providers: [provider('builtin', 'a', ['one', 'three', 'two']), provider('api', 'x')],
    });
    const kept = keepUnchanged(before, next);
    expect(kept.providers[0]?.tools.map(({ name }) => name)).toEqual(['one', 'three', 'two']);
    expect(kept.providers[0]?.tools[0]).toBe(before.providers[0]?.tools[0]);
    expect(kept.providers[0]?.tools[2]).toBe(before.providers[0]?.tools[1]);
    expect(kept.providers[1]).toBe(before.providers[1]);
  });

  it('sees a tool that went, another order and a type that changed', () => {
    const before = listing();
    const fewer = keepUnchanged(before, {
      providers: [provider('builtin', 'a', ['one', 'two'])],
      problems: [],
    });
    expect(fewer.providers).toHaveLength(1);
    expect(fewer.providers[0]).toBe(before.providers[0]);
    const turned = keepUnchanged(before, listing({ providers: before.providers.toReversed() }));
    expect(turned.providers.map(({ id }) => id)).toEqual(['x', 'a']);
    const other = keepUnchanged(before, listing({ providers: [provider('workflow', 'x')] }));
    expect(other.providers[0]?.type).toBe('workflow');
  });
});
