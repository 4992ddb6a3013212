import { createCaller } from './calls/caller.ts';
import { createConsoleSource } from './catalog/console-source.ts';
import { createLiveRegistry } from './catalog/live-registry.ts';
import { createCatalogRefresher } from './catalog/refresher.ts';
import { type DifyConnection, difyConnection } from './config/connection.ts';
import type { Config, SandboxSet } from './config/schema.ts';
import { createToToolResult } from './content/tool-result.ts';
import { createConsole } from './dify/console.ts';
import { createFileUploader } from './dify/file-upload.ts';
import { createFileFetcher } from './dify/files.ts';
import { createDifyHttp } from './dify/http.ts';
import { createInvoker } from './dify/invoker.ts';
import type { BridgeServerOptions, ServerFactory } from './mcp/server.ts';
import type { StdioHostOptions } from './mcp/stdio.ts';
import type { CallTool } from './model/call.ts';
import { BridgeError } from './model/errors.ts';
import type { Logger } from './model/logger.ts';
import type { CatalogStatus, RegistrySource } from './model/registry.ts';
import { buildRegistry } from './registry/build.ts';
import { unknownTool } from './registry/unknown-tool.ts';
import { VERSION } from './version.ts';

const INSTRUCTIONS =
  'The tools of one Dify workspace. A tool runs in Dify and may take minutes; one that fails answers with an ' +
  'error that says what to do next.';

/** A bridge, ready to be served or called from within the process. */
export interface App {
  readonly registry: RegistrySource;
  readonly callTool: CallTool;
  /** Address of the embedded Dify, where the configuration asks for one. */
  readonly sandboxUrl?: string;
  status(): CatalogStatus;
  /** Begins to load the catalogue and keeps it up to date; does not wait. */
  start(): void;
  /** Loads the catalogue anew. Rejects with what made it fail. */
  refresh(): Promise<void>;
  /** Serves standard input and output, or the streams given; resolves when the client has gone. */
  serveStdio(streams?: Pick<StdioHostOptions, 'stdin' | 'stdout'>): Promise<void>;
  /** Serves Streamable HTTP. `closed` resolves when it has ended. */
  serveHttp(): Promise<{ readonly url: string; readonly closed: Promise<void> }>;
  /** Takes no new calls, gives running ones `graceMs`, then ends everything. */
  close(graceMs: number): Promise<void>;
}

interface Host {
  readonly closed: Promise<void>;
  close(graceMs: number): Promise<void>;
}

interface Upstream {
  readonly connection: DifyConnection;
  close(): Promise<void>;
}

/**
 * Connections beside those of the calls, for the catalogue and for files: with the calls as many as Dify's api service
 * takes as shipped. Without a limit, each call that follows another opens one more while the last idles, and Dify
 * keeps it waiting.
 */
const SPARE_CONNECTIONS = 2;

