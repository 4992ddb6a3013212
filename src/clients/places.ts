import { posix, win32 } from 'node:path';
import type { ClientName } from './client.ts';

/** What decides where a client keeps its file. */
export interface Machine {
  /** As Node names it: `darwin`, `win32`, `linux` … */
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home folder. */
  readonly home: string;
}

/** Where a client keeps its servers. */
export interface ClientPlace {
  readonly file: string;
  /** The client has been started on this machine if one of these is there. */
  readonly signs: readonly string[];
}

/** The file of the user; undefined for clients that have none that one could write to. */
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

/** The file of a project, which people share; undefined for clients without one. */
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
