import { isDownloadPath } from './downloads.ts';

const PROBE = /\/(livez|readyz)$/;

/** Returns what metrics call a path: one of a few words. */
export function routeName(pathname: string): string {
  const [, probe] = PROBE.exec(pathname) ?? [];
  if (probe !== undefined) return probe;
  if (isDownloadPath(pathname)) return 'files';
  if (pathname.startsWith('/oauth/')) return 'sign-in';
  return /\/mcp(\/|$)/.test(pathname) ? 'mcp' : 'other';
}
