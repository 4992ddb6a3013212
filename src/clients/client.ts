/** The MCP clients that an entry can be written for; `json` is any file with `mcpServers`. */
export const CLIENT_NAMES = [
  'claude-desktop',
  'claude-code',
  'cursor',
  'vscode',
  'cherry-studio',
  'json',
] as const;

/** One of them. */
export type ClientName = (typeof CLIENT_NAMES)[number];

/** How a client writes down the servers that it knows. */
export interface Client {
  readonly name: ClientName;
  readonly title: string;
  /** The property that holds the servers by name. */
  readonly container: 'mcpServers' | 'servers';
  /** Whether its file can name a server that is reached over HTTP. */
  readonly http: boolean;
  /** Whether Windows needs `cmd /c` before `npx`, which is a script there and no program. */
  readonly needsShell: boolean;
  /** What the user does for the new entry to count. */
  readonly afterwards: string;
}

/** What is known of each client; sources are their own manuals, as of November 2026. */
export const CLIENTS: Readonly<Record<ClientName, Client>> = {
  'claude-desktop': {
    name: 'claude-desktop',
    title: 'Claude Desktop',
    container: 'mcpServers',
    http: false,
    needsShell: true,
    afterwards: 'Quit Claude Desktop and start it again.',
  },
  'claude-code': {
    name: 'claude-code',
    title: 'Claude Code',
    container: 'mcpServers',
    http: true,
    needsShell: true,
    afterwards: 'Restart Claude Code; /mcp lists the servers.',
  },
  cursor: {
    name: 'cursor',
    title: 'Cursor',
    container: 'mcpServers',
    http: true,
    needsShell: true,
    afterwards: 'Open Cursor Settings, MCP, and switch the server on.',
  },
  vscode: {
    name: 'vscode',
    title: 'VS Code',
    container: 'servers',
    http: true,
    needsShell: false,
    afterwards: 'In VS Code, run "MCP: List Servers" and start it.',
  },
  'cherry-studio': {
    name: 'cherry-studio',
    title: 'Cherry Studio',
    container: 'mcpServers',
    http: true,
    needsShell: false,
    afterwards: 'In Cherry Studio, open Settings, MCP, Import from JSON, and paste it.',
  },
  json: {
    name: 'json',
    title: 'the client',
    container: 'mcpServers',
    http: true,
    needsShell: true,
    afterwards: 'Restart the client.',
  },
};
