import { isJsonObject, type JsonObject } from '../../model/json.ts';
import type { CatalogListing } from '../../model/ports.ts';
import { type ProviderReading, toListing, toToolProvider } from './wire-catalog.ts';

/** The tool providers of the installed plugins, without their tools. */
export interface PluginListing extends CatalogListing {
  /** Ids of providers that are authorised only if the workspace has credentials for them. */
  readonly needCredentials: ReadonlySet<string>;
}

/** One page of the list of plugins. */
export interface PluginPage {
  readonly plugins: readonly unknown[];
  /** Number of plugins on all pages; undefined before 1.4.1, which has no pages. */
  readonly total: number | undefined;
}

/** Reads one page of the list of plugins. Returns undefined if it is not a list. */
export function toPluginPage(raw: unknown): PluginPage | undefined {
  if (!isJsonObject(raw)) return undefined;
  const { plugins, total } = raw;
  if (!Array.isArray(plugins)) return undefined;
  return { plugins, total: typeof total === 'number' ? total : undefined };
}

/**
 * Reads the plugins of all pages. Skips plugins without tools. Omits entries that cannot be read and
 * names them in `problems`. Never throws.
 */
export function toPluginListing(plugins: readonly unknown[]): PluginListing {
  const readings: ProviderReading[] = [];
  const needCredentials = new Set<string>();
  for (const [index, plugin] of plugins.entries()) {
    if (hasNoTools(plugin)) continue;
    const head = providerHead(plugin);
    const reading = toToolProvider(head, 'builtin', index + 1);
    readings.push(reading);
    if (reading.provider !== undefined && needsCredentials(plugin)) needCredentials.add(reading.provider.id);
  }
  return { ...toListing(readings, 'builtin'), needCredentials };
}

function hasNoTools(plugin: unknown): boolean {
  const declaration = fieldsOf(plugin)['declaration'];
  return isJsonObject(declaration) && !isJsonObject(declaration['tool']);
}

/** Returns a plugin's provider under the keys that the list of providers uses. */
function providerHead(plugin: unknown): JsonObject {
  const pluginId = fieldsOf(plugin)['plugin_id'];
  const { name, label = null, description = null, tags = null } = fieldsOf(toolOf(plugin)['identity']);
  if (typeof pluginId !== 'string' || typeof name !== 'string') return {};
  const id = `${pluginId}/${name}`;
  return { id, name: id, label, description, labels: tags };
}

function needsCredentials(plugin: unknown): boolean {
  const { credentials_schema: fields, oauth_schema: oauth } = toolOf(plugin);
  return [fields, fieldsOf(oauth)['credentials_schema']].some(
    (list) => Array.isArray(list) && list.length > 0,
  );
}

function toolOf(plugin: unknown): JsonObject {
  return fieldsOf(fieldsOf(fieldsOf(plugin)['declaration'])['tool']);
}

function fieldsOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
