import { configSecrets } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import { createDifyHttp } from '../dify/wire/http.ts';
import type { CallTool } from '../model/call.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { defaultMemoryBytes, MemoryBudget } from '../model/memory-budget.ts';
import type { CredentialListing } from '../model/ports.ts';
import type { CatalogStatus, RegistrySource } from '../model/registry.ts';
import { Secrets } from '../model/secrets.ts';
import type { FileStore } from '../model/stored-file.ts';
import { Tasks } from '../tasks/tasks.ts';
import { readApprovals } from '../view/approvals.ts';
import type { View as LiveView } from '../view/view.ts';
import { type ManifestStatus, Views } from '../view/views.ts';
import { openCaller, openResults } from './calls.ts';
import { openCatalogue } from './catalogue.ts';
import { fileSources } from './file-inputs.ts';
import { openFiles } from './files.ts';
import { Reloader, type ReloadOutcome } from './reload.ts';
import { openRoad } from './road.ts';
import { createHosting, type StdioServing } from './serving.ts';
import { openState, type SharedState } from './shared-state.ts';
import { openUpstream } from './upstream.ts';

export type { ManifestStatus } from '../view/views.ts';
export type { ReloadOutcome } from './reload.ts';
export type { StdioServing } from './serving.ts';

/** A set of tools with its own rules, names and mode. */
export type View = Pick<LiveView, 'name' | 'registry' | 'tools' | 'callTool' | 'mode'>;

/** A bridge that can be served to clients or called from within the process. */
export interface App {
  /** The views by name; the default one is `default`. A live map: `reload` changes it. */
  readonly views: ReadonlyMap<string, View>;
  /** The registry of the default view. */
  readonly registry: RegistrySource;
  /** Calls a tool of the default view. */
  readonly callTool: CallTool;
  /** The files that results link to. */
  readonly files: FileStore;
  /** Address of the embedded Dify; undefined if the configuration does not ask for one. */
  readonly sandboxUrl?: string | undefined;
  status(): CatalogStatus;
  /**
   * Resolves with the credentials of a builtin provider, as Dify lists them now; undefined if it lists none, before 1.7.0
   * or without a login.
   */
  credentials(providerId: string, signal: AbortSignal): Promise<CredentialListing | undefined>;
  /** Returns the folders of approved tools, that of the default view first; none if none is configured. */
  manifests(): readonly ManifestStatus[];
  /** Starts loading the catalogue and refreshes it from then on. Does not wait for the first load. */
  start(): void;
  /** Loads the catalogue again. Rejects if that fails. */
  refresh(): Promise<void>;
  /**
   * Reads the configuration and the manifest again, applies the settings that can change at run time, then loads the
   * catalogue. If the configuration is wrong, logs why, keeps the previous one and resolves with the error. Never rejects.
   */
  reload(): Promise<ReloadOutcome>;
  /**
   * Serves a view, the default one unless named, over standard input and output or the given streams. Resolves when the
   * client has disconnected. Rejects with `usage` if the view does not exist.
   */
  serveStdio(options?: StdioServing): Promise<void>;
  /** Serves every view over Streamable HTTP, at `/mcp` and `/mcp/NAME`. `closed` resolves when serving has ended. */
  serveHttp(): Promise<{ readonly url: string; readonly closed: Promise<void> }>;
  /** Refuses new calls, waits up to `graceMs` for running ones, then closes everything. */
  close(graceMs: number): Promise<void>;
}

export interface AppOptions {
  readonly logger: Logger;
  /** Reads the configuration again, for `App.reload`. */
  readonly reload?: (() => Promise<Config>) | undefined;
  /**
   * Whether the process serves the person who started it. If so, arguments may name files on this machine, in the
   * folders of `files.allowedPaths`. Default: false.
   */
  readonly localFiles?: boolean | undefined;
}

