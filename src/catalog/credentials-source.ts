import type { DifyConsole } from '../dify/console/console.ts';
import { asBridgeError } from '../model/errors.ts';
import type { CatalogListing, CatalogProblem, CatalogSource, ProviderCredential } from '../model/ports.ts';
import { forEachBounded } from './bounded.ts';

/** Requests at once. */
const CONCURRENCY = 4;

/**
 * A source that lists the credentials of some providers along with the tools. `wanted` says of which providers; a
 * list of credentials that Dify does not give is named in `problems` and leaves the tools alone.
 */
export function withCredentials(
  source: CatalogSource,
  console: Pick<DifyConsole, 'credentials'>,
  wanted: (listing: CatalogListing) => ReadonlySet<string>,
): CatalogSource {
  return {
    async list(signal) {
      const listing = await source.list(signal);
      // Only builtin providers have credentials that a call can choose from.
      const ids = listing.providers.filter(({ type }) => type === 'builtin').map(({ id }) => id);
      const chosen = wanted(listing);
      const found = new Map<string, readonly ProviderCredential[]>();
      const problems: CatalogProblem[] = [];
      const asked = ids.filter((id) => chosen.has(id));
      await forEachBounded(asked, CONCURRENCY, async (providerId) => {
        try {
          found.set(providerId, (await console.credentials(providerId, signal)) ?? []);
        } catch (thrown) {
          if (signal.aborted) throw thrown;
          const message = `The credentials of "${providerId}" could not be listed: ${asBridgeError(thrown).message}`;
          problems.push({ providerType: 'builtin', providerId, message });
        }
      });
      if (asked.length === 0) return listing;
      const credentials = new Map(asked.flatMap((id) => entryOf(found, id)));
      return { ...listing, problems: [...listing.problems, ...problems], credentials };
    },
  };
}

/** The entry of a key, if it has one: a map made from these is in the order of the keys. */
function entryOf<V>(map: ReadonlyMap<string, V>, key: string): [string, V][] {
  const value = map.get(key);
  return value === undefined ? [] : [[key, value]];
}
