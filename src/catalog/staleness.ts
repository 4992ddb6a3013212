import type { CatalogListing, CatalogProblem } from '../model/ports.ts';
import type { StalePart } from '../model/registry.ts';
import { PROVIDER_TYPES, type ProviderType } from '../model/tool.ts';
import { providerKey, sortedBy } from './provider-key.ts';

/** Tracks which parts of the catalogue are older than the last attempt to load them. */
export interface Staleness {
  /**
   * Records a successful load, except for the parts in `stale`, which are from the listing of
   * `previousAt`.
   */
  loaded(stale: readonly CatalogProblem[], previousAt: Date): void;
  /** Records a failed load: the entire listing, which was loaded at `loadedAt`, is old. */
  failed(listing: CatalogListing, loadedAt: Date, message: string): void;
  /** Returns the stale parts, sorted by type, then provider. */
  parts(): readonly StalePart[];
}

/** Returns a tracker in which nothing is stale. */
export function createStaleness(): Staleness {
  let parts: ReadonlyMap<string, StalePart> = new Map();

  /**
   * Returns when a part became stale. A part that was already stale keeps its date, even if its whole
   * type is now missing.
   */
  function since(type: ProviderType, id: string | undefined, otherwise: Date): Date {
    return (parts.get(providerKey(type, id)) ?? parts.get(providerKey(type)))?.since ?? otherwise;
  }

  return {
    loaded(stale, previousAt) {
      parts = new Map(
        stale.map((problem) => {
          const { providerType, providerId } = problem;
          const part = { ...problem, since: since(providerType, providerId, previousAt) };
          return [providerKey(providerType, providerId), part];
        }),
      );
    },

    failed({ providers }, loadedAt, message) {
      const next = new Map(parts);
      for (const providerType of PROVIDER_TYPES) {
        if (!providers.some(({ type }) => type === providerType)) continue;
        const part = { providerType, since: since(providerType, undefined, loadedAt), message };
        next.set(providerKey(providerType), part);
      }
      parts = next;
    },

    parts: () =>
      sortedBy(parts.values(), ({ providerType, providerId }) => providerKey(providerType, providerId)),
  };
}
