import { join } from 'node:path';
import { DEFAULT_VIEW } from '../config/views.ts';
import { MANIFEST_DIR } from '../manifest/manifest.ts';
import type { CatalogProblem } from '../model/ports.ts';
import type { Registry } from '../model/registry.ts';
import type { ToolProvider } from '../model/tool.ts';
import { type CommandContext, type Session, withView } from './session.ts';
import type { ToolsOptions } from './tool-texts.ts';

export interface ManifestOptions extends ToolsOptions {
  readonly dir?: string | undefined;
}

/** What a view of the live workspace publishes, and the folder of its approved tools. */
export interface LiveView extends Pick<Session, 'app'> {
  readonly view: string;
  readonly dir: string;
  readonly registry: Registry;
  readonly providers: readonly ToolProvider[];
  readonly problems: readonly CatalogProblem[];
}

/** Runs a command on Dify's present tools, even if the configuration serves from a manifest. */
export function withLiveView(
  context: CommandContext,
  { view: name, dir }: ManifestOptions,
  run: (view: LiveView) => Promise<number>,
): Promise<number> {
  return withView(
    context,
    name,
    ({ app, loaded, view, registry }) => {
      const { providers = [], problems = [] } = app.status().listing ?? {};
      const { workspace } = context.options;
      const base =
        loaded.config.manifest.dir ??
        (workspace === undefined ? MANIFEST_DIR : `${MANIFEST_DIR}-${workspace}`);
      const folder = dir ?? (view.name === DEFAULT_VIEW ? base : join(base, view.name));
      return run({ app, view: view.name, dir: folder, registry, providers, problems });
    },
    { adjust: (config) => ({ ...config, manifest: { frozen: false } }) },
  );
}
