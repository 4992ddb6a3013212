import { posix, win32 } from 'node:path';
import type { ClientName } from './client.ts';

/** The facts that decide where a client stores its file. */
export interface Machine {
  /** Node's name for it: `darwin`, `win32`, `linux` … */
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

export interface ClientPlace {
  readonly file: string;
  /** If one of these exists, the client has been started on this machine. */
  readonly signs: readonly string[];
}

/** Returns the user's file; undefined for clients without a writable one. */
export function userPlace(client: ClientName, machine: Machine): ClientPlace | undefined {
  const { env, home } = machine;
  const paths = pathsOf(machine);
  const inFolder = (folder: string, name: string) => ({ file: paths.join(folder, name), signs: [folder] });
  switch (client) {
    case 'claude-desktop':
      return inFolder(paths.join(applicationData(machine), 'Claude'), 'claude_desktop_config.json');
    case 'claude-code': {
      const moved = env['CLAUDE_CONFIG_DIR'];
      const file = paths.join(moved || home, '.claude.json');
      return { file, signs: [file, moved || paths.join(home, '.claude')] };
    }
    case 'cursor':
      return inFolder(paths.join(home, '.cursor'), 'mcp.json');
    case 'vscode':
      return inFolder(paths.join(applicationData(machine), 'Code', 'User'), 'mcp.json');
    default:
      return undefined;
  }
}

const PROJECT_FILES: Readonly<Partial<Record<ClientName, readonly string[]>>> = {
  'claude-code': ['.mcp.json'],
  cursor: ['.cursor', 'mcp.json'],
  vscode: ['.vscode', 'mcp.json'],
};

/** Returns the file of a project, which several people share; undefined for clients without one. */
export function projectFile(
  client: ClientName,
  folder: string,
  machine: Pick<Machine, 'platform'>,
): string | undefined {
  const parts = PROJECT_FILES[client];
  return parts && pathsOf(machine).join(folder, ...parts);
}

function applicationData(machine: Machine): string {
  const { platform, env, home } = machine;
  const paths = pathsOf(machine);
  if (platform === 'darwin') return paths.join(home, 'Library', 'Application Support');
  if (platform === 'win32') return env['APPDATA'] || paths.join(home, 'AppData', 'Roaming');
  return env['XDG_CONFIG_HOME'] || paths.join(home, '.config');
}

function pathsOf({ platform }: Pick<Machine, 'platform'>): typeof posix {
  return platform === 'win32' ? win32 : posix;
}
