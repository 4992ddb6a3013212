import type { ViewConfig } from '../config/views.ts';
import type { CatalogListing } from '../model/ports.ts';
import { nameTools } from '../registry/names.ts';
import { matchPresets } from '../registry/preset-match.ts';

/** Returns the IDs of the providers whose credentials a view needs, because a preset names one for a tool of theirs. */
export function credentialProviders({ providers }: CatalogListing, config: ViewConfig): ReadonlySet<string> {
  if (Object.values(config.presets).every(({ credential }) => credential === undefined)) return new Set();
  const { tools } = nameTools(providers, config.maxNameLength);
  const { byTool } = matchPresets(tools, config);
  const naming = tools.filter(
    (tool) => tool.provider.type === 'builtin' && byTool.get(tool)?.credential !== undefined,
  );
  return new Set(naming.map(({ provider }) => provider.id));
}
