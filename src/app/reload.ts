import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW, viewsOf } from '../config/views.ts';
import { workspacesOf } from '../config/workspaces.ts';
import { settlesWithin } from '../model/async.ts';
import { asBridgeError, BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { type Approvals, readApprovals } from '../view/approvals.ts';
import { maxOutputBytes } from './calls.ts';
import type { BridgeFiles } from './files.ts';
import type { Hosting } from './serving.ts';
import type { Workspace } from './workspace.ts';

/** How long a new configuration waits for the credentials that it names, in milliseconds. */
const CREDENTIALS_WAIT_MS = 1_000;

/** Groups whose settings take effect on a reload. */
const LIVE_GROUPS: ReadonlySet<string> = new Set(['tools', 'views', 'workspaces']);
/** Members of a configuration that are not groups of settings. */
const NO_GROUPS: ReadonlySet<string> = new Set(['sandbox', 'cacheDir', 'keysFile', 'login', 'own']);
/** Settings of other groups that take effect on a reload. */
const LIVE_SETTINGS: ReadonlySet<string> = new Set(['files.maxOutputBytes', 'log.level']);

/** How a reload went. */
export interface ReloadOutcome {
  /** Why the previous configuration and manifest stay; undefined if the new ones are in force. */
  readonly error?: BridgeError | undefined;
  /** The changed settings that take effect only after a restart. */
  readonly needRestart: readonly string[];
}

type ReloadedWorkspace = Pick<Workspace, 'config' | 'views' | 'catalogue' | 'results' | 'logger'>;

/** A new configuration, and the approved tools of each workspace that is served. */
interface ReadConfig {
  readonly config: Config;
  readonly approvals: ReadonlyMap<string, Approvals | undefined>;
}

export interface ReloadParts {
  /** The configuration that the bridge was started with. */
  readonly started: Config;
  /** Reads the configuration again. If undefined, a reload reads only the manifest. */
  readonly read: (() => Promise<Config>) | undefined;
  /** The workspaces by name, each with its configuration at the start. */
  readonly workspaces: ReadonlyMap<string, ReloadedWorkspace>;
  readonly files: BridgeFiles;
  readonly hosting: Hosting;
  readonly logger: Logger;
}

export class Reloader {
  readonly #parts: ReloadParts;
  #config: Config;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#config = parts.started;
  }

  /** See `App.reload`. Concurrent reloads run one after the other. */
  reload(): Promise<ReloadOutcome> {
    const next = this.#last.then(() => this.#reload());
    this.#last = next;
    return next;
  }

  async #reload(): Promise<ReloadOutcome> {
    const { started, workspaces, hosting } = this.#parts;
    const read = await this.#read();
    const isNew = !(read instanceof BridgeError);
    const needRestart = isNew ? await this.#apply(read) : [];
    // Resolves when the calls of removed views have ended.
    const settled = isNew && hosting.update(started.calls.shutdownGrace, this.#config);
    const refreshed = [...workspaces.values()].map(({ catalogue, logger }) =>
      catalogue.refresh({ fresh: true }).catch((error: unknown) => {
        logger.warn('Could not list the tools again', { reason: asBridgeError(error).message });
      }),
    );
    await Promise.all([...refreshed, settled]);
    return { error: isNew ? undefined : read, needRestart };
  }

  /** Resolves with the new configuration. If it is wrong, logs why and resolves with the error. */
  async #read(): Promise<ReadConfig | BridgeError> {
    const { read, workspaces, logger } = this.#parts;
    try {
      const config = (await read?.()) ?? this.#config;
      const next = workspacesOf(config);
      const approvals = new Map<string, Approvals | undefined>();
      for (const [name, { config: first }] of workspaces) {
        const { tools, views } = next.get(name) ?? first;
        approvals.set(name, await readApprovals({ ...first, tools, views }));
      }
      return { config, approvals };
    } catch (thrown) {
      const error = asBridgeError(thrown);
      const { code, message, problems, hint } = error;
      const fields = { code, reason: message, problems, hint };
      logger.error('The new configuration is wrong; the previous one stays in force', fields);
      return error;
    }
  }

  /** Resolves with the changed settings that need a restart. */
  async #apply({ config: next, approvals }: ReadConfig): Promise<readonly string[]> {
    const { started, workspaces, files, logger } = this.#parts;
    const pending = needRestart(started, next);
    if (pending.length > 0) {
      logger.warn('Some changed settings take effect only after a restart', { settings: pending });
    }
    const limits = { ...started.files, maxOutputBytes: next.files.maxOutputBytes };
    const { tools, views, workspaces: others } = next;
    this.#config = { ...started, tools, views, workspaces: others, files: limits };
    const all = workspacesOf(this.#config);
    await Promise.all(
      [...workspaces].map(async ([name, workspace]) => {
        workspace.results.maxOutputBytes = maxOutputBytes(this.#config, files);
        workspace.views.prepare(all.get(name) ?? workspace.config);
        await askForCredentials(workspace);
        workspace.views.apply(approvals.get(name), workspace.catalogue.status().listing);
        workspace.logger.info('The configuration was reloaded', {
          views: [...workspace.views.byName.keys()],
        });
      }),
    );
    return pending;
  }
}

