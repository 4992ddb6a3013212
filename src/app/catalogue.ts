import { createConsoleSource } from '../catalog/console-source.ts';
import { withCredentials } from '../catalog/credentials-source.ts';
import { type CatalogRefresher, createCatalogRefresher } from '../catalog/refresher.ts';
import type { Config } from '../config/schema.ts';
import type { DifyConsole } from '../dify/console/console.ts';
import type { Logger } from '../model/logger.ts';
import type { Meter } from '../model/meter.ts';
import type { CatalogListing, CatalogSource } from '../model/ports.ts';
import type { Views } from '../view/views.ts';

export interface CatalogueParts {
  /** Absent without console credentials. */
  readonly difyConsole: DifyConsole | undefined;
  readonly views: Views;
  /** The approved tools of all views, which replace parts that the first load cannot read. */
  readonly approved: CatalogListing | undefined;
  readonly meter: Pick<Meter, 'refreshed'>;
  readonly logger: Logger;
}

/** Returns the catalogue that updates the views. It is not started. */
export function openCatalogue(config: Config, parts: CatalogueParts): CatalogRefresher {
  const { difyConsole, views, approved, meter, logger } = parts;
  const source = difyConsole === undefined ? 'manifest' : 'console';
  const catalogue: CatalogRefresher = createCatalogRefresher({
    source: sourceOf(parts),
    initial: approved,
    intervalMs: difyConsole === undefined ? 0 : config.catalog.refresh,
    onStart: () => views.begin(),
    onListing(listing) {
      meter.refreshed(source, listing.problems.length === 0 ? 'ok' : 'incomplete');
      views.update(listing);
    },
    onFailure(error) {
      meter.refreshed(source, 'failed');
      views.fail(error, catalogue.status().listing);
    },
    logger,
  });
  return catalogue;
}

function sourceOf({ difyConsole, views, logger }: CatalogueParts): CatalogSource {
  if (difyConsole === undefined) {
    // Without console credentials the manifest is the only source. A reload reads it again.
    return { list: async () => views.approvedListing ?? { providers: [], problems: [] } };
  }
  const wanted = (listing: CatalogListing): ReadonlySet<string> => views.wantedCredentials(listing);
  return withCredentials(createConsoleSource(difyConsole, logger), difyConsole, wanted);
}
