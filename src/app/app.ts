import { setTimeout } from 'node:timers/promises';
import { type Approvals, type ManifestStatus, readApprovals } from '../view/approval.ts';
import { credentialProviders } from '../view/credentials.ts';
import { openFiles } from './files.ts';
import { createHosting } from './serving.ts';
import { createInputs, fileSources } from './file-inputs.ts';
import { createMisfitLog } from '../view/setting-warnings.ts';
import { needRestart } from './reload.ts';
import { openState, type SharedState } from './shared-state.ts';
import { openUpstream } from './upstream.ts';
import { createView, type LiveView, type View } from '../view/view.ts';
import { createCaller } from '../calls/caller.ts';
import { createConsoleSource } from '../catalog/console-source.ts';
import { withCredentials } from '../catalog/credentials-source.ts';
import { createCatalogRefresher } from '../catalog/refresher.ts';
import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW, type ViewConfig, viewsOf } from '../config/views.ts';
import { createToToolResult } from '../content/tool-result.ts';
import { createConsole } from '../dify/console/console.ts';
import { createFileUploader } from '../dify/files/upload.ts';
import { createFileOpener } from '../dify/files/opener.ts';
import { createDifyHttp } from '../dify/wire/http.ts';
import { createInvoker } from '../dify/inner/invoker.ts';
import { createJobs } from '../tasks/tasks.ts';
import type { StdioHostOptions } from '../mcp/stdio.ts';
import { type CallTool, LOCAL_PRINCIPAL } from '../model/call.ts';
import { asBridgeError, BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { CatalogListing, CatalogSource } from '../model/ports.ts';
import type { CatalogStatus, RegistrySource } from '../model/registry.ts';
import type { FileStore } from '../model/stored-file.ts';

export type { ManifestStatus } from '../view/approval.ts';
export type { View } from '../view/view.ts';

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
  readonly sandboxUrl?: string;
  status(): CatalogStatus;
  /** The approved tools that are served, that of the default view first; none where none are configured. */
  manifests(): readonly ManifestStatus[];
  /** Begins to load the catalogue and keeps it up to date; does not wait. */
  start(): void;
  /** Loads the catalogue anew. Rejects with what made it fail. */
  refresh(): Promise<void>;
  /**
   * Reads the configuration and the manifest again, applies what can change while the bridge runs, then loads the
   * catalogue anew. Never rejects: what is wrong is in the log, and leaves what was in force. False if it was so.
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

/** What is served over standard input and output. */
export type StdioServing = Pick<StdioHostOptions, 'stdin' | 'stdout'> & {
  readonly view?: string | undefined;
};

/** What an app has from whoever made it. */
export interface AppOptions {
  readonly logger: Logger;
  /** Reads the configuration again, for `App.reload`. */
  readonly reload?: () => Promise<Config>;
  /**
   * The process serves the person who started it, so that arguments may name files of this machine, in the folders of
   * `files.allowedPaths`. False unless told.
   */
  readonly localFiles?: boolean;
}

/**
 * Connections beside those of the calls, for the catalogue and for files: with the calls as many as Dify's api service
 * takes as shipped. Without a limit, each call that follows another opens one more while the last idles, and Dify
 * keeps it waiting.
 */
const SPARE_CONNECTIONS = 2;

/** Longest that a new configuration waits for credentials that it names. */
const RELOAD_WAIT_MS = 1_000;

/** Puts the rooms together; only the files at the root know all of them. Protocol and sandbox load on demand. */
export async function createApp(
  started: Config,
  { logger, reload, localFiles = false }: AppOptions,
): Promise<App> {
  let config = started;
  let approvals = await readApprovals(config, logger);
  const state = await openState(config, logger);
  const { files, upstream } = await openParts(config, logger, state);
  const common = { fileSources: fileSources(config, localFiles) };
  const { connection } = upstream;
  const { workspaceId: tenantId, innerApiKey, secretKey, userId } = connection;
  const http = createDifyHttp({
    baseUrl: connection.apiUrl,
    maxConnections: config.calls.maxConcurrent + SPARE_CONNECTIONS,
  });

  const caller = createCaller({
    invoker: createInvoker(http, {
      innerApiKey,
      tenantId,
      maxFrameBytes: config.calls.maxFrameBytes,
      maxAnswerBytes: config.calls.maxAnswerBytes,
    }),
    files: createInputs(config, {
      uploader: createFileUploader(http, { innerApiKey, tenantId }),
      kept: files,
      sources: common.fileSources,
    }),
    userId,
    timeoutMs: config.calls.timeout,
    maxConcurrent: config.calls.maxConcurrent,
    maxQueued: config.calls.maxQueued,
    logger,
  });
  const opener = createFileOpener(http, {
    innerApiKey,
    tenantId,
    ...(secretKey === undefined ? {} : { secretKey }),
  });
  const resultsOf = ({ files: { maxOutputBytes } }: Config) =>
    createToToolResult({
      opener,
      store: files.store,
      accessOf: files.accessOf,
      // A file that the store cannot hold would empty it before that is noticed.
      maxOutputBytes: Math.min(maxOutputBytes, files.maxBytes),
      logger,
    });
  let toToolResult = resultsOf(config);

  const jobs = createJobs({
    keepMs: config.calls.keepResults,
    maxKeptBytes: config.calls.maxKeptBytes,
    shared: state?.calls,
    logger,
  });
  const views = new Map<string, LiveView>();
  const addView = (name: string, viewConfig: ViewConfig): LiveView => {
    const view = createView({
      name,
      config: viewConfig,
      waitMs: config.catalog.loadTimeout,
      approve: (registry, rules, listing) =>
        approvals?.of(name).approve(registry, rules, listing) ?? registry,
      counted: () => approvals?.of(name).counted,
      run(tool, args, { signal, observer, requestId, principal = LOCAL_PRINCIPAL }) {
        const messages = caller.start(tool, args, {
          signal,
          principal,
          ...(requestId === undefined ? {} : { requestId }),
        });
        return caller.follow(signal, (until) =>
          toToolResult(messages, {
            tool,
            principal,
            limits: view.config,
            signal,
            until,
            ...(observer === undefined ? {} : { observer }),
          }),
        );
      },
      jobs,
      logger,
    });
    views.set(name, view);
    return view;
  };
  for (const [name, viewConfig] of viewsOf(config, common)) addView(name, viewConfig);
  const defaultView = views.get(DEFAULT_VIEW) as LiveView;

  const wanted = (listing: CatalogListing): ReadonlySet<string> =>
    new Set(
      [...viewsOf(config, common).values()].flatMap((rules) => [...credentialProviders(listing, rules)]),
    );
  const source = ((): CatalogSource => {
    if (connection.console === undefined) {
      // Without credentials for the console there is nothing but the manifest, which is read anew by `reload`.
      return { list: async () => (approvals as Approvals).of(DEFAULT_VIEW).listing };
    }
    const console = createConsole(http, connection.console);
    return withCredentials(createConsoleSource(console, { logger }), console, wanted);
  })();
  const isOffline = connection.console === undefined;
  const initial = approvals?.approved();
  const catalog = createCatalogRefresher({
    source,
    ...(initial === undefined ? {} : { initial }),
    intervalMs: isOffline ? 0 : config.catalog.refresh,
    onStart() {
      for (const view of views.values()) view.begin();
    },
    onListing() {
      for (const view of views.values()) view.update(listingFor(view) as CatalogListing);
      review();
    },
    onFailure(error) {
      for (const view of views.values()) view.fail(error);
      review();
    },
    logger,
  });

  /** What there is to publish at present: before Dify has answered, and where it is not asked, what was approved. */
  function listingFor({ name }: View): CatalogListing | undefined {
    const { listing, loadedAt } = catalog.status();
    return isOffline || loadedAt === undefined ? approvals?.of(name).listing : listing;
  }

  const tellMisfits = createMisfitLog(logger);

  /** Holds the tools that there are against the settings, and the live workspace against what was approved. */
  function review(): void {
    const { loadedAt, lastError, listing } = catalog.status();
    // What was approved comes first, without the credentials that Dify has: it counts where Dify does not answer.
    if (loadedAt === undefined && lastError === undefined) return;
    tellMisfits(views.values(), listing?.problems ?? []);
    if (isOffline || loadedAt === undefined) return;
    for (const view of views.values()) {
      const built = view.comparable();
      if (built === undefined || listing === undefined || approvals?.owns(view.name) !== true) continue;
      approvals.of(view.name).compare(built, listing.providers);
    }
  }

  const hosting = createHosting({ views, config, files, state, logger });
  let reloading: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  async function shutDown(graceMs: number): Promise<void> {
    catalog.stop();
    // Who waits for the first tools would wait in vain.
    const stopping = new BridgeError('shutting_down', 'The bridge is stopping.');
    for (const view of views.values()) view.fail(stopping);
    await Promise.all([caller.close(graceMs), hosting.close(graceMs)]);
    await jobs.close();
    await http.close();
    await files.store.close();
    await state?.close();
    await upstream.close();
  }

  async function reloadOnce(): Promise<boolean> {
    const { isRight, settled } = await readAgain();
    const refreshed = catalog.refresh({ fresh: true }).catch((error: unknown) => {
      logger.warn('The tools could not be listed anew', { reason: asBridgeError(error).message });
    });
    await Promise.all([refreshed, settled]);
    return isRight;
  }

  /** `settled` resolves when the calls of views that are gone have ended. */
  async function readAgain(): Promise<{ readonly isRight: boolean; readonly settled?: Promise<void> }> {
    let next: Config;
    let nextApprovals: Approvals | undefined;
    try {
      next = (await reload?.()) ?? config;
      nextApprovals = await readApprovals({ ...started, tools: next.tools, views: next.views }, logger);
    } catch (thrown) {
      const { code, message, problems, hint } = asBridgeError(thrown);
      const fields = { code, reason: message, problems, hint };
      logger.error('The new configuration is wrong: the one before it stays in force', fields);
      return { isRight: false };
    }
    const pending = needRestart(started, next);
    if (pending.length > 0) {
      logger.warn('Some changed settings take effect only when the bridge is restarted', {
        settings: pending,
      });
    }
    const { maxOutputBytes } = next.files;
    config = {
      ...started,
      tools: next.tools,
      views: next.views,
      files: { ...started.files, maxOutputBytes },
    };
    approvals = nextApprovals;
    toToolResult = resultsOf(config);
    await applyViews();
    logger.info('The configuration was read again', { views: [...views.keys()] });
    return { isRight: true, settled: hosting.update(config.calls.shutdownGrace) };
  }

  async function applyViews(): Promise<void> {
    const { listing, loadedAt } = catalog.status();
    const asked = listing?.credentials ?? new Map();
    if (
      loadedAt !== undefined &&
      listing !== undefined &&
      [...wanted(listing)].some((id) => !asked.has(id))
    ) {
      // Nobody has asked for these credentials yet. With them, clients hear of one change instead of two.
      const refreshed = catalog.refresh({ fresh: true }).catch(() => undefined);
      // A rule that takes tools away does not wait for a Dify that is slow.
      await Promise.race([refreshed, setTimeout(RELOAD_WAIT_MS, undefined, { ref: false })]);
    }
    const present = viewsOf(config, common);
    for (const name of views.keys()) if (!present.has(name)) views.delete(name);
    for (const [name, viewConfig] of present) {
      const view = views.get(name) ?? addView(name, viewConfig);
      view.apply(viewConfig, listingFor(view));
    }
    review();
  }

  return {
    views,
    registry: defaultView.registry,
    callTool: defaultView.callTool,
    files: files.store,
    ...(config.sandbox === undefined ? {} : { sandboxUrl: connection.apiUrl }),
    status: () => catalog.status(),
    manifests: () => approvals?.status() ?? [],

    start() {
      for (const view of views.values()) {
        const approved = approvals?.of(view.name).listing;
        if (approved !== undefined) view.update(approved);
      }
      catalog.start();
    },

    async refresh() {
      await catalog.refresh({ fresh: true });
    },

    reload() {
      const next = reloading.then(reloadOnce);
      reloading = next;
      return next;
    },

    serveStdio: (options) => hosting.serveStdio(options),
    serveHttp: () => hosting.serveHttp(() => catalog.status()),

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
