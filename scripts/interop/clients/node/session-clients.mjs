// Clients whose calls return results of MCP. Each function connects, and resolves with the methods that client.mjs calls.
// `structured`, `pictures`, `progress`, `cancel` and `restart` are false, and `read` is absent, if the client has no API for it.
import { answerOf, load, stdioOf } from './load.mjs';

export async function typescriptSdk1(plan) {
  const { Client } = await load('@modelcontextprotocol/sdk/client/index.js');
  const { StdioClientTransport } = await load('@modelcontextprotocol/sdk/client/stdio.js');
  const { StreamableHTTPClientTransport } = await load('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const client = new Client({ name: 'interop', version: '1' });
  const transport = transportOf(plan, StdioClientTransport, StreamableHTTPClientTransport);
  const revision = watchRevision(transport);
  await client.connect(transport);
  // The second parameter of SDK 1 is a schema; SDK 2 has none.
  return ofSdk(client, (params, options) => client.callTool(params, undefined, options), revision());
}

export function typescriptSdk2(plan) {
  return sdk2(plan, { versionNegotiation: { mode: 'auto' } });
}

export function typescriptSdk2Legacy(plan) {
  return sdk2(plan, {});
}

async function sdk2(plan, options) {
  const { Client, StreamableHTTPClientTransport } = await load('@modelcontextprotocol/client');
  const { StdioClientTransport } = await load('@modelcontextprotocol/client/stdio');
  const client = new Client({ name: 'interop', version: '1' }, options);
  await client.connect(transportOf(plan, StdioClientTransport, StreamableHTTPClientTransport));
  const call = (params, more) => client.callTool(params, more);
  return ofSdk(client, call, client.getNegotiatedProtocolVersion());
}

function transportOf(plan, Stdio, Http) {
  return plan.url === undefined ? new Stdio(stdioOf(plan)) : new Http(new URL(plan.url));
}

/** SDK 1 does not say which revision it has agreed on: reads it from the answer to `initialize`. */
function watchRevision(transport) {
  let receive;
  let revision;
  Object.defineProperty(transport, 'onmessage', {
    get: () => receive,
    set(handle) {
      receive = (message, extra) => {
        revision ??= message.result?.protocolVersion;
        handle(message, extra);
      };
    },
  });
  return () => revision;
}

function ofSdk(client, callTool, protocol) {
  return {
    protocol,
    structured: protocol >= '2025-06-18',
    names: () => allNames((params) => client.listTools(params)),
    call: async (name, args, options) => answerOf(await callTool({ name, arguments: args }, options)),
    read: async (uri) => (await client.readResource({ uri })).contents[0].blob,
    close: () => client.close(),
  };
}

async function allNames(list) {
  const names = [];
  let cursor;
  do {
    const page = await list(cursor === undefined ? {} : { cursor });
    names.push(...page.tools.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return names;
}

export async function aiSdk(plan) {
  const { createMCPClient } = await load('@ai-sdk/mcp');
  const { Experimental_StdioMCPTransport: Stdio } = await load('@ai-sdk/mcp/mcp-stdio');
  const transport = plan.url === undefined ? new Stdio(stdioOf(plan)) : { type: 'http', url: plan.url };
  const client = await createMCPClient({ transport });
  // Tools as generateText calls them.
  const tools = await client.tools();
  return {
    protocol: client.initializeResult?.protocolVersion,
    names: async () => Object.keys(tools),
    async call(name, args, { signal } = {}) {
      return answerOf(
        await tools[name].execute(args, { toolCallId: '1', messages: [], abortSignal: signal }),
      );
    },
    read: async (uri) => (await client.readResource({ uri })).contents[0].blob,
    progress: false,
    close: () => client.close(),
  };
}

export async function openaiAgents(plan) {
  const { MCPServerStdio, MCPServerStreamableHttp } = await load('@openai/agents');
  const server =
    plan.url === undefined
      ? new MCPServerStdio(stdioOf(plan))
      : new MCPServerStreamableHttp({ url: plan.url });
  await server.connect();
  return {
    names: async () => (await server.listTools()).map(({ name }) => name),
    call: async (name, args, options) => answerOf(await server.callToolResult(name, args, null, options)),
    read: async (uri) => (await server.readResource(uri)).contents[0].blob,
    progress: false,
    close: () => server.close(),
  };
}

export async function strands(plan) {
  const { McpClient } = await load('@strands-agents/sdk');
  const [client] = await McpClient.loadServers({
    bridge: plan.url === undefined ? stdioOf(plan) : { url: plan.url },
  });
  const tools = new Map((await client.listTools()).map((tool) => [tool.name, tool]));
  return {
    names: async () => [...tools.keys()],
    call: async (name, args, options) => answerOf(await client.callTool(tools.get(name), args, options)),
    progress: false,
    close: () => client.disconnect(),
  };
}

export async function llamaIndex(plan) {
  const { mcp } = await load('@llamaindex/tools');
  const server = mcp(plan.url === undefined ? stdioOf(plan) : { url: plan.url });
  const tools = new Map((await server.tools()).map((tool) => [tool.metadata.name, tool]));
  return {
    names: async () => [...tools.keys()],
    call: async (name, args) => answerOf(await tools.get(name).call(args)),
    progress: false,
    cancel: false,
    close: () => server.cleanup(),
  };
}
