import type { App, ManifestStatus } from '../app/app.ts';
import { abortable } from '../model/async.ts';
import type { Registry, StalePart } from '../model/registry.ts';

const MAX_NAMES = 5;

/**
 * Resolves with what the default view publishes once Dify has been asked. If Dify cannot be reached,
 * tools from a manifest count too: `App.status` says why.
 */
export async function presentRegistry(app: App, signal: AbortSignal): Promise<Registry> {
  if (app.manifests().length > 0) await abortable(app.refresh(), signal).catch(() => undefined);
  return app.registry.ready(signal);
}

/** Returns one line for each stale part of the catalogue. */
export function staleLines(stale: readonly StalePart[]): readonly string[] {
  return stale.map(({ providerType, providerId, since, message }) => {
    const what = providerId === undefined ? `the ${providerType} tools` : `the tools of "${providerId}"`;
    return `STALE: ${what} are served as of ${since.toISOString()}. ${message}`;
  });
}

/** Returns one line for each manifest that Dify's tools differ from, with each kind of difference. */
export function manifestLines(manifests: readonly ManifestStatus[]): readonly string[] {
  return manifests.flatMap(({ dir, frozen, views, comparedAt, difference }) => {
    if (comparedAt === undefined)
      return [`The tools are those of ${dir}; Dify's were not compared with them.`];
    if (difference === undefined || difference.same) return [];
    const fate = frozen ? 'withheld' : 'still served';
    const parts = [
      part(`new and ${fate}`, difference.added),
      part(`changed and ${fate}`, difference.changed),
      part('no longer published', difference.removed),
    ].filter((text) => text !== undefined);
    const whose = views.length > 1 || views[0] !== 'default' ? ` (${views.join(', ')})` : '';
    return [`Not as approved in ${dir}${whose}: ${parts.join('; ')}. See dify-mcp-bridge manifest diff.`];
  });
}

/** Returns a manifest and how Dify's tools differ from it, by name only. */
export function manifestSummary({ dir, frozen, views, comparedAt, difference }: ManifestStatus) {
  const { added = [], removed = [], changed = [] } = difference ?? {};
  const names = (tools: readonly { readonly name: string }[]): string[] => tools.map(({ name }) => name);
  return {
    dir,
    frozen,
    views,
    comparedAt: comparedAt ?? null,
    added: names(added),
    removed: names(removed),
    changed: names(changed),
  };
}

function part(what: string, tools: readonly { readonly name: string }[]): string | undefined {
  if (tools.length === 0) return undefined;
  const names = tools.slice(0, MAX_NAMES).map(({ name }) => name);
  if (tools.length > names.length) names.push(`${tools.length - names.length} more`);
  return `${tools.length} ${what} (${names.join(', ')})`;
}
