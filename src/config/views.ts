import type { FileSource } from '../model/registry.ts';
import { BridgeError } from '../model/errors.ts';
import type { Config } from './schema.ts';

export type ViewConfig = Config['tools'] & {
  readonly limits: Config['limits'];
  /** The paths of settings in the configuration that are not under `tools`. */
  readonly at?: Readonly<Record<string, string>>;
  /** How callers may pass a file. */
  readonly fileSources?: readonly FileSource[];
};

/** Returns the view of a name. Throws `usage` with the existing names. */
export function viewNamed<T>(views: ReadonlyMap<string, T>, name: string): T {
  const view = views.get(name);
  if (view !== undefined) return view;
  throw new BridgeError('usage', `There is no view named ${JSON.stringify(name)}.`, {
    hint: `The views are ${[...views.keys()].join(', ')}.`,
  });
}

/** The name of the view that `tools` describes. */
export const DEFAULT_VIEW = 'default';

/**
 * Returns every view by name, the default one first. A view inherits from `tools` what it does not set.
 * Its lists, presets and aliases replace those of `tools` completely; `auto`, `handOff` and `limits` are merged by key.
 * `common` applies to all views and is not a setting.
 */
export function viewsOf(
  config: Pick<Config, 'tools' | 'views' | 'limits' | 'own'>,
  common: Pick<ViewConfig, 'fileSources'> = {},
): ReadonlyMap<string, ViewConfig> {
  const { views, own } = config;
  const inWorkspace = own && pathsOf(own.tools, `${own.path}.tools`);
  const tools: ViewConfig = Object.freeze({
    ...config.tools,
    ...common,
    limits: config.limits,
    ...(inWorkspace && { at: inWorkspace }),
  });
  const all = new Map<string, ViewConfig>([[DEFAULT_VIEW, tools]]);
  for (const [name, view] of Object.entries(views)) {
    const at = { ...tools.at, ...pathsOf(view, `${own === undefined ? '' : `${own.path}.`}views.${name}`) };
    const auto = { ...tools.auto, ...view.auto };
    const handOff = { ...tools.handOff, ...view.handOff };
    const limits = { ...tools.limits, ...view.limits };
    all.set(name, Object.freeze({ ...tools, ...view, auto, handOff, limits, at }));
  }
  return all;
}

/** Returns the path of each setting of a group in the configuration file. */
function pathsOf(settings: object, group: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(settings).map((key) => [key, `${group}.${key}`]));
}
