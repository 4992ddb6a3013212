import { describe, expect, it } from 'vitest';
import { withCredentials } from '../../../src/catalog/credentials-source.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import type { CatalogListing, CredentialListing, ProviderCredential } from '../../../src/model/ports.ts';
import { provider } from '../../support/providers.ts';

const key: ProviderCredential = { id: 'c1', name: 'first' };
const listed: CatalogListing = {
  providers: [provider('builtin', 'a'), provider('builtin', 'b'), provider('api', 'x')],
  problems: [{ providerType: 'mcp', message: 'Down.' }],
};
const { signal } = new AbortController();

function source(wanted: readonly string[], answer: (id: string) => readonly ProviderCredential[]) {
  const asked: string[] = [];
  const credentials = async (id: string): Promise<CredentialListing> => {
    asked.push(id);
    return { needed: true, credentials: answer(id) };
  };
  const made = withCredentials({ list: async () => listed }, { credentials }, () => new Set(wanted));
  return { list: (ended: AbortSignal) => made.list(ended), asked };
}

describe('withCredentials', () => {
  it('asks for nothing, and changes nothing, where nobody wants any', async () => {
    const { list, asked } = source([], () => [key]);
    expect(await list(signal)).toBe(listed);
    expect(asked).toEqual([]);
  });

  it('asks for the wanted builtin providers that are listed, and no others', async () => {
    const { list, asked } = source(['b', 'a', 'x', 'gone'], (id) => (id === 'a' ? [key] : []));
    const { credentials, problems, providers } = await list(signal);
    expect(asked).toEqual(['a', 'b']);
    expect([...(credentials ?? [])]).toEqual([
      ['a', [key]],
      ['b', []],
    ]);
    expect(problems).toEqual(listed.problems);
    expect(providers).toBe(listed.providers);
  });

  it('names those that Dify does not list, in addition to earlier problems', async () => {
    const { list } = source(['a', 'b'], (id) => {
      if (id === 'a') throw new BridgeError('upstream_unauthorized', 'Dify said: no.');
      return [key];
    });
    const { credentials, problems } = await list(signal);
    expect(credentials?.get('b')).toEqual([key]);
    expect(credentials?.has('a')).toBe(false);
    expect(problems).toEqual([
      ...listed.problems,
      {
        providerType: 'builtin',
        providerId: 'a',
        message: 'The credentials of "a" could not be listed: Dify said: no.',
      },
    ]);
  });

  it('ends when its signal is aborted', async () => {
    const stopping = new AbortController();
    const { list } = source(['a'], () => {
      stopping.abort();
      throw new BridgeError('cancelled', 'Aborted.');
    });
    await expect(list(stopping.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });
});
