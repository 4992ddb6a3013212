// The floor: only the SDK's low-level server. Its single tool makes the same HTTP request as the bridge, with fetch, and
// returns the text of the response. Arguments: `stdio` or `http`, and the address of Dify.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
} from '@modelcontextprotocol/node';
import { classifyInboundRequest, createMcpHandler, Server } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { INNER_API_KEY, INVOKE_PATH, invocation, published } from './wire.mjs';

const [transport, upstream] = process.argv.slice(2);
const headers = { 'content-type': 'application/json', 'x-inner-api-key': INNER_API_KEY };

function createBareServer() {
  const capabilities = { tools: { listChanged: true }, logging: {} };
  const server = new Server({ name: 'floor', version: '1' }, { capabilities });
  server.setRequestHandler('tools/list', async () => ({
    tools: [{ name: published('echo'), inputSchema: { type: 'object' } }],
  }));
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq: { signal } }) => {
    const body = invocation('echo', params.arguments);
    const response = await fetch(`${upstream}${INVOKE_PATH}`, { method: 'POST', headers, body, signal });
    return { content: [{ type: 'text', text: await response.text() }] };
  });
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

  const server = createServer(async (request, response) => {
    if (!isHostAllowed(request, response) || !isOriginAllowed(request, response)) return;
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString());
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
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/mcp` })}\n`);
  });
}

if (transport === 'stdio') serveStdio(createBareServer);
else serveHttp();
