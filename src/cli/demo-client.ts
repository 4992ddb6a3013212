import { Client } from '@modelcontextprotocol/client';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { ToolResult } from '../model/content.ts';
import { BridgeError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import { VERSION } from '../version.ts';

export interface ListedTool {
  readonly name: string;
  readonly title: string;
}

/** An MCP client that has started a server. */
export type DemoClient = Awaited<ReturnType<typeof connectDemoClient>>;

interface DemoServer {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the few variables that a client passes on. */
  readonly env: Readonly<Record<string, string>>;
}

const MAX_LOG = 4000;
const TIMEOUT_MS = 20_000;

/**
 * Starts a server over standard input and output and connects to it. Aborting the signal ends every
 * request. Throws `internal` if the server does not start.
 */
export async function connectDemoClient(server: DemoServer, signal: AbortSignal) {
  const transport = new StdioClientTransport({
    command: server.command,
    args: [...server.args],
    env: { ...getDefaultEnvironment(), ...server.env },
    stderr: 'pipe',
  });
  let log = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    log = `${log}${chunk.toString('utf8')}`.slice(-MAX_LOG);
  });
  const client = new Client({ name: 'dify-mcp-bridge-demo', version: VERSION });
  try {
    await client.connect(transport, { signal, timeout: TIMEOUT_MS });
  } catch (error) {
    await client.close();
    const said = log.trim() === '' ? '' : ` It wrote: ${log.trim()}`;
    throw new BridgeError('internal', `The server of the demo did not start.${said}`, { cause: error });
  }
  const { name = '', version = '' } = client.getServerVersion() ?? {};
  return {
    /** The server's name for itself. */
    server: `${name} ${version}`,
    protocolVersion: client.getNegotiatedProtocolVersion() ?? '',
    /** Returns the lines that the server logged, without other output such as notices of Node. */
    logged: () => log.split('\n').filter((line) => line.startsWith('{')),
    close: () => client.close(),
    async listTools(): Promise<readonly ListedTool[]> {
      const { tools } = await client.listTools(undefined, { signal, timeout: TIMEOUT_MS });
      // A tool has no title if it would repeat the end of its name.
      return tools.map(({ name, title }) => ({ name, title: title ?? name.slice(name.indexOf('__') + 2) }));
    },
    async callTool(
      toolName: string,
      args: JsonObject,
      onProgress: (progress: number, message: string | undefined) => void,
      cancel?: AbortSignal,
    ): Promise<ToolResult> {
      const result = await client.callTool(
        { name: toolName, arguments: args },
        {
          signal: cancel === undefined ? signal : AbortSignal.any([signal, cancel]),
          timeout: TIMEOUT_MS,
          resetTimeoutOnProgress: true,
          onprogress: ({ progress, message }) => onProgress(progress, message),
        },
      );
      return result as ToolResult;
    },
    /** Yields the bytes of a file that a result links to. */
    async *readFile(uri: string): AsyncGenerator<Uint8Array> {
      const { contents } = await client.readResource({ uri }, { signal, timeout: TIMEOUT_MS });
      for (const part of contents) {
        yield 'blob' in part ? Buffer.from(part.blob, 'base64') : Buffer.from(part.text);
      }
    },
  };
}
