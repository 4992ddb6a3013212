import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW } from '../config/views.ts';
import type { HttpHost, Readiness } from '../http/host.ts';
import type { HttpView } from '../http/served-view.ts';
import type { ServerFactory } from '../mcp/server.ts';
import type { StdioHostOptions } from '../mcp/stdio.ts';
import { LOCAL_PRINCIPAL } from '../model/call.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { CatalogStatus } from '../model/registry.ts';
import { VERSION } from '../version.ts';
import type { View } from '../view/view.ts';
import type { BridgeFiles } from './files.ts';
import type { SharedState } from './shared-state.ts';

/** Where the default view is served over HTTP; another one is at its name below that. */
const PATH = '/mcp';

/** What is served over standard input and output. */
export type StdioServing = Pick<StdioHostOptions, 'stdin' | 'stdout'> & {
  readonly view?: string | undefined;
};

/** Serves views to clients, over standard input and output and over HTTP. */
export interface Hosting {
  /** Resolves when the client has gone. Rejects with `usage` where there is no such view. */
  serveStdio(options?: StdioServing): Promise<void>;
  serveHttp(status: () => CatalogStatus): Promise<{ readonly url: string; readonly closed: Promise<void> }>;
  /** The views have changed: serves new ones, and ends those that are gone after `graceMs` for their calls. */
  update(graceMs: number): Promise<void>;
  close(graceMs: number): Promise<void>;
}

export interface HostingOptions {
  readonly files: BridgeFiles;
  /** The views by name, as they are at any time. */
  readonly views: ReadonlyMap<string, View>;
  readonly config: Config;
  /** What replicas share; undefined for a bridge alone. */
  readonly state: SharedState | undefined;
  readonly logger: Logger;
}

interface Host {
  readonly closed: Promise<void>;
  close(graceMs: number): Promise<void>;
}

export function createHosting({ views, config, files, state, logger }: HostingOptions): Hosting {
  /** Hosts of one view each. */
  const single = new Map<Host, View>();
  const httpHosts = new Set<HttpHost>();
  const httpViews = new Map<View, HttpView>();

  async function createServers(view: View): Promise<ServerFactory> {
    const { createServerFactory } = await import('../mcp/server.ts');
    const { pageSize } = view.config;
    return createServerFactory({
      service: view,
      logger,
      info: { name: 'dify-mcp-bridge', title: 'Dify tools', version: VERSION },
      progressIntervalMs: config.calls.progressInterval,
      listTtlMs: config.catalog.refresh,
      resources: {
        files: files.store,
        accessOf: files.accessOf,
        maxReadBytes: config.files.maxReadBytes,
        pageSize,
      },
      pageSize,
    });
  }

  /** The same object for the same view, so that a host sees which ones it serves already. */
  async function httpView(view: View): Promise<HttpView> {
    const known = httpViews.get(view);
    if (known !== undefined) return known;
    const path = view.name === DEFAULT_VIEW ? PATH : `${PATH}/${view.name}`;
    const made = { path, createServer: await createServers(view), tools: view.tools };
    httpViews.set(view, made);
    return made;
  }

  let closing = false;

  /** Takes care that a host ends with the app, also one that began to serve while the app was stopping. */
  function endWithApp(host: Host): void {
    if (closing) void host.close(0);
  }

  function announceDownloads(base: string | undefined): void {
    if (base !== undefined) files.servedAt(base);
    else
      logger.info(
        'Results name no download addresses: http.publicUrl does not say what the address would be',
      );
  }

  function allHttpViews(): Promise<HttpView[]> {
    const present = new Set(views.values());
    for (const view of httpViews.keys()) if (!present.has(view)) httpViews.delete(view);
    return Promise.all([...present].map(httpView));
  }

  return {
    async serveStdio({ view: name = DEFAULT_VIEW, ...streams } = {}) {
      const view = views.get(name);
      if (view === undefined) throw unknownView(name, views);
      const createServer = await createServers(view);
      const { serveOverStdio } = await import('../mcp/stdio.ts');
      const host = serveOverStdio({ ...streams, createServer, registry: view.tools, logger });
      single.set(host, view);
      endWithApp(host);
      await host.closed;
      single.delete(host);
      // The results of calls that go on are for this client alone, unless another one is connected in the same way.
      if (![...single.values()].includes(view)) view.abandon(LOCAL_PRINCIPAL);
    },

    async serveHttp(status) {
      const http = await import('../http/host.ts');
      const { sessionIdle, keepAlive, publicUrl, ...options } = config.http;
      const [first, ...others] = await allHttpViews();
      const host = new http.HttpHost({
        ...options,
        sessionIdleMs: sessionIdle,
        keepAliveMs: keepAlive,
        views: [first as HttpView, ...others],
        readiness: () => readiness(views, status(), state?.health),
        files: files.store,
        publicHost: publicUrl && new URL(publicUrl).hostname,
        logger,
      });
      const { url } = await host.listen();
      announceDownloads(publicUrl ?? baseOf(url, options.host));
      httpHosts.add(host);
      void host.closed.then(() => httpHosts.delete(host));
      endWithApp(host);
      return { url, closed: host.closed };
    },

    async update(graceMs) {
      const present = await allHttpViews();
      const gone = [...single].filter(([, view]) => views.get(view.name) !== view);
      for (const [, view] of gone) {
        logger.warn('The view that a client is connected to is gone from the configuration', {
          view: view.name,
        });
      }
      await Promise.all([
        ...gone.map(([host]) => host.close(graceMs)),
        ...[...httpHosts].map((host) => host.replaceViews(present, graceMs)),
      ]);
    },

    async close(graceMs) {
      closing = true;
      await Promise.all([...single.keys(), ...httpHosts].map((host) => host.close(graceMs)));
    },
  };
}

/** What stands before the paths of a host; undefined where it listens on all addresses, which is none to go to. */
function baseOf(url: string, host: string): string | undefined {
  return host === '0.0.0.0' || host === '::' ? undefined : new URL(url).origin;
}

/**
 * Ready once there are tools, and Redis was reached where there is one. Parts of the tools that are old are named
 * without what Dify said of them. Later, Redis makes no difference: no replica would be any better.
 */
function readiness(
  views: ReadonlyMap<string, View>,
  { stale }: CatalogStatus,
  health: SharedState['health'] = 'up',
): Readiness {
  const hasTools = [...views.values()].every((view) => view.registry.current() !== undefined);
  const ready = hasTools && health !== 'waiting';
  const facts = stale.map(({ providerType, providerId, since }) => ({
    providerType,
    ...(providerId === undefined ? {} : { providerId }),
    since: since.toISOString(),
  }));
  return {
    ready,
    facts: {
      ...(facts.length === 0 ? {} : { stale: facts }),
      ...(health === 'up' ? {} : { redis: 'unavailable' }),
    },
  };
}

/** Why there is nothing to serve under that name. */
export function unknownView(name: string, views: ReadonlyMap<string, unknown>): BridgeError {
  return new BridgeError('usage', `There is no view named ${JSON.stringify(name)}.`, {
    hint: `The views are ${[...views.keys()].join(', ')}.`,
  });
}
