import { BridgeError } from '../model/errors.ts';
import type { Config } from './schema.ts';
import { type ViewConfig, viewsOf } from './views.ts';

/** The name of the workspace that the top of the configuration describes. */
export const DEFAULT_WORKSPACE = 'default';

const CREDENTIALS = ['adminApiKey', 'email', 'password'] as const;

type Dify = Config['dify'];
type Own = Config['workspaces'][string];

/** Returns the configuration of every workspace by name, the default one first. */
export function workspacesOf(config: Config): ReadonlyMap<string, Config> {
  const all = new Map<string, Config>([[DEFAULT_WORKSPACE, config]]);
  for (const [name, own] of Object.entries(config.workspaces)) {
    all.set(name, Object.freeze(workspaceConfig(config, name, own)));
  }
  return all;
}

/** Returns the configuration of one workspace alone. Throws `usage` with the existing names. */
export function onlyWorkspace(config: Config, name: string): Config {
  const found = workspacesOf(config).get(name);
  if (found !== undefined) return Object.freeze({ ...found, workspaces: {} });
  const names = Object.keys(config.workspaces);
  throw new BridgeError('usage', `There is no workspace named ${JSON.stringify(name)}.`, {
    hint:
      names.length === 0
        ? 'The configuration file has no workspaces.'
        : `The workspaces are ${[DEFAULT_WORKSPACE, ...names].join(', ')}.`,
  });
}

/** Returns a name of a view that is unique among all workspaces: `support`, or `sales/support`. */
export function viewId(workspace: string, view: string): string {
  return workspace === DEFAULT_WORKSPACE ? view : `${workspace}/${view}`;
}

/** Returns the views of all workspaces by ID, those of the default workspace first. */
export function allViewsOf(config: Config): ReadonlyMap<string, ViewConfig> {
  const all = [...workspacesOf(config)].flatMap(([workspace, own]) =>
    [...viewsOf(own)].map(([name, view]): [string, ViewConfig] => [viewId(workspace, name), view]),
  );
  return new Map(all);
}

/** Returns the settings that reach a workspace. If it has its own address, no key of another Dify is among them. */
export function workspaceDify(main: Dify, own: Own['dify']): Dify {
  // Dify knows an end user in one workspace only.
  const base = { userId: '', userPerPrincipal: false };
  if (own.url !== undefined || own.apiUrl !== undefined) return { ...base, ...own };
  const all = { ...main, userId: base.userId, ...own };
  if (own.email === undefined && own.adminApiKey === undefined) return all;
  // Credentials are inherited as a whole, so that no password meets another account.
  const others = CREDENTIALS.filter((name) => own[name] === undefined);
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => !(others as readonly string[]).includes(name)),
  ) as Dify;
}

/** A workspace inherits what it does not set, but not views and manifest, which name the tools of one workspace. */
function workspaceConfig(main: Config, name: string, own: Own): Config {
  const { tools, catalog, calls, limits } = main;
  return {
    ...main,
    own: { path: `workspaces.${name}`, tools: own.tools, dify: own.dify },
    dify: workspaceDify(main.dify, own.dify),
    login: own.login,
    tools: {
      ...tools,
      ...own.tools,
      auto: { ...tools.auto, ...own.tools.auto },
      handOff: { ...tools.handOff, ...own.tools.handOff },
    },
    views: own.views,
    manifest: own.manifest,
    catalog: { ...catalog, ...own.catalog },
    calls: { ...calls, ...own.calls },
    limits: { ...limits, ...own.limits },
  };
}
