import type { ViewConfig } from '../config/views.ts';
import type { CatalogListing } from '../model/ports.ts';
import { globFits } from '../registry/glob.ts';
import { namesOf } from '../registry/match.ts';
import { nameTools } from '../registry/names.ts';

/** Returns the IDs of the providers whose credentials a view needs, because a preset names one for a tool of theirs. */
export function credentialProviders({ providers }: CatalogListing, config: ViewConfig): ReadonlySet<string> {
  const globs = Object.entries(config.presets).flatMap(([name, { credential }]) =>
    credential === undefined ? [] : [name],
  );
  if (globs.length === 0) return new Set();
  const builtin = nameTools(providers, config.maxNameLength).tools.filter(
    ({ provider }) => provider.type === 'builtin',
  );
  const found = builtin.filter((tool) =>
    namesOf(tool, config).some((name) => globs.some((glob) => globFits(glob, name))),
  );
  return new Set(found.map(({ provider }) => provider.id));
}
