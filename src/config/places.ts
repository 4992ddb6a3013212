import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Environment } from './environment.ts';
import { isLiteral } from './layers.ts';

/**
 * Returns where the configuration file is or would be: the one named by `--config`, else by `DIFY_BRIDGE_CONFIG`, else
 * `dify-mcp-bridge/config.yaml` in `$XDG_CONFIG_HOME` (`~/.config`). `named`: a flag or a variable names it.
 */
export function configFilePath(
  flag: string | undefined,
  env: Environment,
): { readonly path: string; readonly named: boolean } {
  if (flag !== undefined) return { path: flag, named: true };
  const variable = env['DIFY_BRIDGE_CONFIG'];
  if (variable !== undefined && variable !== '' && !isLiteral(variable)) {
    return { path: variable, named: true };
  }
  const base = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return { path: join(base, 'dify-mcp-bridge', 'config.yaml'), named: false };
}

/** Returns where API keys are stored by default: in the folder of the configuration file. */
export function defaultKeysFile(configFile: string): string {
  return join(dirname(resolve(configFile)), 'keys.json');
}

/**
 * Returns the folder for data that can be recreated: `dify-mcp-bridge` in `$XDG_CACHE_HOME` (`~/.cache`),
 * in `~/Library/Caches` on macOS, and in `%LOCALAPPDATA%` on Windows.
 */
export function cacheFolder(env: Environment, platform: NodeJS.Platform): string {
  const home = env['HOME'] || homedir();
  // A relative path counts as unset (XDG Base Directory Specification).
  const named = env['XDG_CACHE_HOME'];
  if (named !== undefined && isAbsolute(named)) return join(named, 'dify-mcp-bridge');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'dify-mcp-bridge');
  if (platform === 'win32') {
    return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'dify-mcp-bridge');
  }
  return join(home, '.cache', 'dify-mcp-bridge');
}
