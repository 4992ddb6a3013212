import { CLIENT_NAMES, CLIENTS, type ClientName } from './client.ts';
import { withEntry } from './edit.ts';
import { launchCommand } from './launch.ts';
import { type ServerTarget, serverEntry } from './server-entry.ts';

/** The file of a client with the bridge as its only server. */
export interface Snippet {
  readonly client: ClientName;
  readonly transport: 'stdio' | 'http';
  readonly text: string;
}

/** The text of a client's file with one server; other clients with `mcpServers` read `json`'s. */
export function clientConfig(client: ClientName, name: string, target: ServerTarget): string {
  const about = CLIENTS[client];
  return withEntry({ client: about, file: '', text: '', name }, serverEntry(about, target)).text;
}

/**
 * One for each client and transport that it has. They hold no secret: clients that ask or fill in variables do so, all
 * others start the bridge with a configuration file at `config`.
 */
export function snippets(version: string, config: string): readonly Snippet[] {
  return CLIENT_NAMES.flatMap((client): Snippet[] => {
    const about = CLIENTS[client];
    // Cursor could too, but a program of the desktop seldom has variables of a shell.
    const clientSecrets = client === 'vscode' || client === 'claude-code';
    const args = clientSecrets ? ['serve'] : ['serve', '--config', config];
    const start = launchCommand(about, { program: 'npx', version, platform: 'linux', args });
    const stdio = clientConfig(client, 'dify', { kind: 'stdio', ...start, clientSecrets });
    const http = { kind: 'http', url: 'https://bridge.example.com/mcp', authorization: true } as const;
    return [
      { client, transport: 'stdio', text: stdio },
      ...(about.http
        ? [{ client, transport: 'http', text: clientConfig(client, 'dify', http) } as const]
        : []),
    ];
  });
}
