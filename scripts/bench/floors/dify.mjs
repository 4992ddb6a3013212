// What every floor does for a call: the same HTTP request as the bridge, with the same client.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'undici';
import { INNER_API_KEY, INVOKE_PATH, invocation, published } from '../wire.mjs';

const [, upstream, toolsFile] = process.argv.slice(2);
const headers = { 'content-type': 'application/json', 'x-inner-api-key': INNER_API_KEY };

/** The answer to tools/list: the tools in a file, or the one that works. */
export const LIST =
  toolsFile === undefined
    ? { tools: [{ name: published('echo'), inputSchema: { type: 'object' } }] }
    : JSON.parse(readFileSync(toolsFile, 'utf8'));

/** Makes a call and resolves with its result: the text of Dify's answer. */
export async function callDify(args, signal) {
  const body = invocation('echo', args);
  const response = await request(`${upstream}${INVOKE_PATH}`, { method: 'POST', headers, body, signal });
  return { content: [{ type: 'text', text: await response.body.text() }] };
}

/** Serves HTTP on a free port and prints the address. */
export function listen(answer) {
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/mcp` })}\n`);
  });
}

/** Resolves with the JSON in the body of a request. */
export async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}
