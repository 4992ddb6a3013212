import type { JsonObject } from '../model/json.ts';
import type { ParameterDeclaration, ToolDeclaration } from './declaration.ts';
import { isPlugin, type SandboxProvider, type StoredCredential } from './provider.ts';
import type { SandboxState } from './state.ts';

/** The account that stored every credential. */
export const ACCOUNT_ID = '5a4db0c5-0000-4000-8000-0000000000e1';

/** The kind of list: with tools, or providers only. */
export type ListKind = 'tools' | 'providers';

/**
 * Returns a provider as the console lists it. The list of providers contains tools only for MCP servers.
 */
export function providerView(provider: SandboxProvider, kind: ListKind, state: SandboxState): JsonObject {
  const hasTools = kind === 'tools' || provider.type === 'mcp';
  return {
    id: kind === 'providers' ? (provider.databaseId ?? provider.id) : provider.id,
    author: provider.author,
    name: provider.name,
    ...pluginFields(provider),
    description: provider.description,
    icon: provider.icon ?? iconAddress(provider, state),
    icon_dark: state.features.darkIcons ? '' : undefined,
    label: provider.label,
    type: provider.type,
    team_credentials: teamCredentials(provider, kind, state),
    is_team_authorization: isAuthorized(provider, state),
    allow_delete:
      provider.type !== 'builtin' || (provider.credentialFields.length > 0 && isAuthorized(provider, state)),
    tools: hasTools ? provider.tools.map((tool) => listedTool(tool.declaration, provider, state)) : [],
    labels: provider.labels,
    ...extraFields(provider, kind, state),
  };
}

/** Returns a tool as a list shows it. */
function listedTool(tool: ToolDeclaration, provider: SandboxProvider, state: SandboxState): JsonObject {
  const parameters = tool.parameters.map((parameter) => {
    const { type, input_schema: schema, ...shown } = parameterView(parameter, state);
    const isDropped = schema === null && !state.features.nullInputSchemas;
    return {
      ...shown,
      type: type === 'system-files' ? 'files' : type,
      input_schema: isDropped ? undefined : schema,
    };
  });
  return { ...toolView(tool, provider, state), parameters };
}

function parameterView(parameter: ParameterDeclaration, { features }: SandboxState) {
  return { ...parameter, multiple: features.multipleSelects ? false : undefined };
}

/** Returns a tool as its provider's own route shows it. */
export function toolView(tool: ToolDeclaration, provider: SandboxProvider, state: SandboxState): JsonObject {
  const declaresOutputs = provider.type !== 'workflow' || state.features.workflowOutputs;
  return {
    author: tool.author,
    name: tool.name,
    label: tool.label,
    description: tool.description,
    parameters: tool.parameters.map((parameter) => parameterView(parameter, state)),
    labels: tool.labels,
    output_schema: declaresOutputs ? tool.output_schema : {},
  };
}

/** Returns the console's view of a workflow tool's settings. */
export function workflowSettings(provider: SandboxProvider, state: SandboxState): JsonObject | undefined {
  const tool = provider.tools[0]?.declaration;
  if (tool === undefined) return undefined;
  return {
    name: tool.name,
    label: provider.label.en_US,
    workflow_tool_id: provider.id,
    workflow_app_id: provider.extra['workflow_app_id'] ?? null,
    icon: provider.icon ?? {},
    description: provider.description.en_US,
    parameters: tool.parameters.map(({ name, human_description: description, form }) => ({
      name,
      description: description?.en_US ?? '',
      form,
    })),
    output_schema: tool.output_schema,
    tool: toolView(tool, provider, state),
    synced: state.account.toolsAreSynced,
    privacy_policy: '',
  };
}

/** Returns the fields that say who may use a credential. */
function visibilityFields({ visibility }: StoredCredential): JsonObject {
  return { visibility, created_by: ACCOUNT_ID, partial_member_list: [], from_other_member: false };
}

/** Returns the console's view of a provider's credentials. */
export function credentialInfo(provider: SandboxProvider, state: SandboxState): JsonObject {
  const needed = provider.credentialFields.length > 0;
  const masked = Object.fromEntries(provider.credentialFields.map((field) => [field, '******']));
  // Dify lists no credential that is private to another member, but its calls use it.
  const stored = state.workspace.credentials(provider.id).filter(({ isForeign }) => !isForeign);
  return {
    supported_credential_types: needed ? ['api-key'] : [],
    is_oauth_custom_client_enabled: false,
    credentials: stored.map((credential, index) => ({
      id: credential.id,
      name: credential.name,
      provider: provider.id,
      credential_type: 'api-key',
      is_default: index === 0,
      credentials: masked,
      ...(state.features.credentialVisibility ? visibilityFields(credential) : {}),
    })),
  };
}

function isAuthorized(provider: SandboxProvider, state: SandboxState): boolean {
  return provider.credentialFields.length === 0 || state.workspace.credentials(provider.id).length > 0;
}

function pluginFields(provider: SandboxProvider): JsonObject {
  if (provider.type === 'mcp') return { plugin_id: '', plugin_unique_identifier: '' };
  if (provider.type !== 'builtin') return { plugin_id: null, plugin_unique_identifier: null };
  if (!isPlugin(provider)) return { plugin_id: null, plugin_unique_identifier: '' };
  const pluginId = provider.id.split('/').slice(0, 2).join('/');
  return { plugin_id: pluginId, plugin_unique_identifier: `${pluginId}:0.0.1@sandbox` };
}

function iconAddress(provider: SandboxProvider, state: SandboxState): string {
  const current = `${state.url}/console/api/workspaces/current`;
  return isPlugin(provider)
    ? `${current}/plugin/icon?tenant_id=${state.workspace.id}&filename=icon.svg`
    : `${current}/tool-provider/builtin/${provider.id}/icon`;
}

function teamCredentials(provider: SandboxProvider, kind: ListKind, state: SandboxState): JsonObject {
  if (provider.type === 'api') return kind === 'tools' ? { auth_type: 'none' } : {};
  const shown = kind === 'tools' && isAuthorized(provider, state) ? '******' : '';
  return Object.fromEntries(provider.credentialFields.map((field) => [field, shown]));
}

function extraFields(provider: SandboxProvider, kind: ListKind, state: SandboxState): JsonObject {
  if (provider.type === 'mcp') {
    return { ...provider.extra, identity_mode: state.features.identityMode ? 'off' : undefined };
  }
  if (provider.type !== 'workflow') return provider.extra;
  return kind === 'tools' && state.features.workflowOutputs ? provider.extra : {};
}
