import { BridgeError } from '../../model/errors.ts';
import { objectOf } from '../../model/json.ts';
import type { CatalogListing, CredentialListing } from '../../model/ports.ts';
import type { ProviderType } from '../../model/tool.ts';
import { isUnknownRoute } from './console-errors.ts';
import {
  type ConsoleCredentials,
  type ConsoleRequest,
  type ConsoleSession,
  createConsoleSession,
} from './session.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import type { DifyHttp } from '../wire/http.ts';
import { header, readReply } from '../wire/reply.ts';
import { type ToolReading, toCredentials, toDifyTools, toToolProviders } from './wire-catalog.ts';
import { type PluginListing, toPluginListing, toPluginPage } from './wire-plugins.ts';
import { type AccountWorkspace, currentOf, toWorkspaces, type Workspace } from './workspaces.ts';

/** The read-only part of Dify's console API. Every method rejects with a BridgeError. */
export type DifyConsole = ReturnType<typeof createConsole>;

const WORKSPACES = '/console/api/workspaces';
const WORKSPACE_ROOT = `${WORKSPACES}/current`;
const PAGE_SIZE = 20;
const PLUGINS_PER_PAGE = 100;
/** More pages than any installation has. Ends the loop if Dify always announces one more page. */
const MAX_PAGES = 500;

