// A fake Dify in a separate process: the console's lists, invocations in Dify's frames, and one file; for servers that know
// no Dify, the same echo as plain JSON. Argument: the number of tools. Sends its port over IPC.
import { crc32, deflateSync } from 'node:zlib';
import { createServer } from 'node:http';
import { builtinTools, ECHO_PATH, frame, IMAGE_BYTES, INVOKE_PATH } from './wire.mjs';

const lists = {
  '/console/api/workspaces/current/tools/builtin': JSON.stringify(builtinTools(Number(process.argv[2]))),
  '/console/api/workspaces/current/tools/workflow': '[]',
  '/console/api/workspaces/current/tools/api': '[]',
  '/console/api/workspaces/current/tools/mcp': '[]',
};

const picture = pngOf(IMAGE_BYTES);
const PICTURE_PATH = '/files/tools/22222222-2222-4333-8444-555555555555.png';

function answerTo({ tool, tool_parameters: parameters }) {
  if (tool === 'echo') return frame('text', { text: `echo of ${parameters.text}` });
  return frame('image_link', { text: PICTURE_PATH }, { mime_type: 'image/png' });
}

/** Sends a step that says when it was sent, and 20 ms later the answer. */
function sendStep(response) {
  setTimeout(() => {
    const label = `at ${(performance.timeOrigin + performance.now()).toFixed(3)}`;
    response.write(frame('log', { id: '1', label, status: 'start', data: {} }));
    setTimeout(() => response.end(frame('text', { text: 'done' })), 20);
  }, 5);
}

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (request.method === 'POST' && path === INVOKE_PATH) {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const call = JSON.parse(Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-version': '1.13.0' });
      if (call.tool === 'step') sendStep(response);
      else response.end(answerTo(call));
    });
  } else if (request.method === 'POST' && path === ECHO_PATH) {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ text: `echo of ${JSON.parse(Buffer.concat(chunks)).text}` }));
    });
  } else if (path === PICTURE_PATH) {
    response.writeHead(200, { 'content-type': 'image/png', 'content-length': picture.length }).end(picture);
  } else if (path in lists) {
    response.writeHead(200, { 'content-type': 'application/json', 'x-version': '1.13.0' }).end(lists[path]);
  } else {
    response.writeHead(404).end();
  }
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.once('disconnect', () => process.exit());

/** Returns a PNG of 64 x 64 black pixels with a comment that gives it the size, in bytes. */
function pngOf(size) {
  const header = Buffer.from('00000040000000400800000000', 'hex');
  const parts = [
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(65 * 64))),
  ];
  const end = chunk('IEND', Buffer.alloc(0));
  const rest = size - Buffer.concat([...parts, end]).length - chunk('tEXt', Buffer.alloc(0)).length;
  return Buffer.concat([...parts, chunk('tEXt', Buffer.alloc(rest, 7)), end]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
