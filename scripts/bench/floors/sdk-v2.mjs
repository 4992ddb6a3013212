// A floor: only the low-level server of the SDK, version 2, of both eras. Arguments: `stdio` or `http`, the address of
// Dify and, optionally, a file with the tools to list.
import { randomUUID } from 'node:crypto';
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
} from '@modelcontextprotocol/node';
import { classifyInboundRequest, createMcpHandler, Server } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { callDify, LIST, listen, readJson } from './dify.mjs';

function createBareServer() {
  const capabilities = { tools: { listChanged: true }, logging: {} };
  const server = new Server({ name: 'floor', version: '1' }, { capabilities });
  server.setRequestHandler('tools/list', async () => LIST);
  server.setRequestHandler('tools/call', ({ params }, { mcpReq: { signal } }) =>
    callDify(params.arguments, signal),
  );
  return server;
}

function serveHttp() {
  const isHostAllowed = localhostHostValidation();
  const isOriginAllowed = localhostOriginValidation();
  const modern = toNodeHandler(createMcpHandler(createBareServer, { legacy: 'reject' }));
  const sessions = new Map();

  async function sessionOf(request) {
    const known = sessions.get(request.headers['mcp-session-id']);
    if (known !== undefined) return known;
    const session = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, session),
    });
    await createBareServer().connect(session);
    return session;
  }

  listen(async (request, response) => {
    if (!isHostAllowed(request, response) || !isOriginAllowed(request, response)) return;
    const body = await readJson(request);
    const { kind } = classifyInboundRequest({
      httpMethod: 'POST',
      protocolVersionHeader: request.headers['mcp-protocol-version'],
      mcpMethodHeader: request.headers['mcp-method'],
      mcpNameHeader: request.headers['mcp-name'],
      body,
    });
    if (kind !== 'legacy') await modern(request, response, body);
    else await (await sessionOf(request)).handleRequest(request, response, body);
  });
}

if (process.argv[2] === 'stdio') serveStdio(createBareServer);
else serveHttp();
