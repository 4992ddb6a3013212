import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW, viewsOf } from '../config/views.ts';

/** Groups whose settings take effect when the configuration is read again. */
const LIVE_GROUPS: ReadonlySet<string> = new Set(['tools', 'views']);
/** What a configuration has beside groups of settings. */
const NO_GROUPS: ReadonlySet<string> = new Set(['sandbox', 'cacheDir']);
/** Single settings that do. */
const LIVE_SETTINGS: ReadonlySet<string> = new Set(['files.maxOutputBytes', 'log.level']);

/** The settings that differ and take effect only when the bridge is restarted, such as `http.port`. */
export function needRestart(before: Config, after: Config): readonly string[] {
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
  return [...changed, ...changedPageSizes(before, after)];
}

/** The views that both configurations have and whose pages differ in size: a page size is for a whole connection. */
function changedPageSizes(before: Config, after: Config): string[] {
  const old = viewsOf(before);
  return [...viewsOf(after)].flatMap(([name, { pageSize }]) => {
    const view = old.get(name);
    if (view === undefined || view.pageSize === pageSize) return [];
    return [name === DEFAULT_VIEW ? 'tools.pageSize' : `views.${name}.pageSize`];
  });
}
