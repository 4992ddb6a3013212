import type { CatalogListing, CatalogProblem, ProviderCredential } from '../model/ports.ts';
import type { ProviderType, ToolProvider } from '../model/tool.ts';
import { inOrder } from './provider-order.ts';

/** A listing that is complete again, and what of it is old. */
export interface CarriedOver {
  readonly listing: CatalogListing;
  /** The problems for which something of the previous listing stands in. */
  readonly kept: readonly CatalogProblem[];
}

/**
 * The new listing with what it could not find out taken from the previous one: all providers of a type whose
 * whole list failed, the tools of single providers that failed, and the credentials of either. Their problems stay
 * and say so. What Dify no longer lists without any problem is gone.
 */
export function carryOver(previous: CatalogListing | undefined, next: CatalogListing): CarriedOver {
  if (previous === undefined) return { listing: next, kept: [] };
  const present = new Set(next.providers.map(identity));
  const known = new Map(next.unlisted?.map((provider) => [identity(provider), provider]));
  const providers: ToolProvider[] = [];
  const credentials = new Map(next.credentials);
  const problems: CatalogProblem[] = [];
  const kept: CatalogProblem[] = [];

  /** True when credentials that were known before are known again. */
  function keepCredentials(type: ProviderType, id: string): boolean {
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
        !present.has(identity(provider)),
    );
    for (const provider of missing) {
      present.add(identity(provider));
      keepCredentials(provider.type, provider.id);
    }
    // What Dify says of the provider itself counts, as that it has lost its authorisation.
    providers.push(
      ...missing.map((old) => {
        const head = known.get(identity(old));
        return head === undefined ? old : { ...head, tools: old.tools };
      }),
    );
    const keptCredentials = providerId !== undefined && keepCredentials(providerType, providerId);
    if (missing.length === 0 && !keptCredentials) {
      problems.push(problem);
    } else {
      const told = { ...problem, message: `${problem.message} ${KEPT}` };
      problems.push(told);
      kept.push(told);
    }
  }
  if (kept.length === 0) return { listing: next, kept };
  const all = providers.length === 0 ? next.providers : inOrder([...next.providers, ...providers]);
  return { listing: { providers: all, problems, ...withCredentials(credentials) }, kept };
}

const KEPT = 'What was listed before stays published.';

function withCredentials(
  credentials: ReadonlyMap<string, readonly ProviderCredential[]>,
): Pick<CatalogListing, 'credentials'> {
  return credentials.size === 0 ? {} : { credentials };
}

function identity({ type, id }: { readonly type: ProviderType; readonly id: string }): string {
  return `${type} ${id}`;
}
