import { configSecrets } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import { createDifyHttp } from '../dify/wire/http.ts';
import type { CallTool } from '../model/call.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
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
import { Reloader } from './reload.ts';
import { createHosting, type StdioServing } from './serving.ts';
import { openState, type SharedState } from './shared-state.ts';
import { openUpstream } from './upstream.ts';

export type { ManifestStatus } from '../view/views.ts';
export type { StdioServing } from './serving.ts';

/** A set of tools with rules, names and a mode of its own. */
export type View = Pick<LiveView, 'name' | 'registry' | 'tools' | 'callTool' | 'mode'>;

/** A bridge, ready to be served or called from within the process. */
export interface App {
  /** The default view, `default`, and the others by name, as they are at present: `reload` may change them. */
  readonly views: ReadonlyMap<string, View>;
  /** What the default view publishes. */
  readonly registry: RegistrySource;
  /** Calls a tool of the default view. */
  readonly callTool: CallTool;
  /** The files that results link to. */
  readonly files: FileStore;
  /** Address of the embedded Dify, where the configuration asks for one. */
  readonly sandboxUrl?: string | undefined;
  status(): CatalogStatus;
  /** The approved tools that are served, those of the default view first; none where none are configured. */
  manifests(): readonly ManifestStatus[];
  /** Begins to load the catalogue and keeps it up to date; does not wait. */
  start(): void;
  /** Loads the catalogue again. Rejects with what made it fail. */
  refresh(): Promise<void>;
  /**
   * Reads the configuration and the manifest again, applies what can change while the bridge runs, then loads the
   * catalogue. Never rejects: what is wrong is in the log, and leaves what was in force. False if it was so.
   */
  reload(): Promise<boolean>;
  /**
   * Serves a view, the default one unless named, over standard input and output, or over the streams given.
   * Resolves when the client has gone. Rejects with `usage` where there is no such view.
   */
  serveStdio(options?: StdioServing): Promise<void>;
  /** Serves every view over Streamable HTTP: `/mcp` and `/mcp/NAME`. `closed` resolves when it has ended. */
  serveHttp(): Promise<{ readonly url: string; readonly closed: Promise<void> }>;
  /** Takes no new calls, gives running ones `graceMs`, then ends everything. */
  close(graceMs: number): Promise<void>;
}

/** What an app has from its creator. */
export interface AppOptions {
  readonly logger: Logger;
  /** Reads the configuration again, for `App.reload`. */
  readonly reload?: (() => Promise<Config>) | undefined;
  /**
   * The process serves the person who started it, so that arguments may name files of this machine, in the folders of
   * `files.allowedPaths`. False by default.
   */
  readonly localFiles?: boolean | undefined;
}

/**
 * Connections beside those of the calls, for the catalogue and for files: with the calls as many as Dify's api service
 * takes as shipped. Without a limit, each call that follows another opens one more while the last idles, and Dify
 * keeps it waiting.
 */
const SPARE_CONNECTIONS = 2;

/** Puts the folders together. Protocol and sandbox load on demand. */
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
  const parts = { http, connection, files, sources, logger };
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
    http,
    connection,
    views,
    approved: approvals?.approved(),
    logger,
  });
  const hosting = createHosting({ views: views.byName, config, files, state, logger });
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
    // Whoever waits for the first tools would wait in vain.
    const stopping = new BridgeError('shutting_down', 'The bridge is stopping.');
    for (const view of views.byName.values()) view.fail(stopping);
    await Promise.all([caller.close(graceMs), hosting.close(graceMs)]);
    await tasks.close();
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

/** What else an app is made of. Nothing stays open where a part of it cannot be had. */
async function openParts(config: Config, logger: Logger, state: SharedState | undefined) {
  try {
    return { files: openFiles(config, logger, state?.backend), upstream: await openUpstream(config) };
  } catch (error) {
    await state?.close();
    throw error;
  }
}
