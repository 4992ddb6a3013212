import { BridgeError } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { CatalogListing, ProviderCredential } from '../../model/ports.ts';
import type { ProviderType } from '../../model/tool.ts';
import { isUnknownRoute } from './console-errors.ts';
import { type ConsoleCredentials, type ConsoleRequest, createConsoleSession } from './session.ts';
import type { DifyAnswer, DifyHttp } from '../wire/http.ts';
import { readReply } from '../wire/reply.ts';
import { type ToolReading, toCredentials, toDifyTools, toToolProviders } from './wire-catalog.ts';
import { type PluginListing, toPluginListing, toPluginPage } from './wire-plugins.ts';
import {
  type AccountWorkspace,
  currentOf,
  toAccountWorkspaces,
  toWorkspaces,
  type Workspace,
} from './workspaces.ts';

/** The read-only part of Dify's console API. Every method rejects with a BridgeError. */
export interface DifyConsole {
  /**
   * Resolves with the providers of one type and their tools: the same object as long as Dify's answer
   * does not change. Undefined if this Dify is older than the type (`mcp` came with 1.6.0).
   */
  listTools(type: ProviderType, signal: AbortSignal): Promise<CatalogListing | undefined>;
  /** Resolves with the providers of one type. Dify omits their tools, except for `mcp`. */
  listProviders(type: ProviderType, signal: AbortSignal): Promise<CatalogListing>;
  /**
   * Resolves with the builtin providers that plugins install, without tools. Works even if one plugin
   * makes `listProviders` fail.
   */
  listPlugins(signal: AbortSignal): Promise<PluginListing>;
  /**
   * Resolves with the tools of one builtin provider. Unlike `listTools`, no other provider can make it
   * fail.
   */
  builtinProviderTools(providerId: string, signal: AbortSignal): Promise<ToolReading>;
  /**
   * Resolves with the workspace's credentials for a builtin provider. Undefined before Dify 1.7.0, which
   * does not list them: a provider had at most one.
   */
  credentials(providerId: string, signal: AbortSignal): Promise<readonly ProviderCredential[] | undefined>;
  /**
   * Resolves with the workspaces of the account and marks the current one. With the admin key, the
   * account is the owner of the workspace that the credentials name.
   */
  workspaces(signal: AbortSignal): Promise<readonly AccountWorkspace[]>;
  /**
   * Resolves with the workspace whose tools Dify lists. Rejects if the credentials name another one: Dify
   * would list the tools of one workspace and run those of another.
   */
  currentWorkspace(signal: AbortSignal): Promise<Workspace>;
  /**
   * Rejects if the account of a login is in another workspace than the credentials name. Sends nothing
   * with the admin key, whose requests name their workspace.
   */
  checkWorkspace(signal: AbortSignal): Promise<void>;
  /** Resolves with every workspace of the installation. Only the admin key may list them. */
  allWorkspaces(signal: AbortSignal): Promise<readonly Workspace[]>;
}

/** Limits of a console. */
export interface ConsoleOptions {
  /** Milliseconds for one request; 30 s when absent. */
  readonly timeoutMs?: number | undefined;
}

const WORKSPACES = '/console/api/workspaces';
const WORKSPACE_ROOT = `${WORKSPACES}/current`;
const PAGE_SIZE = 20;
const PLUGINS_PER_PAGE = 100;
/** More pages than any installation has. Ends the loop if Dify always announces one more page. */
const MAX_PAGES = 500;

/**
 * Returns a console that authenticates with these credentials. Sends nothing before the first request.
 */
