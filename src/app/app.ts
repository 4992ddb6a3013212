import { configSecrets } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import { DEFAULT_WORKSPACE, workspacesOf } from '../config/workspaces.ts';
import type { CallTool } from '../model/call.ts';
import type { Logger } from '../model/logger.ts';
import { defaultMemoryBytes, MemoryBudget } from '../model/memory-budget.ts';
import type { CredentialListing } from '../model/ports.ts';
import type { CatalogStatus, RegistrySource } from '../model/registry.ts';
import { Secrets } from '../model/secrets.ts';
import type { FileStore } from '../model/stored-file.ts';
import type { View as LiveView } from '../view/view.ts';
import type { ManifestStatus } from '../view/views.ts';
import { fileSources } from './file-inputs.ts';
import { openFiles } from './files.ts';
import { openObservation } from './observation.ts';
import { readiness } from './readiness.ts';
import { Reloader, type ReloadOutcome } from './reload.ts';
import { createHosting, type HttpServing, type StdioServing } from './serving.ts';
import { openState, type SharedState } from './shared-state.ts';
import { openWorkspace, type Workspace, type WorkspaceParts } from './workspace.ts';

export type { ManifestStatus } from '../view/views.ts';
export type { ReloadOutcome } from './reload.ts';
export type { HttpServing, StdioServing } from './serving.ts';

/** A set of tools with its own rules, names and mode. */
export type View = Pick<LiveView, 'name' | 'registry' | 'tools' | 'callTool' | 'mode'>;

/**
 * A bridge that can be served to clients or called from within the process. All members but those that serve are about
 * the default workspace.
 */
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
  /** Serves every view of every workspace over Streamable HTTP, and the admin server if one is configured. */
  serveHttp(): Promise<HttpServing>;
  /** Refuses new calls, waits up to `graceMs` for running ones, then closes everything. */
  close(graceMs: number): Promise<void>;
}

export interface AppOptions {
  readonly logger: Logger;
  /** What the logger masks, to which the app adds tokens. Default: the secrets of the configuration. */
  readonly secrets?: Secrets | undefined;
  /** Reads the configuration again, for `App.reload`. */
  readonly reload?: (() => Promise<Config>) | undefined;
  /**
   * Whether the process serves the person who started it. If so, arguments may name files on this machine, in the
   * folders of `files.allowedPaths`. Default: false.
   */
  readonly localFiles?: boolean | undefined;
  /**
   * Whether the process serves clients over HTTP. If so, it has the admin server, if one is configured, and standard
   * output is free for the audit log. Default: false.
   */
  readonly isServer?: boolean | undefined;
}

/** Creates an app from a configuration. Loads the protocol and the sandbox on demand. */
export async function createApp(
  config: Config,
  {
    logger,
    secrets = new Secrets(configSecrets(config)),
    reload,
    localFiles = false,
    isServer = false,
  }: AppOptions,
): Promise<App> {
  const observation = await openObservation(config, {
    isServer,
    secrets,
    observed: {
      workspaces: () => [...workspaces.values()],
      urlOf: (view) => hosting.urlOf(view),
      readiness: (name) => readiness(workspaces, name, state?.health),
      isClosing: () => closing !== undefined,
    },
    logger,
  });
  const state = await openState(config, logger);
  const memory = new MemoryBudget(config.calls.maxMemoryBytes ?? defaultMemoryBytes());
  const { files, workspaces } = await openParts(config, state, {
    memory,
    localFiles,
    observation,
    secrets,
    logger,
  });
  const main = workspaces.get(DEFAULT_WORKSPACE) as Workspace;
  const { views, catalogue } = main;
  const hosting = createHosting({
    workspaces,
    config,
    files,
    state,
    memory,
    openAccount: (own, upstream) => {
      const sources = fileSources(own, false);
      const parts = { files, state, memory, sources, observation, secrets, logger };
      return openWorkspace(DEFAULT_WORKSPACE, own, parts, upstream);
    },
    meter: observation.meter,
    secrets,
    logger,
  });
  const reloader = new Reloader({ started: config, read: reload, workspaces, files, hosting, logger });
  let closing: Promise<void> | undefined;

  async function shutDown(graceMs: number): Promise<void> {
    const all = [...workspaces.values()];
    await Promise.all([...all.map((workspace) => workspace.stop(graceMs)), hosting.close(graceMs)]);
    await Promise.all(all.map((workspace) => workspace.close()));
    await files.store.close();
    await observation.close();
    await state?.close();
  }

  return {
    views: views.byName,
    registry: views.default.registry,
    files: files.store,
    sandboxUrl: config.sandbox === undefined ? undefined : main.apiUrl,
    async callTool(name, args, context) {
      const outcome = await views.default.callTool(name, args, context);
      return outcome.kind === 'result' ? outcome.result : outcome.notice;
    },
    status: () => catalogue.status(),
    credentials: async (providerId, signal) => main.console?.credentials(providerId, signal),
    manifests: () => views.manifests(),
    start() {
      for (const workspace of workspaces.values()) workspace.start();
    },
    async refresh() {
      await catalogue.refresh({ fresh: true });
    },
    reload: () => reloader.reload(),
    serveStdio: (options) => hosting.serveStdio(options),
    async serveHttp() {
      await observation.serve();
      return hosting.serveHttp();
    },
    close(graceMs) {
      closing ??= shutDown(graceMs);
      return closing;
    },
  };
}

/** Opens the file store and every workspace. Closes everything if one of them fails. */
async function openParts(
  config: Config,
  state: SharedState | undefined,
  {
    localFiles,
    logger,
    ...parts
  }: Pick<WorkspaceParts, 'memory' | 'observation' | 'secrets' | 'logger'> & { readonly localFiles: boolean },
) {
  const workspaces = new Map<string, Workspace>();
  try {
    const files = openFiles(config, logger, state?.backend);
    const sources = fileSources(config, localFiles);
    for (const [name, own] of workspacesOf(config)) {
      const log = name === DEFAULT_WORKSPACE ? logger : logger.child({ workspace: name });
      workspaces.set(name, await openWorkspace(name, own, { ...parts, files, state, sources, logger: log }));
    }
    return { files, workspaces };
  } catch (error) {
    await Promise.all([...workspaces.values()].map((workspace) => workspace.close()));
    await state?.close();
    throw error;
  }
}
