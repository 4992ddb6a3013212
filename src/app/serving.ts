import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW, viewNamed } from '../config/views.ts';
import { DEFAULT_WORKSPACE } from '../config/workspaces.ts';
import { KEY_OWNER, ownerOf } from '../files/file-id.ts';
import type { HttpHost } from '../http/host.ts';
import type { ApiKey } from '../http/key-file.ts';
import type { HttpView } from '../http/served-view.ts';
import type { ServerFactory } from '../mcp/server.ts';
import type { StdioHostOptions } from '../mcp/stdio.ts';
import { LOCAL_PRINCIPAL } from '../model/call.ts';
import type { Logger } from '../model/logger.ts';
import type { OutgoingMemory } from '../model/memory-budget.ts';
import type { Meter } from '../model/meter.ts';
import type { Secrets } from '../model/secrets.ts';
import type { DownloadableFile, FileStore } from '../model/stored-file.ts';
import { VERSION } from '../version.ts';
import type { View } from '../view/view.ts';
import { type Accounts, openAccounts } from './accounts.ts';
import { openAccessTokens } from './access-tokens.ts';
import { type BridgeFiles, recordsPath } from './files.ts';
import { readiness } from './readiness.ts';
import { type SharedState, sessionKeyOf } from './shared-state.ts';
import type { AccountUpstream, Workspace } from './workspace.ts';

/** Path of the default view over HTTP. The path of another view is this one, a slash and its name. */
const PATH = '/mcp';

/** Returns the path of a view by its ID: in another workspace than the default one, below that workspace's own path. */
function pathOf(id: string): string {
  const [, workspace, view = id] = /^([^/]+)\/(.+)$/.exec(id) ?? [];
  const path = view === DEFAULT_VIEW ? PATH : `${PATH}/${view}`;
  return workspace === undefined ? path : `/w/${workspace}${path}`;
}

export type StdioServing = Pick<StdioHostOptions, 'stdin' | 'stdout'> & {
  readonly view?: string | undefined;
};

export interface HttpServing {
  /** The address of the default view. */
  readonly url: string;
  /** The addresses of all other views, at `/mcp/NAME` and, in another workspace, `/w/WORKSPACE/mcp`. */
  readonly others: readonly string[];
  /** Resolves when serving has ended. */
  readonly closed: Promise<void>;
}

/** Serves views to clients over stdio and HTTP. */
export interface Hosting {
  /** Resolves when the client has disconnected. Rejects with `usage` if the view does not exist. */
  serveStdio(options?: StdioServing): Promise<void>;
  serveHttp(): Promise<HttpServing>;
  /** Returns where clients reach a view over HTTP; undefined before there is a host. */
  urlOf(view: Pick<View, 'id'>): string | undefined;
  /**
   * Serves added views, and ends removed ones after waiting up to `graceMs` for their calls. `next` is the new
   * configuration, with which the workspaces of accounts are opened again.
   */
  update(graceMs: number, next: Config): Promise<void>;
  close(graceMs: number): Promise<void>;
}

export interface HostingOptions {
  readonly files: BridgeFiles;
  /** The workspaces by name, the default one first. */
  readonly workspaces: ReadonlyMap<string, Workspace>;
  readonly config: Config;
  /** The state that replicas share; undefined for a single bridge. */
  readonly state: SharedState | undefined;
  readonly memory: OutgoingMemory;
  /** Opens the workspace of an account that signed in over HTTP. */
  readonly openAccount: (config: Config, upstream: AccountUpstream) => Promise<Workspace>;
  readonly meter: Pick<Meter, 'http'>;
  readonly secrets: Secrets;
  readonly logger: Logger;
}

interface Host {
  readonly closed: Promise<void>;
  close(graceMs: number): Promise<void>;
}

