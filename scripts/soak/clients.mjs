// Clients of both eras over HTTP and of the 2025 era over stdio, from the official SDKs.
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';

const INFO = { name: 'soak', version: '1.0.0' };

export const KINDS = ['HTTP session', 'HTTP 2026-07-28'];

export async function connectHttp(kind, url) {
  if (kind === 'HTTP session') {
    const transport = new HttpV1(new URL(url));
    const client = new ClientV1(INFO);
    await client.connect(transport);
    const close = async (ends) => {
      if (ends) await transport.terminateSession();
      await client.close();
    };
    return { ...surface(client), close };
  }
  const client = new ClientV2(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(new HttpV2(new URL(url)));
  return { ...surface(client), close: () => client.close() };
}

/** Connects to a bridge that runs already, over its standard input and output. */
export async function connectStdio({ stdin, stdout }) {
  const client = new ClientV1(INFO);
  let rest = '';
  const transport = {
    async start() {
      stdout.setEncoding('utf8').on('data', (piece) => {
        const lines = (rest + piece).split('\n');
        rest = lines.pop();
        for (const line of lines) transport.onmessage?.(JSON.parse(line));
      });
    },
    send: async (message) => void stdin.write(`${JSON.stringify(message)}\n`),
    close: async () => undefined,
  };
  await client.connect(transport);
  return { ...surface(client), close: async () => undefined };
}

function surface(client) {
  return {
    list: () => client.listTools(),
    read: (uri) => client.readResource({ uri }),
    call: (name, args, options) =>
      client instanceof ClientV1
        ? client.callTool({ name, arguments: args }, CallToolResultSchema, options)
        : client.callTool({ name, arguments: args }, options),
  };
}
