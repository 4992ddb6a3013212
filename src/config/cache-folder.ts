import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Environment } from './env.ts';

/**
 * The folder in which a program keeps what it can do without: `dify-mcp-bridge` in `$XDG_CACHE_HOME` (`~/.cache`), in
 * `~/Library/Caches` on macOS, and in `%LOCALAPPDATA%` on Windows.
 */
export function cacheFolder(env: Environment, platform: NodeJS.Platform): string {
  const home = env['HOME'] || homedir();
  // A relative one counts as not set (XDG Base Directory Specification).
  const named = env['XDG_CACHE_HOME'];
  if (named !== undefined && isAbsolute(named)) return join(named, 'dify-mcp-bridge');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'dify-mcp-bridge');
  if (platform === 'win32') {
    return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'dify-mcp-bridge');
  }
  return join(home, '.cache', 'dify-mcp-bridge');
}
