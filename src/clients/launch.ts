import type { Client } from './client.ts';

/** How a client is to start the bridge. */
export interface LaunchOptions {
  /** `npx`: the published package, fetched when it is not there. Otherwise this very program. */
  readonly program: 'npx' | { readonly node: string; readonly script: string };
  /** The version of the bridge; npx is pinned to its major and minor number. */
  readonly version: string;
  readonly platform: string;
  /** The words after the program, such as `serve`. */
  readonly args: readonly string[];
}

/** The command that starts the bridge over standard input and output. */
export function launchCommand(
  client: Pick<Client, 'needsShell'>,
  { program, version, platform, args }: LaunchOptions,
): { readonly command: string; readonly args: readonly string[] } {
  if (program !== 'npx') return { command: program.node, args: [program.script, ...args] };
  const [major = '0', minor = '0'] = version.split('.');
  const words = ['-y', `dify-mcp-bridge@${major}.${minor}`, ...args];
  return platform === 'win32' && client.needsShell
    ? { command: 'cmd', args: ['/c', 'npx', ...words] }
    : { command: 'npx', args: words };
}
