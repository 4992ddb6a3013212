import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { ProviderType } from '../model/tool.ts';
import { prepareParameters } from './cast.ts';
import { isMember } from './console-admission.ts';
import { admit } from './inner-admission.ts';
import type { SandboxProvider, SandboxTool, StoredCredential } from './provider.ts';
import { internalError, invalidParam, notFound, unreadableDeclaration } from './refusal.ts';
import { type App, route, type SandboxState } from './state.ts';
import { streamFailure, streamInvocation } from './stream.ts';
import { validate } from './validation.ts';
import { isUuid } from './workspace.ts';

const INVOKE_PATH = '/inner/api/invoke/tool';

/** Adds the route of reverse invocation. */
export function addInvokeRoutes(app: App, state: SandboxState): void {
  route(app, 'POST', INVOKE_PATH, async (c) => {
    const { body } = await admit(c, state);
    const fields = {
      tool_type: ['builtin', 'workflow', 'api', ...(state.features.mcpTools ? ['mcp'] : [])],
      provider: 'string',
      tool: 'string',
      tool_parameters: 'dict',
      credential_id: 'optional string',
    } as const;
    validate('RequestInvokeTool', fields, body, 'invalid payload: ');
    const type = body['tool_type'] as ProviderType;
    const name = body.tool;
    const provider = findProvider(type, body.provider, state);
    const tool = findTool(provider, name);
    const credential = credentialFor(provider, body['credential_id'], state);
    const given: JsonObject = isJsonObject(body['tool_parameters']) ? body['tool_parameters'] : {};
    const parameters = prepareParameters(tool.declaration.parameters, given);
    if (type === 'workflow' && state.features.workflowsNeedLogin && !isMember(c, state)) {
      return streamFailure(state, '401 Unauthorized: Invalid Authorization token.');
    }
    return streamInvocation(c, { provider, tool, parameters, credential }, state);
  });
}

export function findProvider(type: ProviderType, id: string, state: SandboxState): SandboxProvider {
  const found = state.workspace.find(type, id);
  if (type === 'builtin' && state.workspace.isUnreadable(id)) {
    throw unreadableDeclaration(state.workspace.id, 'tool');
  }
  if (type === 'builtin') return found ?? findPlugin(id, state);
  // The database refuses to compare an id column with anything but a UUID.
  if (type !== 'mcp' && !isUuid(id)) throw internalError();
  if (found === undefined) throw invalidParam(`${type} provider ${id} not found`);
  return found;
}

/** Returns the provider of a plugin; a bare name belongs to Dify's own organisation. */
function findPlugin(id: string, state: SandboxState): SandboxProvider {
  if (id === '') throw notFound(INVOKE_PATH, 'plugin not found, please add plugin.');
  const expanded = expandPluginId(id);
  if (expanded === undefined) throw invalidParam(`Invalid plugin id ${id}`);
  const found = state.workspace.find('builtin', expanded);
  if (found === undefined) throw internalError();
  return found;
}

/** Returns `organisation/plugin/provider` for a provider id; undefined if it is malformed. */
export function expandPluginId(id: string): string | undefined {
  if (/^[a-z0-9_-]+\/[a-z0-9_-]+\/[a-z0-9_-]+$/.test(id)) return id;
  return /^[a-z0-9_-]+$/.test(id) ? `langgenius/${id}/${id}` : undefined;
}

export function findTool(provider: SandboxProvider, name: string): SandboxTool {
  // A workflow provider has one tool, whatever name the call uses.
  const tool =
    provider.type === 'workflow'
      ? provider.tools[0]
      : provider.tools.find((candidate) => candidate.declaration.name === name);
  if (tool !== undefined) return tool;
  if (provider.type === 'workflow') throw invalidParam('app not found');
  if (provider.type === 'api') throw invalidParam(`tool ${name} not found`);
  const isHardCoded = provider.type === 'builtin' && !provider.id.includes('/');
  throw invalidParam(isHardCoded ? `builtin tool ${name} not found` : `Tool with name ${name} not found`);
}

/** Only a provider that needs credentials reads `credential_id`, and only if it is a UUID. */
export function credentialFor(
  provider: SandboxProvider,
  credentialId: unknown,
  state: SandboxState,
): StoredCredential | undefined {
  if (provider.credentialFields.length === 0) return undefined;
  const { credentialLists: canChoose } = state.features;
  if (canChoose && typeof credentialId === 'string' && isUuid(credentialId)) {
    const chosen = state.workspace.credential(credentialId);
    if (chosen !== undefined) return chosen;
    throw invalidParam(`provider has been deleted: ${credentialId}`);
  }
  const [first] = state.workspace.credentials(provider.id);
  if (first === undefined) {
    const old = `builtin provider ${provider.id} not found`;
    throw invalidParam(canChoose ? `no default provider for ${provider.id}` : old);
  }
  return first;
}
