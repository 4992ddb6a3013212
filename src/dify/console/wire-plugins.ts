import { isJsonObject, type JsonObject, objectOf } from '../../model/json.ts';
import type { CatalogListing } from '../../model/ports.ts';
import { type ProviderReading, toListing, toToolProvider } from './wire-catalog.ts';

/** The tool providers of the installed plugins, without their tools. */
export interface PluginListing extends CatalogListing {
  /** Ids of providers that are authorised only if the workspace has credentials for them. */
  readonly needCredentials: ReadonlySet<string>;
}

/** Reads one page of the list of plugins; undefined if it is none. `total` is 0 before 1.4.1, which has no pages. */
export function toPluginPage(raw: unknown) {
  const { plugins, total } = objectOf(raw);
  if (!Array.isArray(plugins)) return undefined;
  return { plugins: plugins as readonly unknown[], total: typeof total === 'number' ? total : 0 };
}

/** Reads the plugins of all pages. Skips plugins without tools. Names entries that cannot be read in `problems`. */
export function toPluginListing(plugins: readonly unknown[]): PluginListing {
  const readings: ProviderReading[] = [];
  const needCredentials = new Set<string>();
  for (const [index, plugin] of plugins.entries()) {
    const { declaration } = objectOf(plugin);
    if (isJsonObject(declaration) && !isJsonObject(declaration['tool'])) continue;
    const reading = toToolProvider(providerHead(plugin), 'builtin', index + 1);
    readings.push(reading);
    if (reading.provider !== undefined && needsCredentials(plugin)) needCredentials.add(reading.provider.id);
  }
  return { ...toListing(readings, 'builtin'), needCredentials };
}

/** Returns a plugin's provider under the keys that the list of providers uses. */
function providerHead(plugin: unknown): JsonObject {
  const pluginId = objectOf(plugin)['plugin_id'];
  const { name, label = null, description = null, tags = null } = objectOf(toolOf(plugin)['identity']);
  if (typeof pluginId !== 'string' || typeof name !== 'string') return {};
  const id = `${pluginId}/${name}`;
  return { id, name: id, label, description, labels: tags };
}

function needsCredentials(plugin: unknown): boolean {
  const { credentials_schema: fields, oauth_schema: oauth } = toolOf(plugin);
  const lists = [fields, objectOf(oauth)['credentials_schema']];
  return lists.some((list) => Array.isArray(list) && list.length > 0);
}

function toolOf(plugin: unknown): JsonObject {
  return objectOf(objectOf(objectOf(plugin)['declaration'])['tool']);
}
