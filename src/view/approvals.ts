import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW, viewsOf } from '../config/views.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { ToolProvider } from '../model/tool.ts';
import { Approval } from './approval.ts';

export interface Approvals {
  /** Returns the approval of a view: its own, otherwise that of the default view. */
  of(view: string): Approval;
  /** The approvals by the view that owns them. */
  readonly own: ReadonlyMap<string, Approval>;
  /** Returns the tools that are approved for at least one view. */
  approved(): CatalogListing;
}

/**
 * Reads the approved tools from `manifest.dir`: the default view's from the folder itself, another view's from the
 * subfolder with its name, if it exists. Resolves with undefined if no folder is configured. Rejects with
 * `config_invalid` if a manifest cannot be read.
 */
export async function readApprovals(config: Config): Promise<Approvals | undefined> {
  const { dir, frozen } = config.manifest;
  if (dir === undefined) return undefined;
  // Loaded on demand: most bridges have no manifest, and reading one needs the YAML library.
  const { readManifest } = await import('../manifest/read.ts');
  const read = async (folder: string): Promise<Approval> => new Approval(await readManifest(folder), frozen);
  const shared = await read(dir);
  const own = new Map([[DEFAULT_VIEW, shared]]);
  for (const name of viewsOf(config).keys()) {
    const folder = join(dir, name);
    const found = name === DEFAULT_VIEW ? undefined : await stat(folder).catch(() => undefined);
    if (found?.isDirectory() === true) own.set(name, await read(folder));
  }
  return {
    own,
    of: (view) => own.get(view) ?? shared,
    approved: () => ({
      providers: mergeProviders([...own.values()].flatMap(({ providers }) => providers)),
      problems: [],
    }),
  };
}

/** Merges providers of the same identity. If two declare the same tool, the first declaration counts. */
function mergeProviders(providers: readonly ToolProvider[]): ToolProvider[] {
  const merged = new Map<string, ToolProvider>();
  for (const provider of providers) {
    const key = JSON.stringify([provider.type, provider.id]);
    const known = merged.get(key);
    const names = new Set(known?.tools.map(({ name }) => name));
    const further = provider.tools.filter(({ name }) => !names.has(name));
    if (known === undefined) merged.set(key, provider);
    else if (further.length > 0) merged.set(key, { ...known, tools: [...known.tools, ...further] });
  }
  return [...merged.values()];
}