/**
 * Connections for the catalogue and for files, in addition to those of the calls. Together they are as many as Dify's
 * api service accepts by default. Without a limit, a call may open a new connection while an earlier one is idle, and
 * then waits for Dify to accept it.
 */
const SPARE_CONNECTIONS = 2;

/** Creates an app from a configuration. Loads the protocol and the sandbox on demand. */
export async function createApp(
  config: Config,
  { logger, reload, localFiles = false }: AppOptions,
): Promise<App> {
  const approvals = await readApprovals(config);
  const state = await openState(config, logger);
  const { files, upstream } = await openParts(config, logger, state);
  const { connection } = upstream;
  const { maxConcurrent, keepResults: keepMs, maxKeptBytes: maxBytes } = config.calls;
  const http = createDifyHttp({
    baseUrl: connection.apiUrl,
    maxConnections: maxConcurrent + SPARE_CONNECTIONS,
    secrets: new Secrets(configSecrets(config)),
  });
  const sources = fileSources(config, localFiles);
  // A failure is logged by the refresher; the list from before stays.
  const onStale = (): void => void catalogue.refresh({ fresh: true }).catch(() => undefined);
  const road = openRoad(config, http, connection, logger);
  const { console: difyConsole } = road;
  const memory = new MemoryBudget(config.calls.maxMemoryBytes ?? defaultMemoryBytes());
  const parts = { road, files, sources, memory, rates: state?.rates, logger, onStale };
  const results = openResults(config, parts);
  const caller = openCaller(config, parts, results);
  const tasks = new Tasks({ caller, keepMs, maxBytes, shared: state?.calls, logger });
  const views = new Views({
    config,
    common: { fileSources: sources },
    approvals,
    offline: connection.console === undefined,
    waitMs: config.catalog.loadTimeout,
    caller,
    tasks,
    logger,
  });
  const catalogue = openCatalogue(config, {
    difyConsole,
    views,
    approved: approvals?.approved(),
    logger,
  });
  const hosting = createHosting({ views: views.byName, config, files, state, memory, logger });
  const reloader = new Reloader({
    started: config,
    read: reload,
    views,
    catalogue,
    results,
    files,
    hosting,
    logger,
  });
  let closing: Promise<void> | undefined;

  async function shutDown(graceMs: number): Promise<void> {
    catalogue.stop();
    // Rejects requests that still wait for the first tools.
    const stopping = new BridgeError('shutting_down', 'The bridge is stopping.');
    for (const view of views.byName.values()) view.fail(stopping);
    await Promise.all([caller.close(graceMs), hosting.close(graceMs)]);
    await tasks.close();
    await road.close();
    await http.close();
    await files.store.close();
    await state?.close();
    await upstream.close();
  }

  return {
    views: views.byName,
    registry: views.default.registry,
    files: files.store,
    sandboxUrl: config.sandbox === undefined ? undefined : connection.apiUrl,
    async callTool(name, args, context) {
      const outcome = await views.default.callTool(name, args, context);
      return outcome.kind === 'result' ? outcome.result : outcome.notice;
    },
    status: () => catalogue.status(),
    credentials: async (providerId, signal) => difyConsole?.credentials(providerId, signal),
    manifests: () => views.manifests(),
    start() {
      views.start();
      catalogue.start();
    },
    async refresh() {
      await catalogue.refresh({ fresh: true });
    },
    reload: () => reloader.reload(),
    serveStdio: (options) => hosting.serveStdio(options),
    serveHttp: () => hosting.serveHttp(() => catalogue.status()),
    close(graceMs) {
      closing ??= shutDown(graceMs);
      return closing;
    },
  };
}

/** Opens the file store and the upstream. Closes the shared state if one of them fails. */
async function openParts(config: Config, logger: Logger, state: SharedState | undefined) {
  try {
    return { files: openFiles(config, logger, state?.backend), upstream: await openUpstream(config) };
  } catch (error) {
    await state?.close();
    throw error;
  }
}
