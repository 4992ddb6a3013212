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
  switch (client) {
    case 'claude-desktop': {
      const folder = paths.join(applicationData(machine), 'Claude');
      return { file: paths.join(folder, 'claude_desktop_config.json'), signs: [folder] };
    }
    case 'claude-code': {
      const moved = env['CLAUDE_CONFIG_DIR'];
      const file = paths.join(moved || home, '.claude.json');
      return { file, signs: [file, moved || paths.join(home, '.claude')] };
    }
    case 'cursor': {
      const folder = paths.join(home, '.cursor');
      return { file: paths.join(folder, 'mcp.json'), signs: [folder] };
    }
    case 'vscode': {
      const folder = paths.join(applicationData(machine), 'Code', 'User');
      return { file: paths.join(folder, 'mcp.json'), signs: [folder] };
    }
    default:
      return undefined;
  }
}

/** Returns the file of a project, which several people share; undefined for clients without one. */
export function projectFile(
  client: ClientName,
  folder: string,
  machine: Pick<Machine, 'platform'>,
): string | undefined {
  const paths = pathsOf(machine);
  switch (client) {
    case 'claude-code':
      return paths.join(folder, '.mcp.json');
    case 'cursor':
      return paths.join(folder, '.cursor', 'mcp.json');
    case 'vscode':
      return paths.join(folder, '.vscode', 'mcp.json');
    default:
      return undefined;
  }
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
