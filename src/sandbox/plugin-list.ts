import type { JsonObject } from '../model/json.ts';
import { localized } from './declaration.ts';
import { isPlugin, type SandboxProvider } from './provider.ts';
import type { SandboxState } from './state.ts';

/** The creation and installation time of every sandbox plugin. */
const INSTALLED_AT = '2026-11-22T21:30:42Z';
const VERSION = '0.0.1';

/** Returns one page of the installed plugins. Before 1.4.1, Dify has one page without a total. */
export function pluginPage(
  query: { readonly page: number; readonly size: number },
  state: SandboxState,
): JsonObject {
  const plugins = state.workspace.list('builtin').filter(isPlugin);
  if (!state.features.pagedPlugins) {
    return { plugins: plugins.map((provider) => pluginEntry(provider, state)) };
  }
  const start = (query.page - 1) * query.size;
  const page = plugins.slice(start, start + query.size);
  return { plugins: page.map((provider) => pluginEntry(provider, state)), total: plugins.length };
}

/** Returns a plugin with its provider's declaration, without the tools. */
function pluginEntry(provider: SandboxProvider, state: SandboxState): JsonObject {
  const [organisation = '', plugin = '', name = ''] = provider.id.split('/');
  const pluginId = `${organisation}/${plugin}`;
  const uniqueId = `${pluginId}:${VERSION}@sandbox`;
  const about = { label: provider.label, description: provider.description, icon: 'icon.svg', icon_dark: '' };
  return {
    id: uniqueId,
    created_at: INSTALLED_AT,
    updated_at: INSTALLED_AT,
    tenant_id: state.workspace.id,
    endpoints_setups: 0,
    endpoints_active: 0,
    runtime_type: 'local',
    source: 'package',
    meta: { plugin_unique_identifier: uniqueId },
    plugin_id: pluginId,
    plugin_unique_identifier: uniqueId,
    version: VERSION,
    checksum: 'sandbox',
    declaration: {
      ...about,
      version: VERSION,
      author: organisation,
      name: plugin,
      category: 'tool',
      created_at: INSTALLED_AT,
      resource: {
        memory: 268_435_456,
        permission: { tool: { enabled: true }, model: null, node: null, endpoint: null, storage: null },
      },
      plugins: {
        tools: [`provider/${name}.yaml`],
        models: null,
        endpoints: null,
        datasources: null,
        triggers: null,
      },
      tags: [...provider.labels],
      repo: null,
      verified: false,
      tool: {
        identity: { ...about, author: provider.author, name, tags: [...provider.labels] },
        plugin_id: pluginId,
        credentials_schema: provider.credentialFields.map(credentialField),
        oauth_schema: null,
      },
      model: null,
      endpoint: null,
      agent_strategy: null,
      datasource: null,
      trigger: null,
      meta: { minimum_dify_version: null, version: VERSION },
    },
    name: plugin,
    installation_id: uniqueId,
  };
}

function credentialField(name: string): JsonObject {
  return {
    type: 'secret-input',
    name,
    scope: null,
    required: true,
    default: null,
    options: null,
    multiple: false,
    label: localized(name),
    help: null,
    url: null,
    placeholder: null,
  };
}
