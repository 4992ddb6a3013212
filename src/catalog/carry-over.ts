import type { CatalogListing, CatalogProblem } from '../model/ports.ts';
import type { ProviderType, ToolProvider } from '../model/tool.ts';
import { providerKey, sortedBy } from './provider-key.ts';

const STAYS = 'The tools listed before stay published.';

/**
 * Returns the new listing, completed from the previous one where Dify reported problems: all providers of a type whose
 * list failed, the tools of providers that failed, and the credentials of either. `stale` are the problems that made
 * this necessary. Drops what Dify no longer lists without a problem.
 */
export function carryOver(
  previous: CatalogListing | undefined,
  next: CatalogListing,
): { readonly listing: CatalogListing; readonly stale: readonly CatalogProblem[] } {
  if (previous === undefined) return { listing: next, stale: [] };
  const present = new Set(next.providers.map(keyOf));
  const unlisted = new Map(next.unlisted?.map((provider) => [keyOf(provider), provider]));
  const providers: ToolProvider[] = [];
  const credentials = new Map(next.credentials);
  const problems: CatalogProblem[] = [];
  const stale: CatalogProblem[] = [];

  /** Returns true if the previous listing had credentials and they were restored. */
  function restoreCredentials(type: ProviderType, id: string): boolean {
    const old = type === 'builtin' ? previous?.credentials?.get(id) : undefined;
    if (old === undefined || credentials.has(id)) return false;
    credentials.set(id, old);
    return true;
  }

  for (const problem of next.problems) {
    const { providerType, providerId } = problem;
    const missing = previous.providers.filter(
      (provider) =>
        provider.type === providerType &&
        (providerId === undefined || provider.id === providerId) &&
        !present.has(keyOf(provider)),
    );
    for (const provider of missing) {
      const key = keyOf(provider);
      present.add(key);
      restoreCredentials(provider.type, provider.id);
      // Dify's statement about the provider itself wins, for example that it is no longer authorised.
      const known = unlisted.get(key);
      providers.push(known === undefined ? provider : { ...known, tools: provider.tools });
    }
    const hasOldCredentials = providerId !== undefined && restoreCredentials(providerType, providerId);
    const isMissed = missing.length > 0 || hasOldCredentials;
    const reported = isMissed ? { ...problem, message: `${problem.message} ${STAYS}` } : problem;
    problems.push(reported);
    if (isMissed) stale.push(reported);
  }
  if (stale.length === 0) return { listing: next, stale };
  const listing: CatalogListing = {
    providers: providers.length === 0 ? next.providers : sortedBy([...next.providers, ...providers], keyOf),
    problems,
    credentials: credentials.size === 0 ? undefined : credentials,
  };
  return { listing, stale };
}

function keyOf({ type, id }: Pick<ToolProvider, 'type' | 'id'>): string {
  return providerKey(type, id);
}
