// A floor: only the low-level server of the SDK, version 1, which knows the 2025 revisions. Arguments: see sdk-v2.mjs.
import { randomUUID } from 'node:crypto';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { callDify, LIST, listen, readJson } from './dify.mjs';

function createBareServer() {
  const capabilities = { tools: { listChanged: true }, logging: {} };
  const server = new Server({ name: 'floor', version: '1' }, { capabilities });
  server.setRequestHandler(ListToolsRequestSchema, async () => LIST);
  server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal }) =>
    callDify(params.arguments, signal),
  );
  return server;
}

function serveHttp() {
  const sessions = new Map();

  async function sessionOf(request) {
    const known = sessions.get(request.headers['mcp-session-id']);
    if (known !== undefined) return known;
    const session = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, session),
    });
    await createBareServer().connect(session);
    return session;
  }

  listen(async (request, response) => {
    const body = await readJson(request);
    await (await sessionOf(request)).handleRequest(request, response, body);
  });
}

if (process.argv[2] === 'stdio') await createBareServer().connect(new StdioServerTransport());
else serveHttp();