export function createHosting(options: HostingOptions): Hosting {
  const { workspaces, config, files, state, memory, meter, openAccount, secrets, logger } = options;
  const main = workspaces.get(DEFAULT_WORKSPACE) as Workspace;
  /** Hosts that serve a single view, over stdio. */
  const single = new Map<Host, View>();
  const httpHosts = new Set<HttpHost>();
  const httpViews = new Map<View, HttpView>();

  async function createServers(view: View, { catalog }: Config): Promise<ServerFactory> {
    const { createServerFactory } = await import('../mcp/server.ts');
    const { pageSize } = view.config;
    return createServerFactory({
      service: view,
      logger,
      info: { name: 'dify-mcp-bridge', title: 'Dify tools', version: VERSION },
      progressIntervalMs: config.calls.progressInterval,
      listTtlMs: catalog.refresh,
      resources: {
        files: files.store,
        accessOf: files.accessOf,
        maxReadBytes: config.files.maxReadBytes,
        pageSize,
      },
      pageSize,
    });
  }

  /** Returns the same object for the same view, so that a host recognises views that it already serves. */
  async function httpView(workspace: Workspace, view: View): Promise<HttpView> {
    const known = httpViews.get(view);
    if (known !== undefined) return known;
    const made = await makeHttpView(workspace, view);
    httpViews.set(view, made);
    return made;
  }

  async function makeHttpView(workspace: Workspace, view: View): Promise<HttpView> {
    return {
      name: view.id,
      path: pathOf(view.id),
      createServer: await createServers(view, workspace.config),
      tools: view.tools,
      get streamsPerView() {
        return view.config.limits.streamsPerView;
      },
    };
  }

  let closing = false;
  let current = config;
  let accounts: Accounts | undefined;
  /** Where clients reach the default view over HTTP. */
  let httpUrl: string | undefined;

  /** Closes a host that started while the app was stopping. */
  function endWithApp(host: Host): void {
    if (closing) void host.close(0);
  }

  function announceDownloads(base: string | undefined): void {
    if (base !== undefined) files.servedAt(base);
    else logger.info('Results contain no download addresses, because http.publicUrl is not set');
  }

  /** Returns every view with its workspace. */
  function allViews(): [Workspace, View][] {
    return [...workspaces.values()].flatMap((workspace) =>
      [...workspace.views.byName.values()].map((view): [Workspace, View] => [workspace, view]),
    );
  }

  function allHttpViews(): Promise<HttpView[]> {
    const present = allViews();
    const kept = new Set(present.map(([, view]) => view));
    for (const view of httpViews.keys()) if (!kept.has(view)) httpViews.delete(view);
    return Promise.all(present.map(([workspace, view]) => httpView(workspace, view)));
  }

  return {
    async serveStdio({ view: name = DEFAULT_VIEW, ...streams } = {}) {
      const { views, config: own } = main;
      const view = viewNamed(views.byName, name);
      const createServer = await createServers(view, own);
      const { serveOverStdio } = await import('../mcp/stdio.ts');
      const endGraceMs = config.calls.shutdownGrace;
      const registry = view.tools;
      const host = serveOverStdio({ ...streams, createServer, registry, endGraceMs, memory, logger });
      single.set(host, view);
      endWithApp(host);
      try {
        await host.closed;
      } finally {
        single.delete(host);
        // Only this client could fetch the results of its running calls, unless another client uses the same view.
        if (![...single.values()].includes(view)) view.abandon(LOCAL_PRINCIPAL);
      }
    },

    async serveHttp() {
      const [http, { Keys }, { keyPrincipal }, { LocalSessions }] = await Promise.all([
        import('../http/host.ts'),
        import('../http/keys.ts'),
        import('../http/admission.ts'),
        import('../http/local-sessions.ts'),
      ]);
      const { keepAlive, publicUrl, keysFile, ...options } = config.http;
      const keys = new Keys(config.keysFile, {
        required: keysFile !== undefined,
        revocations: state?.revocations,
        logger,
      });
      keys.onEnd((key) => {
        for (const [, view] of allViews()) view.abandon(keyPrincipal(key));
      });
      const [first, ...others] = await allHttpViews();
      const serve = (workspace: Workspace): Promise<HttpView[]> =>
        Promise.all([...workspace.views.byName.values()].map((view) => makeHttpView(workspace, view)));
      accounts = await openAccounts({
        config: () => current,
        state,
        apiUrl: main.apiUrl,
        openWorkspace: openAccount,
        serve,
        host: () => host,
        secrets,
        logger,
      });
      const host: HttpHost = new http.HttpHost({
        ...options,
        ...(await openAccessTokens(config, pathOf, accounts?.signIn)),
        keys,
        streamsPerPrincipal: config.limits.streamsPerPrincipal,
        ...accounts?.hostOptions,
        sessions:
          state?.sessions ?? new LocalSessions(recordsPath(config, 'sessions'), sessionKeyOf(config), logger),
        keepAliveMs: keepAlive,
        views: [first as HttpView, ...others],
        readiness: (name) => readiness(workspaces, name, state?.health),
        files: { findByDownloadKey: (key) => findDownload(key, files.store, keys.valid()) },
        publicHost: publicUrl && new URL(publicUrl).hostname,
        memory,
        meter,
        logger,
      });
      const { url } = await host.listen();
      announceDownloads(publicUrl ?? baseOf(url, options.host));
      httpUrl = publicAddress(publicUrl, url);
      httpHosts.add(host);
      void host.closed.then(() => httpHosts.delete(host));
      endWithApp(host);
      return { url, others: others.map(({ path }) => new URL(path, url).href), closed: host.closed };
    },

    urlOf: ({ id }) => httpUrl && httpUrl.slice(0, -PATH.length) + pathOf(id),

    async update(graceMs, next) {
      current = next;
      const before = [...httpViews.keys()];
      const present = await allHttpViews();
      const gone = [...single].filter(([, view]) => main.views.byName.get(view.name) !== view);
      for (const [, view] of gone) {
        logger.warn('A client will be disconnected because its view was removed from the configuration', {
          view: view.name,
        });
      }
      await Promise.all([
        ...gone.map(([host]) => host.close(graceMs)),
        ...[...httpHosts].map((host) => host.replaceViews(present, graceMs)),
        accounts?.reopen(graceMs),
      ]);
      for (const view of before) if (!httpViews.has(view)) view.abandon();
    },

    async close(graceMs) {
      closing = true;
      const hosts = [...single.keys(), ...httpHosts].map((host) => host.close(graceMs));
      await Promise.all([...hosts, accounts?.stop(graceMs)]);
      await accounts?.close();
    },
  };
}

/** Resolves with the file of a download key, unless its owner is an API key that is no longer valid. */
async function findDownload(
  downloadKey: string,
  store: FileStore,
  valid: readonly ApiKey[],
): Promise<DownloadableFile | undefined> {
  const found = await store.findByDownloadKey(downloadKey);
  if (found?.owner.startsWith(KEY_OWNER) !== true) return found;
  return valid.some(({ name }) => ownerOf(`${KEY_OWNER}${name}`) === found.owner) ? found : undefined;
}

/** Returns the address of the bridge for clients, with a placeholder for a host that only the operator knows. */
function publicAddress(publicUrl: string | undefined, url: string): string {
  const { hostname, port, pathname } = new URL(url);
  if (publicUrl !== undefined) return publicUrl + pathname;
  const isAny = hostname === '0.0.0.0' || hostname === '[::]';
  return isAny ? `http://BRIDGE-HOST:${port}${pathname}` : url;
}

/** Returns the origin of a host; undefined if it listens on all addresses, because no client can connect to those. */
function baseOf(url: string, host: string): string | undefined {
  return host === '0.0.0.0' || host === '::' ? undefined : new URL(url).origin;
}