/** Fetches credentials that the new settings name, so that clients are notified of one change instead of two. */
async function askForCredentials({ views, catalogue }: ReloadedWorkspace): Promise<void> {
  const { listing, loadedAt } = catalogue.status();
  if (loadedAt === undefined || listing === undefined) return;
  const asked = listing.credentials ?? new Map();
  if ([...views.wantedCredentials(listing)].every((id) => asked.has(id))) return;
  // The wait is bounded, because a rule that hides tools must take effect even if Dify is slow.
  await settlesWithin(catalogue.refresh({ fresh: true }), CREDENTIALS_WAIT_MS);
}

/** Returns the changed settings that take effect only after a restart, such as `http.port`. */
function needRestart(before: Config, after: Config): readonly string[] {
  const changed: string[] = [];
  const [old, now] = [before, after] as unknown as Record<string, Record<string, unknown>>[];
  for (const group of Object.keys({ ...old, ...now })) {
    if (LIVE_GROUPS.has(group) || NO_GROUPS.has(group)) continue;
    const [left = {}, right = {}] = [old?.[group], now?.[group]];
    for (const name of Object.keys({ ...left, ...right })) {
      const path = `${group}.${name}`;
      if (!LIVE_SETTINGS.has(path) && !isDeepStrictEqual(left[name], right[name])) changed.push(path);
    }
  }
  return [...changed, ...changedWorkspaces(before, after), ...changedPageSizes(before, after)];
}

/** Returns the changed page sizes of views in both configurations. A page size is fixed for a whole connection. */
function changedPageSizes(before: Config, after: Config): string[] {
  const old = viewsOf(before);
  return [...viewsOf(after)].flatMap(([name, { pageSize }]) => {
    const view = old.get(name);
    if (view === undefined || view.pageSize === pageSize) return [];
    return [name === DEFAULT_VIEW ? 'tools.pageSize' : `views.${name}.pageSize`];
  });
}

/** Returns the workspaces that were added or removed, and the settings of others that are fixed at the start. */
function changedWorkspaces({ workspaces: before }: Config, { workspaces: after }: Config): string[] {
  return Object.keys({ ...before, ...after }).flatMap((name) => {
    const [old, now] = [before[name], after[name]];
    if (old === undefined || now === undefined) return [`workspaces.${name}`];
    const fixed = ['dify', 'catalog', 'calls', 'manifest'] as const;
    return fixed
      .filter((group) => !isDeepStrictEqual(old[group], now[group]))
      .map((group) => `workspaces.${name}.${group}`);
  });
}
