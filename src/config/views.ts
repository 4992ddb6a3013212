import type { FileSource } from '../model/registry.ts';
import type { Config } from './schema.ts';

/** What one view decides. */
export type ViewConfig = Config['tools'] & {
  /** The path of a setting in the configuration, where it is not under `tools`. */
  readonly at?: Readonly<Record<string, string>>;
  /** The ways in which callers may hand over a file. */
  readonly fileSources?: readonly FileSource[];
};

/** The name of the view that `tools` describes. */
export const DEFAULT_VIEW = 'default';

/**
 * Every view by name, the default one first. What a view does not give, it has from `tools`; lists, presets
 * and aliases that it gives replace those of `tools` as a whole, and `auto` goes by its keys. `common` is what holds
 * for all of them without being a setting of theirs.
 */
export function viewsOf(
  config: Pick<Config, 'tools' | 'views'>,
  common: Pick<ViewConfig, 'fileSources'> = {},
): ReadonlyMap<string, ViewConfig> {
  const { views } = config;
  const tools = Object.freeze({ ...config.tools, ...common });
  const all = new Map<string, ViewConfig>([[DEFAULT_VIEW, tools]]);
  for (const [name, view] of Object.entries(views)) {
    const at = Object.fromEntries(Object.keys(view).map((key) => [key, `views.${name}.${key}`]));
    all.set(name, Object.freeze({ ...tools, ...view, auto: { ...tools.auto, ...view.auto }, at }));
  }
  return all;
}
