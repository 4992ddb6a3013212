/** How a host application starts a server that speaks MCP over standard input and output. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The contents of Claude Desktop's `claude_desktop_config.json` with one server; other hosts read the same. */
export function claudeDesktopConfig(name: string, server: ServerCommand): string {
  return JSON.stringify({ mcpServers: { [name]: server } }, null, 2);
}