/** Puts the rooms together: the only file that knows all of them. Protocol, HTTP and sandbox load on demand. */
export async function createApp(config: Config, { logger }: { readonly logger: Logger }): Promise<App> {
  const upstream = config.sandbox === undefined ? remote(config) : await embedded(config.sandbox);
  const { connection } = upstream;
  const { workspaceId: tenantId, innerApiKey, secretKey, userId } = connection;
  const http = createDifyHttp({
    baseUrl: connection.apiUrl,
    maxConnections: config.calls.maxConcurrent + SPARE_CONNECTIONS,
  });

  const registry = createLiveRegistry({
    build: (providers) => buildRegistry(providers, config.tools),
    waitMs: config.catalog.loadTimeout,
    logger,
  });
  const catalog = createCatalogRefresher({
    source: createConsoleSource(createConsole(http, connection.console), { logger }),
    intervalMs: config.catalog.refresh,
    onStart: () => registry.begin(),
    onListing: (listing) => registry.update(listing),
    onFailure: (error) => registry.fail(error),
    logger,
  });
  const caller = createCaller({
    invoker: createInvoker(http, { innerApiKey, tenantId, maxFrameBytes: config.calls.maxFrameBytes }),
    uploader: createFileUploader(http, { innerApiKey, tenantId }),
    userId,
    timeoutMs: config.calls.timeout,
    maxConcurrent: config.calls.maxConcurrent,
    maxQueued: config.calls.maxQueued,
    logger,
  });
  const toToolResult = createToToolResult({
    fetcher: createFileFetcher(http, secretKey === undefined ? {} : { secretKey }),
    maxFileBytes: config.content.maxFileBytes,
    logger,
  });
  const hosts = new Set<Host>();
  let closing: Promise<void> | undefined;

  /** Takes care that a host ends with the app, also one that began to serve while the app was stopping. */
  function adopt(host: Host): void {
    hosts.add(host);
    void host.closed.then(() => hosts.delete(host));
    if (closing !== undefined) void host.close(0);
  }

  async function shutDown(graceMs: number): Promise<void> {
    catalog.stop();
    // Who waits for the first tools would wait in vain.
    registry.fail(new BridgeError('shutting_down', 'The bridge is stopping.'));
    await Promise.all([caller.close(graceMs), ...[...hosts].map((host) => host.close(graceMs))]);
    await http.close();
    await upstream.close();
  }

  const callTool: CallTool = async (name, args, { signal, observer, requestId }) => {
    const snapshot = registry.current() ?? (await registry.ready(signal));
    const tool = snapshot.get(name);
    if (tool === undefined) throw unknownTool(snapshot, name);
    const context = observer === undefined ? { tool, signal } : { tool, signal, observer };
    return toToolResult(caller.start(tool, args, signal, requestId), context);
  };

  async function createServers(): Promise<ServerFactory> {
    const { createServerFactory } = await import('./mcp/server.ts');
    const { pageSize } = config.tools;
    const options: BridgeServerOptions = {
      registry,
      callTool,
      logger,
      info: { name: 'dify-mcp-bridge', title: 'Dify tools', version: VERSION },
      instructions: INSTRUCTIONS,
      progressIntervalMs: config.calls.progressInterval,
      listTtlMs: config.catalog.refresh,
      ...(pageSize === undefined ? {} : { pageSize }),
    };
    return createServerFactory(options);
  }

  return {
    registry,
    callTool,
    ...(config.sandbox === undefined ? {} : { sandboxUrl: connection.apiUrl }),
    status: () => catalog.status(),
    start: () => catalog.start(),

    async refresh() {
      await catalog.refresh({ fresh: true });
    },

    async serveStdio(streams = {}) {
      const createServer = await createServers();
      const { serveOverStdio } = await import('./mcp/stdio.ts');
      const host = serveOverStdio({ ...streams, createServer, registry, logger });
      adopt(host);
      await host.closed;
    },

    async serveHttp() {
      const createServer = await createServers();
      const { createHttpHost } = await import('./http/host.ts');
      const { sessionIdle, keepAlive, ...options } = config.http;
      const host = createHttpHost({
        ...options,
        path: '/mcp',
        sessionIdleMs: sessionIdle,
        keepAliveMs: keepAlive,
        createServer,
        registry,
        logger,
      });
      const { url } = await host.listen();
      adopt(host);
      return { url, closed: host.closed };
    },

    close(graceMs) {
      closing ??= shutDown(graceMs);
      return closing;
    },
  };
}

function remote(config: Config): Upstream {
  return { connection: difyConnection(config), close: async () => undefined };
}

async function embedded(tools: SandboxSet): Promise<Upstream> {
  const { createSandbox } = await import('./sandbox/sandbox.ts');
  const sandbox = await createSandbox({ tools });
  const { innerApiKey, workspaceId, adminApiKey, secretKey } = sandbox.credentials;
  return {
    connection: {
      apiUrl: sandbox.url,
      innerApiKey,
      workspaceId,
      console: { kind: 'admin-key', key: adminApiKey, workspaceId },
      secretKey,
      userId: '',
    },
    close: () => sandbox.close(),
  };
}
