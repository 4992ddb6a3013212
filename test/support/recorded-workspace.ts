import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { apiProvider } from '../../src/sandbox/api-provider.ts';
import { StoredFile } from '../../src/sandbox/files.ts';
import { mcpProvider } from '../../src/sandbox/mcp-provider.ts';
import type { SandboxProvider } from '../../src/sandbox/provider.ts';
import { pythonJson } from '../../src/sandbox/python.ts';
import { workflowProvider } from '../../src/sandbox/workflow-provider.ts';

const PICTURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** A custom API over a small server that answers as the recorded one did. */
export async function recordedApi(id: string, name: string): Promise<SandboxProvider> {
  const answers: Record<string, [number, string, Uint8Array | string]> = {
    '/json': [200, 'application/json', '{"hello": "w\\u00f6rld", "n": 1}'],
    '/list': [200, 'application/json', '[1, {"a": 2}]'],
    '/err': [422, 'application/json', '{"detail": "nope"}'],
    '/text': [200, 'text/plain', 'plain {"x":1}'],
    '/bin': [200, 'application/octet-stream', Uint8Array.from({ length: 256 }, (_, index) => index)],
  };
  const server = createServer((request, response) => {
    const [status, type, body] = answers[request.url ?? ''] ?? [404, 'text/plain', ''];
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  return apiProvider({
    id,
    name,
    description: 'Answers of the recordings.',
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    operations: Object.keys(answers).map((path) => ({
      operationId: `get${path.charAt(1).toUpperCase()}${path.slice(2)}`,
      method: 'get',
      path,
    })),
  });
}

/** The MCP server of the recordings. */
export function recordedMcp(serverIdentifier: string): SandboxProvider {
  return mcpProvider({
    serverIdentifier,
    databaseId: '00000000-0000-4000-8000-00000000000d',
    name: 'My MCP',
    tools: [
      {
        name: 'mixed',
        description: 'Content of every kind.',
        inputSchema: {
          type: 'object',
          properties: {
            a: { type: 'string', description: 'aa' },
            o: { type: 'object', properties: { k: { type: 'string' } } },
          },
          required: ['a'],
        },
        outputSchema: { type: 'object', properties: { x: { type: 'number' } } },
        run: (args) => ({
          content: [
            { type: 'text', text: `hello ${pythonJson(args)}` },
            { type: 'text', text: '{"j":1}' },
            { type: 'text', text: '[{"j":1},{"k":2}]' },
            { type: 'image', bytes: PICTURE, mimeType: 'image/png' },
            { type: 'audio', bytes: Buffer.from('RIFF'), mimeType: 'audio/wav' },
            { type: 'text', text: 'res text' },
          ],
          structuredContent: { x: 1 },
        }),
      },
    ],
  });
}

/** The workflow of the recordings that puts a text out. */
export function recordedEcho(id: string): SandboxProvider {
  return workflowProvider({
    id,
    appId: '00000000-0000-4000-8000-00000000000e',
    name: 'wf_echo',
    label: 'WF_ECHO',
    description: 'd',
    inputs: [
      { name: 'q', type: 'string', required: true, maxLength: 48, description: 'd q' },
      { name: 'newreq', type: 'string', required: true, description: 'd newreq' },
    ],
    outputs: { CHANGED: { type: 'string' } },
    silenceMs: 0,
    run: (inputs) => ({ CHANGED: typeof inputs['q'] === 'string' ? inputs['q'] : null }),
  });
}

/** The workflow of the recordings that puts its files out. */
export function recordedFiles(id: string): SandboxProvider {
  return workflowProvider({
    id,
    appId: '00000000-0000-4000-8000-00000000000f',
    name: 'wf_file_out',
    label: 'WF_FILE_OUT',
    description: 'd',
    inputs: [
      { name: 'f', type: 'file', description: '' },
      { name: 'fl', type: 'files', description: '' },
    ],
    outputs: { out: { type: 'file' }, outs: { type: 'array[file]' } },
    silenceMs: 0,
    run: ({ f, fl }) => ({
      out: f instanceof StoredFile ? f : null,
      outs: Array.isArray(fl) ? fl.filter((file): file is StoredFile => file instanceof StoredFile) : [],
    }),
  });
}
