import type { CatalogListing, CatalogProblem } from '../model/ports.ts';
import type { ProviderType, ToolProvider } from '../model/tool.ts';
import { inOrder } from './provider-order.ts';

/**
 * The new listing with what it could not find out taken from the previous one: all providers of a type whose
 * whole list failed, and single providers that failed. Their problems stay and say so. What Dify no longer lists
 * without any problem is gone.
 */
export function carryOver(previous: CatalogListing | undefined, next: CatalogListing): CatalogListing {
  if (previous === undefined) return next;
  const present = new Set(next.providers.map(identity));
  const kept: ToolProvider[] = [];
  const problems: CatalogProblem[] = [];
  for (const problem of next.problems) {
    const { providerType, providerId } = problem;
    const missing = previous.providers.filter(
      (provider) =>
        provider.type === providerType &&
        (providerId === undefined || provider.id === providerId) &&
        !present.has(identity(provider)),
    );
    for (const provider of missing) present.add(identity(provider));
    kept.push(...missing);
    problems.push(missing.length === 0 ? problem : { ...problem, message: `${problem.message} ${KEPT}` });
  }
  return kept.length === 0 ? next : { providers: inOrder([...next.providers, ...kept]), problems };
}

const KEPT = 'What was listed before stays published.';

function identity({ type, id }: { readonly type: ProviderType; readonly id: string }): string {
  return `${type} ${id}`;
}