/** Returns a console that authenticates with these credentials. Sends nothing before the first request. */
export function createConsole(
  http: DifyHttp,
  credentials: ConsoleCredentials,
  timeoutMs?: number,
  session: ConsoleSession = createConsoleSession(http, credentials, timeoutMs),
) {
  /** Dify's last listing of each type. */
  const listed = new Map<ProviderType, { readonly digest: string; readonly listing: CatalogListing }>();

  /** Resolves with a 200 whose body is JSON; undefined if Dify has no such route and `mayBeUnknown` is set. */
  async function answerTo(request: ConsoleRequest, mayBeUnknown: boolean): Promise<DifyAnswer | undefined> {
    const answer = await session.send(request);
    if (answer.status === 200 && header(answer, 'content-type')?.includes('json')) return answer;
    const reply = await readReply(answer);
    if (mayBeUnknown && isUnknownRoute(reply)) return undefined;
    throw session.toError(reply);
  }

  /** Resolves with the JSON of a 200; undefined if Dify has no such route and `mayBeUnknown` is set. */
  async function ask(request: ConsoleRequest, mayBeUnknown = false): Promise<unknown> {
    const answer = await answerTo(request, mayBeUnknown);
    if (answer === undefined) return undefined;
    return (await answer.json()) ?? reject(request.path, 'JSON');
  }

  /** Resolves with the workspaces of the account; with the admin key, those of the workspace's owner. */
  async function workspaces(signal: AbortSignal): Promise<readonly AccountWorkspace[]> {
    const list = objectOf(await ask({ method: 'GET', path: WORKSPACES, signal }))['workspaces'];
    return toWorkspaces(list) ?? reject(WORKSPACES, 'a list of workspaces');
  }

  /** Resolves with the workspace whose tools Dify lists and runs. Rejects if the credentials name another one. */
  async function currentWorkspace(signal: AbortSignal): Promise<Workspace> {
    // Every release has the list. The route of the current workspace changed its method once and is gone since 1.17.
    return currentOf(await workspaces(signal), credentials);
  }

  return {
    workspaces,
    currentWorkspace,
    /** See `ConsoleSession`. */
    headers: (signal: AbortSignal) => session.headers(signal),

    /** Resolves with the same object as long as Dify's answer does not change; `mcp` came with Dify 1.6.0. */
    async listTools(type: ProviderType, signal: AbortSignal): Promise<CatalogListing | undefined> {
      const path = `${WORKSPACE_ROOT}/tools/${type}`;
      const answer = await answerTo({ method: 'GET', path, signal }, type === 'mcp');
      if (answer === undefined) return undefined;
      const { digest, json } = await answer.digested();
      const last = listed.get(type);
      if (last?.digest === digest) return last.listing;
      const listing = toToolProviders(json() ?? reject(path, 'JSON'), type) ?? reject(path, 'a list');
      listed.set(type, { digest, listing });
      return listing;
    },

    /** Resolves with the providers of one type. Dify omits their tools, except for `mcp`. */
    async listProviders(type: ProviderType, signal: AbortSignal): Promise<CatalogListing> {
      const path = `${WORKSPACE_ROOT}/tool-providers?type=${type}`;
      return toToolProviders(await ask({ method: 'GET', path, signal }), type) ?? reject(path, 'a list');
    },

    /** Resolves with the builtin providers of plugins, even if one plugin makes `listProviders` fail. */
    async listPlugins(signal: AbortSignal): Promise<PluginListing> {
      const plugins: unknown[] = [];
      for (let page = 1; page <= MAX_PAGES; page += 1) {
        const path = `${WORKSPACE_ROOT}/plugin/list?page=${page}&page_size=${PLUGINS_PER_PAGE}`;
        const answer = await ask({ method: 'GET', path, signal });
        const { plugins: batch, total } = toPluginPage(answer) ?? reject(path, 'a list');
        for (const plugin of batch) plugins.push(plugin);
        if (batch.length === 0 || plugins.length >= total) break;
      }
      return toPluginListing(plugins);
    },

    /** Resolves with the tools of one builtin provider. Unlike `listTools`, no other provider can make it fail. */
    async builtinProviderTools(providerId: string, signal: AbortSignal): Promise<ToolReading> {
      const path = `${builtinPath(providerId)}/tools`;
      const raw = await ask({ method: 'GET', path, signal });
      return toDifyTools(raw, 'builtin', providerId) ?? reject(path, 'a list');
    },

    /** Resolves with a builtin provider's credentials; undefined before Dify 1.7.0, which lists none. */
    async credentials(providerId: string, signal: AbortSignal): Promise<CredentialListing | undefined> {
      const path = `${builtinPath(providerId)}/credential/info`;
      const raw = await ask({ method: 'GET', path, signal }, true);
      return raw === undefined ? undefined : (toCredentials(raw) ?? reject(path, 'a list'));
    },

    /** Checks the workspace of a login as `currentWorkspace` does. Requests with the admin key name theirs. */
    async checkWorkspace(signal: AbortSignal): Promise<void> {
      const isNamed = credentials.kind !== 'admin-key' && credentials.workspaceId !== undefined;
      if (isNamed) await currentWorkspace(signal);
    },

    /** Resolves with every workspace of the installation. Only the admin key may list them. */
    async allWorkspaces(signal: AbortSignal): Promise<readonly Workspace[]> {
      if (credentials.kind !== 'admin-key') {
        const message = 'Only the admin key may list all workspaces of Dify.';
        throw new BridgeError('upstream_unauthorized', message, { hint: 'Set DIFY_ADMIN_API_KEY.' });
      }
      const found: Workspace[] = [];
      for (let page = 1; page <= MAX_PAGES; page += 1) {
        const path = `/console/api/all-workspaces?page=${page}&limit=${PAGE_SIZE}`;
        const request = { method: 'GET', path, signal, inWorkspace: false } as const;
        const { data, has_more: hasMore } = objectOf(await ask(request));
        const batch = toWorkspaces(data) ?? reject(path, 'a list of workspaces');
        for (const workspace of batch) found.push(workspace);
        if (hasMore !== true || batch.length === 0) break;
      }
      return found;
    },
  };
}

function builtinPath(providerId: string): string {
  const inPath = providerId.split('/').map(encodeURIComponent).join('/');
  return `${WORKSPACE_ROOT}/tool-provider/builtin/${inPath}`;
}

function reject(path: string, expected: string): never {
  throw new BridgeError('upstream_error', `Dify's answer to ${path} is not ${expected}.`, {
    hint: 'Check that the bridge supports this version of Dify.',
    upstream: { status: 200, path },
  });
}
