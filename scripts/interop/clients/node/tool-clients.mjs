// Frameworks that turn MCP tools into tools of their own. Each function connects, as in session-clients.mjs.
import { answerOf, load, stdioOf } from './load.mjs';

export async function langchain(plan) {
  const { MultiServerMCPClient } = await load('@langchain/mcp-adapters');
  const reporters = [];
  const client = new MultiServerMCPClient({
    mcpServers: {
      bridge:
        plan.url === undefined
          ? { transport: 'stdio', ...stdioOf(plan) }
          : { transport: 'http', url: plan.url },
    },
    useStandardContentBlocks: true,
    onProgress: (progress) => reporters.forEach((report) => report(progress)),
  });
  const tools = new Map((await client.getTools()).map((tool) => [tool.name, tool]));
  return {
    names: async () => [...tools.keys()],
    async call(name, args, { signal, onprogress } = {}) {
      reporters.splice(0, Infinity, ...(onprogress ? [onprogress] : []));
      const message = await tools.get(name).invoke({ type: 'tool_call', id: '1', name, args }, { signal });
      const blocks = Array.isArray(message.content) ? message.content : [{ text: message.content }];
      return {
        text: blocks.map(({ text = '' }) => text).join('\n'),
        error: message.status === 'error',
        structured: message.artifact?.find(({ type }) => type === 'mcp_structured_content')?.data,
        pictures: blocks.filter(({ type }) => type === 'image').map(({ data }) => data),
      };
    },
    read: async (uri) => (await client.readResource('bridge', uri))[0].blob,
    close: () => client.close(),
  };
}

export async function mastra(plan) {
  const { MCPClient } = await load('@mastra/mcp');
  const server = plan.url === undefined ? stdioOf(plan) : { url: new URL(plan.url) };
  const client = new MCPClient({ servers: { bridge: { ...server, enableProgressTracking: true } } });
  const reporters = [];
  await client.progress.onUpdate('bridge', (progress) => reporters.forEach((report) => report(progress)));
  const tools = await client.listTools();
  return {
    protocol: client.getServerProtocolVersions().bridge,
    names: async () => Object.keys(tools).map((name) => name.replace(/^bridge_/, '')),
    async call(name, args, { signal, onprogress } = {}) {
      reporters.splice(0, Infinity, ...(onprogress ? [onprogress] : []));
      return answerOf(await tools[`bridge_${name}`].execute(args, { abortSignal: signal }));
    },
    read: async (uri) => (await client.resources.read('bridge', uri)).contents[0].blob,
    close: () => client.disconnect(),
  };
}
