import type { CatalogListing, CatalogProblem } from '../model/ports.ts';
import type { StalePart } from '../model/registry.ts';
import { PROVIDER_TYPES, type ProviderType } from '../model/tool.ts';
import { providerKey, sortedBy } from './provider-key.ts';

/** Tracks which parts of the catalogue are older than the last attempt to list them. */
export interface Staleness {
  /** A load succeeded, but for the parts in `stale`, which are from the listing of `previousAt`. */
  loaded(stale: readonly CatalogProblem[], previousAt: Date): void;
  /** A load failed as a whole: the entire listing, which is of `loadedAt`, is old. */
  failed(listing: CatalogListing, loadedAt: Date, message: string): void;
  /** By type, then provider. */
  parts(): readonly StalePart[];
}

/** Nothing is stale yet. */
export function createStaleness(): Staleness {
  let parts: ReadonlyMap<string, StalePart> = new Map();

  /** A part that was old already is no younger for being missed once more, alone or with its whole type. */
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
