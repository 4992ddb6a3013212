import { createConsoleSource } from '../catalog/console-source.ts';
import { withCredentials } from '../catalog/credentials-source.ts';
import { type CatalogRefresher, createCatalogRefresher } from '../catalog/refresher.ts';
import type { Config } from '../config/schema.ts';
import type { DifyConsole } from '../dify/console/console.ts';
import type { Logger } from '../model/logger.ts';
import type { CatalogListing, CatalogSource } from '../model/ports.ts';
import type { Views } from '../view/views.ts';

export interface CatalogueParts {
  /** Undefined if the tools come only from a manifest. */
  readonly console: DifyConsole | undefined;
  readonly views: Views;
  /** The approved tools of all views, which replace parts that the first load cannot read. */
  readonly approved: CatalogListing | undefined;
  readonly logger: Logger;
}

/** Returns the catalogue that updates the views. It is not started. */
export function openCatalogue(config: Config, parts: CatalogueParts): CatalogRefresher {
  const { console, views, approved, logger } = parts;
  const catalogue: CatalogRefresher = createCatalogRefresher({
    source: sourceOf(parts),
    initial: approved,
    intervalMs: console === undefined ? 0 : config.catalog.refresh,
    onStart: () => views.begin(),
    onListing: (listing) => views.update(listing),
    onFailure: (error) => views.fail(error, catalogue.status().listing),
    logger,
  });
  return catalogue;
}

function sourceOf({ console, views, logger }: CatalogueParts): CatalogSource {
  if (console === undefined) {
    // Without console credentials the manifest is the only source. A reload reads it again.
    return { list: async () => views.approvedListing ?? { providers: [], problems: [] } };
  }
  const wanted = (listing: CatalogListing): ReadonlySet<string> => views.wantedCredentials(listing);
  return withCredentials(createConsoleSource(console, logger), console, wanted);
}
