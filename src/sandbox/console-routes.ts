import { PROVIDER_TYPES, type ProviderType } from '../model/tool.ts';
import { requireMember } from './console-admission.ts';
import { credentialInfo, type ListKind, providerView, toolView, workflowSettings } from './console-view.ts';
import { expandPluginId } from './invoke-routes.ts';
import { pluginPage } from './plugin-list.ts';
import { builtinProvider, type SandboxProvider } from './provider.ts';
import {
  internalError,
  invalidParam,
  methodNotAllowed,
  notFoundPage,
  unreadableDeclaration,
} from './refusal.ts';
import { type App, type AppContext, route, type SandboxState } from './state.ts';
import { addWorkspaceRoutes } from './workspace-routes.ts';

const CURRENT = '/console/api/workspaces/current';
/**
 * Providers in every Dify. In the sandbox they have no tools, and so are not listed, until some are
 * added.
 */
const HARD_CODED: ReadonlyMap<string, SandboxProvider> = new Map(
  ['audio', 'code', 'time', 'webscraper'].map((id) => [
    id,
    builtinProvider(id, { label: id, description: `Built-in ${id}.`, tools: [] }),
  ]),
);

/** Adds the console's routes for the workspace and its tools. */
export function addConsoleRoutes(app: App, state: SandboxState): void {
  const member = (method: 'GET' | 'POST', path: string, handler: (c: AppContext) => Response): void =>
    route(app, method, path, (c) => {
      requireMember(c, state);
      return handler(c);
    });

  addWorkspaceRoutes(app, state);
  member('GET', `${CURRENT}/plugin/list`, (c) => {
    const page = Number(c.req.query('page') ?? 1);
    const size = Number(c.req.query('page_size') ?? 256);
    return c.json(pluginPage({ page, size }, state));
  });
  for (const type of listedTypes(state)) {
    member('GET', `${CURRENT}/tools/${type}`, (c) => c.json(listing([type], 'tools', state)));
  }
  member('GET', `${CURRENT}/tool-providers`, (c) => {
    const asked = c.req.query('type');
    const types = listedTypes(state).filter((type) => asked === undefined || type === asked);
    return c.json(listing(types, 'providers', state));
  });
  member('GET', `${CURRENT}/tool-provider/api/tools`, (c) => {
    const name = c.req.query('provider') ?? '';
    const provider = state.workspace.list('api').find((candidate) => candidate.name === name);
    if (provider === undefined) throw invalidParam(`you have not added provider ${name}`);
    return toolsOf(c, provider, state);
  });
  member('GET', `${CURRENT}/tool-provider/workflow/tools`, (c) => toolsOf(c, workflow(c, state), state));
  member('GET', `${CURRENT}/tool-provider/workflow/get`, (c) => {
    const settings = workflowSettings(workflow(c, state), state);
    if (settings === undefined) throw invalidParam('Tool not found');
    return c.json(settings);
  });
  addBuiltinRoutes(app, state);
}

/** Routes with a provider id in the middle of the path; the id may contain slashes. */
function addBuiltinRoutes(app: App, state: SandboxState): void {
  const prefix = `${CURRENT}/tool-provider/builtin/`;
  app.all(`${prefix}*`, (c) => {
    const path = decodeURIComponent(new URL(c.req.url).pathname);
    const [, id, rest] = /^(.+?)\/(tools|credential\/info)$/.exec(path.slice(prefix.length)) ?? [];
    if (id === undefined || (rest !== 'tools' && !state.features.credentialLists)) return notFoundPage();
    if (c.req.method !== 'GET') throw methodNotAllowed('GET, HEAD, OPTIONS');
    requireMember(c, state);
    const provider = builtin(id, state);
    return rest === 'tools' ? toolsOf(c, provider, state) : c.json(credentialInfo(provider, state));
  });
}

function builtin(id: string, state: SandboxState): SandboxProvider {
  if (state.workspace.isBroken(id)) throw daemonFailure(state);
  if (state.workspace.isUnreadable(id)) throw unreadableDeclaration(state.workspace.id, 'tool');
  const found = state.workspace.find('builtin', id) ?? HARD_CODED.get(id);
  if (found !== undefined) return found;
  const expanded = expandPluginId(id);
  if (expanded === undefined) throw invalidParam(`Invalid plugin id ${id}`);
  const plugin = state.workspace.find('builtin', expanded);
  if (plugin === undefined) throw internalError();
  return plugin;
}

function workflow(c: AppContext, state: SandboxState): SandboxProvider {
  const id = c.req.query('workflow_tool_id');
  const appId = c.req.query('workflow_app_id');
  const provider = state.workspace
    .list('workflow')
    .find((candidate) => candidate.id === id || candidate.extra['workflow_app_id'] === appId);
  if (provider === undefined) throw invalidParam('Tool not found');
  return provider;
}

function listing(types: readonly ProviderType[], kind: ListKind, state: SandboxState) {
  // The list of providers does not read the plugins' tools, so a broken tool listing does not affect it.
  if (kind === 'tools' && types.some((type) => state.workspace.listingIsBroken(type))) {
    throw daemonFailure(state);
  }
  if (types.includes('builtin') && state.workspace.hasUnreadable) {
    throw unreadableDeclaration(state.workspace.id, 'tools');
  }
  return types.flatMap((type) =>
    state.workspace.list(type).map((provider) => providerView(provider, kind, state)),
  );
}

function toolsOf(c: AppContext, provider: SandboxProvider, state: SandboxState): Response {
  return c.json(provider.tools.map((tool) => toolView(tool.declaration, provider, state)));
}

function daemonFailure(state: SandboxState): Error {
  return invalidParam(`Failed to request plugin daemon, url: plugin/${state.workspace.id}/management/tools`);
}

function listedTypes(state: SandboxState): ProviderType[] {
  return PROVIDER_TYPES.filter((type) => type !== 'mcp' || state.features.mcpTools);
}
