import type { CatalogListing, CatalogProblem } from '../model/ports.ts';
import type { StalePart } from '../model/registry.ts';
import { PROVIDER_TYPES, type ProviderType } from '../model/tool.ts';
import { providerKey, sortedBy } from './provider-key.ts';

/** Returns a tracker of the parts of the catalogue that are older than the last attempt to load them. */
export function createStaleness() {
  let parts: ReadonlyMap<string, StalePart> = new Map();

  /** Returns when a part became stale. One that already was keeps its date, even if its whole type is now missing. */
  function since(type: ProviderType, id: string | undefined, otherwise: Date): Date {
    return (parts.get(providerKey(type, id)) ?? parts.get(providerKey(type)))?.since ?? otherwise;
  }

  return {
    /** Records a successful load, except for the parts in `stale`, which are from the listing of `previousAt`. */
    loaded(stale: readonly CatalogProblem[], previousAt: Date): void {
      const found = stale.map((problem): [string, StalePart] => {
        const { providerType, providerId } = problem;
        const part = { ...problem, since: since(providerType, providerId, previousAt) };
        return [providerKey(providerType, providerId), part];
      });
      parts = new Map(found);
    },

    /** Records a failed load: the entire listing, which was loaded at `loadedAt`, is old. */
    failed({ providers }: CatalogListing, loadedAt: Date, message: string): void {
      const next = new Map(parts);
      for (const providerType of PROVIDER_TYPES) {
        if (!providers.some(({ type }) => type === providerType)) continue;
        const part = { providerType, since: since(providerType, undefined, loadedAt), message };
        next.set(providerKey(providerType), part);
      }
      parts = next;
    },

    /** Returns the stale parts, sorted by type, then provider. */
    parts: (): readonly StalePart[] =>
      sortedBy(parts.values(), ({ providerType, providerId }) => providerKey(providerType, providerId)),
  };
}
