// Clients with as little overhead as possible: a function that sends a request and resolves with its answer as text.
import { once } from 'node:events';
import { Agent, request } from 'node:http';

const CLIENT = { name: 'bench', version: '1' };
const LEGACY = '2025-11-25';
const MODERN = '2026-07-28';
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': CLIENT,
};

const message = (id, method, params) => JSON.stringify({ jsonrpc: '2.0', id, method, params });
const initialize = { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT };
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

/** A client of the 2025 revisions over standard input and output. */
export async function connectStdio({ child, lines }) {
  const waiting = new Map();
  let onNotification;
  lines.on('line', (line) => {
    // The ID of an answer is near its beginning or its end. Parsing a megabyte to find it would distort the measurement.
    const id = /"id":(\d+)/.exec(line.length > 2000 ? line.slice(0, 200) + line.slice(-200) : line)?.[1];
    if (id === undefined) onNotification?.(line);
    else waiting.get(Number(id))?.(line);
    waiting.delete(Number(id));
  });
  let nextId = 1;
  const send = (method, params, notified) =>
    new Promise((resolve) => {
      onNotification = notified;
      const id = nextId;
      nextId += 1;
      waiting.set(id, resolve);
      child.stdin.write(`${message(id, method, params)}\n`);
    });
  await send('initialize', initialize);
  child.stdin.write(`${INITIALIZED}\n`);
  return { send };
}

/** Resolves with the address that an HTTP server prints. */
export async function addressOf({ lines }) {
  const [line] = await once(lines, 'line');
  return JSON.parse(line).url;
}

/** A client of a session of the 2025 revisions over HTTP. `more` are headers of every request. */
export async function connectHttpSession(url, more = {}) {
  const post = poster(url, more);
  let nextId = 1;
  const opening = await post(message(0, 'initialize', initialize), {});
  const session = opening.headers['mcp-session-id'];
  if (session === undefined) throw new Error(`${url} begins no session: ${opening.text.slice(0, 200)}`);
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': LEGACY };
  await post(INITIALIZED, headers);
  return {
    async send(method, params, notified) {
      nextId += 1;
      return (await post(message(nextId, method, params), headers, notified)).text;
    },
  };
}

/** A client of the 2026 revision over HTTP. */
export async function connectHttpModern(url, more = {}) {
  const post = poster(url, more);
  let nextId = 1;
  return {
    async send(method, params, notified) {
      nextId += 1;
      const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': method };
      if (params.name !== undefined) headers['mcp-name'] = params.name;
      return (
        await post(
          message(nextId, method, { ...params, _meta: { ...params._meta, ...ENVELOPE } }),
          headers,
          notified,
        )
      ).text;
    },
  };
}

function poster(url, more) {
  const { hostname, port, pathname } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return (body, headers, notified) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          hostname,
          port,
          path: pathname,
          method: 'POST',
          agent,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            accept: 'application/json, text/event-stream',
            ...more,
            ...headers,
          },
        },
        (incoming) => {
          const chunks = [];
          incoming.on('data', (chunk) => {
            chunks.push(chunk);
            notified?.(chunk.toString());
          });
          incoming.on('error', reject);
          incoming.on('end', () =>
            resolve({ headers: incoming.headers, text: Buffer.concat(chunks).toString() }),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
}
