// A floor: `node:http` without an SDK. It answers tools/list and tools/call as JSON and checks nothing. Arguments: see
// sdk-v2.mjs.
import { callDify, LIST, listen, readJson } from './dify.mjs';

listen(async (request, response) => {
  const { id, method, params } = await readJson(request);
  const result = method === 'tools/call' ? await callDify(params.arguments) : LIST;
  const body = JSON.stringify({ jsonrpc: '2.0', id, result });
  response
    .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body);
});
