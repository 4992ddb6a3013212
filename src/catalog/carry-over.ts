import type { CatalogListing, CatalogProblem } from '../model/ports.ts';
import type { ProviderType, ToolProvider } from '../model/tool.ts';
import { providerKey, sortedBy } from './provider-key.ts';

/** A listing that is complete again, and what in it is old. */
export interface CarriedOver {
  readonly listing: CatalogListing;
  /** The problems for which parts of the previous listing are used. */
  readonly stale: readonly CatalogProblem[];
}

const STAYS = 'What was listed before stays published.';

/**
 * The new listing, completed from the previous one where Dify reported problems: all providers of a type whose list
 * failed, the tools of single providers that failed, and the credentials of either. The problems stay and say so. What
 * Dify no longer lists, without a problem, is gone.
 */
export function carryOver(previous: CatalogListing | undefined, next: CatalogListing): CarriedOver {
  if (previous === undefined) return { listing: next, stale: [] };
  const present = new Set(next.providers.map(keyOf));
  const unlisted = new Map(next.unlisted?.map((provider) => [keyOf(provider), provider]));
  const providers: ToolProvider[] = [];
  const credentials = new Map(next.credentials);
  const problems: CatalogProblem[] = [];
  const stale: CatalogProblem[] = [];

  /** True when credentials that were known before are known again. */
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
      // What Dify says about the provider itself counts, for example that it has lost its authorisation.
      const known = unlisted.get(key);
      providers.push(known === undefined ? provider : { ...known, tools: provider.tools });
    }
    const hasOldCredentials = providerId !== undefined && restoreCredentials(providerType, providerId);
    if (missing.length === 0 && !hasOldCredentials) {
      problems.push(problem);
    } else {
      const reported = { ...problem, message: `${problem.message} ${STAYS}` };
      problems.push(reported);
      stale.push(reported);
    }
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