export function createConsole(
  http: DifyHttp,
  credentials: ConsoleCredentials,
  options: ConsoleOptions = {},
): DifyConsole {
  const session = createConsoleSession(http, credentials, options.timeoutMs);
  /** Dify's last listing of each type. */
  const listed = new Map<ProviderType, { readonly digest: string; readonly listing: CatalogListing }>();

  /**
   * Resolves with a 200 whose body is JSON; undefined if Dify has no such route and `mayBeUnknown` is
   * set.
   */
  async function answerTo(request: ConsoleRequest, mayBeUnknown: boolean): Promise<DifyAnswer | undefined> {
    const answer = await session.send(request);
    if (answer.status === 200 && isJsonAnswer(answer.headers['content-type'])) return answer;
    const reply = await readReply(answer);
    if (mayBeUnknown && isUnknownRoute(reply)) return undefined;
    throw session.toError(reply);
  }

  /** Resolves with the JSON of a 200; undefined if Dify has no such route and `mayBeUnknown` is set. */
  async function ask(request: ConsoleRequest, mayBeUnknown = false): Promise<unknown> {
    const answer = await answerTo(request, mayBeUnknown);
    if (answer === undefined) return undefined;
    const body = await answer.json();
    if (body !== undefined) return body;
    throw unexpected(request.path, 'JSON');
  }

  async function workspaces(signal: AbortSignal): Promise<readonly AccountWorkspace[]> {
    const raw = await ask({ method: 'GET', path: WORKSPACES, signal });
    const list = isJsonObject(raw) ? raw['workspaces'] : undefined;
    return toAccountWorkspaces(list) ?? rejectWorkspaces(WORKSPACES);
  }

  // Every release has the list. The route of the current workspace changed its method once and is gone
  // since 1.17.
  async function currentWorkspace(signal: AbortSignal): Promise<Workspace> {
    return currentOf(await workspaces(signal), credentials);
  }

  return {
    workspaces,
    currentWorkspace,

    async listTools(type, signal) {
      const path = `${WORKSPACE_ROOT}/tools/${type}`;
      const answer = await answerTo({ method: 'GET', path, signal }, type === 'mcp');
      if (answer === undefined) return undefined;
      const { digest, json } = await answer.digested();
      const last = listed.get(type);
      if (last?.digest === digest) return last.listing;
      const raw = json();
      if (raw === undefined) throw unexpected(path, 'JSON');
      const listing = toToolProviders(raw, type) ?? rejectList(path);
      listed.set(type, { digest, listing });
      return listing;
    },

    async listProviders(type, signal) {
      const path = `${WORKSPACE_ROOT}/tool-providers?type=${type}`;
      return toToolProviders(await ask({ method: 'GET', path, signal }), type) ?? rejectList(path);
    },

    async listPlugins(signal) {
      const plugins: unknown[] = [];
      for (let page = 1; page <= MAX_PAGES; page += 1) {
        const path = `${WORKSPACE_ROOT}/plugin/list?page=${page}&page_size=${PLUGINS_PER_PAGE}`;
        const { plugins: batch, total = 0 } =
          toPluginPage(await ask({ method: 'GET', path, signal })) ?? rejectList(path);
        plugins.push(...batch);
        if (batch.length === 0 || plugins.length >= total) break;
      }
      return toPluginListing(plugins);
    },

    async builtinProviderTools(providerId, signal) {
      const path = `${builtinPath(providerId)}/tools`;
      return (
        toDifyTools(await ask({ method: 'GET', path, signal }), 'builtin', providerId) ?? rejectList(path)
      );
    },

    async credentials(providerId, signal) {
      const path = `${builtinPath(providerId)}/credential/info`;
      const raw = await ask({ method: 'GET', path, signal }, true);
      return raw === undefined ? undefined : (toCredentials(raw) ?? rejectList(path));
    },

    async checkWorkspace(signal) {
      if (credentials.kind === 'login' && credentials.workspaceId !== undefined)
        await currentWorkspace(signal);
    },

    async allWorkspaces(signal) {
      if (credentials.kind !== 'admin-key') {
        throw new BridgeError(
          'upstream_unauthorized',
          'Only the admin key may list all workspaces of Dify.',
          {
            hint: 'Set DIFY_ADMIN_API_KEY.',
          },
        );
      }
      const found: Workspace[] = [];
      for (let page = 1; page <= MAX_PAGES; page += 1) {
        const path = `/console/api/all-workspaces?page=${page}&limit=${PAGE_SIZE}`;
        const raw = await ask({ method: 'GET', path, signal, inWorkspace: false });
        const batch = toWorkspaces(isJsonObject(raw) ? raw['data'] : undefined) ?? rejectWorkspaces(path);
        found.push(...batch);
        if (!isJsonObject(raw) || raw['has_more'] !== true || batch.length === 0) break;
      }
      return found;
    },
  };
}

function builtinPath(providerId: string): string {
  const inPath = providerId.split('/').map(encodeURIComponent).join('/');
  return `${WORKSPACE_ROOT}/tool-provider/builtin/${inPath}`;
}

function isJsonAnswer(contentType: string | string[] | undefined): boolean {
  return String(contentType ?? '').includes('json');
}

function rejectList(path: string): never {
  throw unexpected(path, 'a list');
}

function rejectWorkspaces(path: string): never {
  throw unexpected(path, 'a list of workspaces');
}

function unexpected(path: string, expected: string): BridgeError {
  return new BridgeError('upstream_error', `Dify's answer to ${path} is not ${expected}.`, {
    hint: 'Check that the bridge supports this version of Dify.',
    upstream: { status: 200, path },
  });
}
