import type { CatalogListing, CatalogProblem } from '../model/ports.ts';
import type { StalePart } from '../model/registry.ts';
import { PROVIDER_TYPES, type ProviderType } from '../model/tool.ts';

/** Knows which parts of the catalogue are older than the last attempt to list them. */
export interface Staleness {
  /** A load ended well but for the parts `kept` from the one before, which was of `previousAt`. */
  loaded(kept: readonly CatalogProblem[], previousAt: Date): void;
  /** A load failed as a whole: all of the listing, which is of `loadedAt`, is old. */
  failed(listing: CatalogListing, loadedAt: Date, message: string): void;
  /** By type, then provider. */
  parts(): readonly StalePart[];
}

/** Nothing is stale yet. */
export function createStaleness(): Staleness {
  let stale: ReadonlyMap<string, StalePart> = new Map();

  /** A part that was old already is no younger for being missed once more, alone or with its whole type. */
  function since(providerType: ProviderType, providerId: string | undefined, otherwise: Date): Date {
    const known = stale.get(keyOf(providerType, providerId)) ?? stale.get(keyOf(providerType, undefined));
    return known?.since ?? otherwise;
  }

  return {
    loaded(kept, previousAt) {
      const next = new Map<string, StalePart>();
      for (const { providerType, providerId, message } of kept) {
        next.set(keyOf(providerType, providerId), {
          providerType,
          ...(providerId === undefined ? {} : { providerId }),
          since: since(providerType, providerId, previousAt),
          message,
        });
      }
      stale = next;
    },

    failed({ providers }, loadedAt, message) {
      const next = new Map(stale);
      for (const type of PROVIDER_TYPES) {
        if (!providers.some((provider) => provider.type === type)) continue;
        const part = { providerType: type, since: since(type, undefined, loadedAt), message };
        next.set(keyOf(type, undefined), part);
      }
      stale = next;
    },

    parts: () => [...stale.values()].sort((a, b) => compare(orderOf(a), orderOf(b))),
  };
}

function keyOf(type: ProviderType, id: string | undefined): string {
  return `${type} ${id ?? ''}`;
}

function orderOf({ providerType, providerId }: StalePart): string {
  return `${PROVIDER_TYPES.indexOf(providerType)} ${providerId ?? ''}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
