import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDownloadPath } from './downloads.ts';
import { sendJson, sendMethodNotAllowed } from './responses.ts';

/** Whether a host can serve, as `/readyz` reports it. */
export interface Health {
  readonly status: 200 | 503;
  readonly body: Readonly<Record<string, unknown>>;
}

export function isProbe(pathname: string): boolean {
  return pathname === '/livez' || pathname === '/readyz';
}

/** Answers `/livez` or `/readyz`. */
export function sendProbe(
  req: IncomingMessage,
  res: ServerResponse,
  pathname: string,
  health: () => Health,
): void {
  if (req.method !== 'GET' && req.method !== 'HEAD') return sendMethodNotAllowed(res, 'GET, HEAD');
  if (pathname === '/livez') return sendJson(res, 200, { status: 'ok' });
  const { status, body } = health();
  sendJson(res, status, body);
}

/** Returns what metrics call a path: one of a few words. */
export function routeName(pathname: string): string {
  if (isProbe(pathname)) return pathname.slice(1);
  if (isDownloadPath(pathname)) return 'files';
  return /\/mcp(\/|$)/.test(pathname) ? 'mcp' : 'other';
}
