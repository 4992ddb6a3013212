import type { DifyConsole } from '../dify/console/console.ts';
import { forEachBounded } from '../model/async.ts';
import { asBridgeError } from '../model/errors.ts';
import type { CatalogListing, CatalogProblem, CatalogSource, ProviderCredential } from '../model/ports.ts';
import { sortedBy } from './provider-key.ts';

const CONCURRENCY = 4;

/** Returns a source that also lists the credentials of the providers that `wanted` selects. */
export function withCredentials(
  source: CatalogSource,
  console: Pick<DifyConsole, 'credentials'>,
  wanted: (listing: CatalogListing) => ReadonlySet<string>,
): CatalogSource {
  return {
    async list(signal) {
      const listing = await source.list(signal);
      const selected = wanted(listing);
      // Only builtin providers have credentials that a call can choose.
      const ids = listing.providers.flatMap(({ type, id }) =>
        type === 'builtin' && selected.has(id) ? [id] : [],
      );
      if (ids.length === 0) return listing;
      const found: (readonly [id: string, credentials: readonly ProviderCredential[]])[] = [];
      const problems: CatalogProblem[] = [...listing.problems];
      await forEachBounded(ids, CONCURRENCY, async (providerId) => {
        try {
          found.push([providerId, (await console.credentials(providerId, signal))?.credentials ?? []]);
        } catch (thrown) {
          if (signal.aborted) throw thrown;
          const message = `The credentials of "${providerId}" could not be listed: ${asBridgeError(thrown).message}`;
          problems.push({ providerType: 'builtin', providerId, message });
        }
      });
      return { ...listing, problems, credentials: new Map(sortedBy(found, ([id]) => id)) };
    },
  };
}
