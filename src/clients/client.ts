/** The MCP clients for which `install` can write an entry; `json` is any file with `mcpServers`. */
export const CLIENT_NAMES = [
  'claude-desktop',
  'claude-code',
  'cursor',
  'vscode',
  'cherry-studio',
  'json',
] as const;

export type ClientName = (typeof CLIENT_NAMES)[number];

/** How a client's configuration file lists MCP servers. */
export interface Client {
  readonly name: ClientName;
  readonly title: string;
  /** The property that contains the servers by name. */
  readonly container: 'mcpServers' | 'servers';
  /** Whether its file can name an HTTP server. */
  readonly http: boolean;
  /** Whether Windows needs `cmd /c` before `npx`, which is a script there rather than a program. */
  readonly needsShell: boolean;
  /** What the user must do to activate the new entry. */
  readonly afterwards: string;
}

/** What most clients have in common. */
const USUAL = { container: 'mcpServers', http: true, needsShell: true } as const;

/** The properties of each client, from its own documentation as of November 2026. */
export const CLIENTS: Readonly<Record<ClientName, Client>> = {
  'claude-desktop': {
    name: 'claude-desktop',
    title: 'Claude Desktop',
    ...USUAL,
    http: false,
    afterwards: 'Quit Claude Desktop and start it again.',
  },
  'claude-code': {
    name: 'claude-code',
    title: 'Claude Code',
    ...USUAL,
    afterwards: 'Restart Claude Code; /mcp shows the servers.',
  },
  cursor: {
    name: 'cursor',
    title: 'Cursor',
    ...USUAL,
    afterwards: 'Open Cursor Settings, MCP, and enable the server.',
  },
  vscode: {
    name: 'vscode',
    title: 'VS Code',
    ...USUAL,
    container: 'servers',
    needsShell: false,
    afterwards: 'In VS Code, run "MCP: List Servers" and start it.',
  },
  'cherry-studio': {
    name: 'cherry-studio',
    title: 'Cherry Studio',
    ...USUAL,
    needsShell: false,
    afterwards: 'In Cherry Studio, open Settings, MCP, Import from JSON, and paste it.',
  },
  json: {
    name: 'json',
    title: 'the client',
    ...USUAL,
    afterwards: 'Restart the client.',
  },
};
