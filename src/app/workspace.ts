import type { CallLimits } from '../calls/call-limits.ts';
import type { CatalogRefresher } from '../catalog/refresher.ts';
import type { AccountConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { ToolResults } from '../content/tool-result.ts';
import type { DifyConsole } from '../dify/console/console.ts';
import { createDifyHttp } from '../dify/wire/http.ts';
import type { LoginStore } from '../logins/login-store.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { MemoryBudget } from '../model/memory-budget.ts';
import type { Meter } from '../model/meter.ts';
import type { CallPlace, CallRecorder } from '../model/call-record.ts';
import type { FileSource } from '../model/registry.ts';
import type { Secrets } from '../model/secrets.ts';
import { Tasks } from '../tasks/tasks.ts';
import { readApprovals } from '../view/approvals.ts';
import { Views } from '../view/views.ts';
import { openCaller, openLimits, openResults } from './calls.ts';
import { openCatalogue } from './catalogue.ts';
import type { BridgeFiles } from './files.ts';
import { operatorTokens } from './operator-login.ts';
import { openRoad } from './road.ts';
import type { SharedState } from './shared-state.ts';
import { openUpstream } from './upstream.ts';

/**
 * Connections for the catalogue and for files, in addition to those of the calls. Together they are as many as Dify's
 * api service accepts by default. Without a limit, a call may open a new connection while an earlier one is idle, and
 * then waits for Dify to accept it.
 */
const SPARE_CONNECTIONS = 2;

/** What all workspaces of a bridge share. */
export interface WorkspaceParts {
  readonly files: BridgeFiles;
  /** The state that replicas share; undefined for a single bridge. */
  readonly state: SharedState | undefined;
  /** Memory for the answers of all calls together. */
  readonly memory: MemoryBudget;
  /** The ways in which callers may pass a file. */
  readonly sources: readonly FileSource[];
  readonly observation: { readonly recorder: CallRecorder; readonly meter: Meter };
  /** The secrets of all workspaces. */
  readonly secrets: Secrets;
  readonly logger: Logger;
}

/** How a workspace is reached as an account that signed in over HTTP. */
export interface AccountUpstream {
  readonly principal: string;
  readonly connection: AccountConnection;
  readonly tokens: LoginStore;
}

/** The tools of one Dify workspace: its own client, catalogue, views, calls and limits. */
export interface Workspace {
  readonly name: string;
  readonly config: Config;
  readonly views: Views;
  readonly catalogue: CatalogRefresher;
  readonly results: ToolResults;
  /** Undefined if the tools come only from a manifest. */
  readonly console: DifyConsole | undefined;
  /** Where the calls go. */
  readonly apiUrl: string;
  readonly place: CallPlace;
  readonly limits: Pick<CallLimits, 'breakers'>;
  readonly logger: Logger;
  /** Serves the approved tools at once, and starts loading the catalogue. Does not wait for the first load. */
  start(): void;
  /** The calls that are running or waiting. */
  readonly running: number;
  /** Refuses new calls, and waits up to `graceMs` for running ones. */
  stop(graceMs: number): Promise<void>;
  /** Releases what a stopped workspace holds. */
  close(): Promise<void>;
}

/**
 * Opens a workspace. Sends nothing before it is started. With `account`, the configuration's own connection is not used.
 * @throws BridgeError `config_invalid` if the configuration has no connection, or a manifest that cannot be read.
 */
export async function openWorkspace(
  name: string,
  config: Config,
  { files, state, memory, sources, observation, secrets, logger }: WorkspaceParts,
  account?: AccountUpstream,
): Promise<Workspace> {
  const { recorder, meter } = observation;
  const approvals = await readApprovals(config);
  const { connection, close } = account ? { ...account, close: undefined } : await openUpstream(config);
  const { maxConcurrent, keepResults: keepMs, maxKeptBytes: maxBytes } = config.calls;
  const http = createDifyHttp({
    baseUrl: connection.apiUrl,
    maxConnections: maxConcurrent + SPARE_CONNECTIONS,
    secrets,
    meter,
  });
  // A failure is logged by the refresher; the list from before stays.
  const onStale = (): void => void catalogue.refresh({ fresh: true }).catch(() => undefined);
  const tokens = account?.tokens ?? (await operatorTokens(config, connection, state, logger));
  const shared = { tokens, endUsers: state?.endUsers };
  const road = openRoad(config, http, connection, logger, shared);
  const place = {
    workspace: name,
    road: connection.account === undefined ? 'inner' : 'account',
    host: http.baseUrl.hostname,
  } as const;
  const { rates } = state ?? {};
  const scope = account?.principal ?? name;
  const parts = { place, scope, recorder, road, files, sources, memory, rates, logger, onStale };
  const results = openResults(config, parts);
  const limits = openLimits(config, parts);
  const caller = openCaller(config, parts, { results, limits });
  const tasks = new Tasks({ caller, keepMs, maxBytes, shared: state?.calls, logger });
  const views = new Views({
    workspace: name,
    config,
    common: { fileSources: sources },
    approvals,
    offline: connection.console === undefined,
    waitMs: config.catalog.loadTimeout,
    caller,
    tasks,
    logger,
  });
  const { console } = road;
  const approved = approvals?.approved();
  const catalogue = openCatalogue(config, { difyConsole: console, views, approved, meter, logger });

  return {
    name,
    config,
    views,
    catalogue,
    results,
    console,
    apiUrl: connection.apiUrl,
    place,
    limits,
    logger,
    get running() {
      return caller.running;
    },
    start() {
      views.start();
      catalogue.start();
    },
    async stop(graceMs) {
      catalogue.stop();
      // Rejects requests that still wait for the first tools.
      const stopping = new BridgeError('shutting_down', 'The bridge is stopping.');
      for (const view of views.byName.values()) view.fail(stopping);
      await caller.close(graceMs);
    },
    async close() {
      await tasks.close();
      await road.close();
      await http.close();
      await close?.();
    },
  };
}
