import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';

/** An HTTP answer, whole. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The JSON-RPC messages in it: the body itself, or the events of the stream. */
  readonly messages: readonly RawMessage[];
}

export interface RawMessage {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: { readonly code?: string };
  };
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

const POST_HEADERS = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};

/** A request with exactly these headers, which fetch would not allow for Host and Origin. */
export function raw(port: number, options: RawRequest = {}): Promise<RawAnswer> {
  const { promise } = rawStream(port, options);
  return promise;
}

/** A request whose answer can be watched while it arrives, and cut off. */
export function rawStream(port: number, options: RawRequest = {}) {
  const { body, path = '/mcp', method = body === undefined ? 'GET' : 'POST', headers = {} } = options;
  let text = '';
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    path,
    method,
    agent: false,
    headers: { ...(body === undefined ? {} : POST_HEADERS), ...headers },
  });
  const promise = new Promise<RawAnswer>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, messages: parse(text) }),
      );
    });
  });
  promise.catch(() => undefined);
  request.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  return { promise, request, text: () => text, messages: () => parse(text) };
}

function parse(text: string): RawMessage[] {
  if (text.startsWith('{')) return [JSON.parse(text) as RawMessage];
  const data = text.split('\n').filter((line) => line.startsWith('data: {'));
  return data.map((line) => JSON.parse(line.slice('data: '.length)) as RawMessage);
}

export function initializeRequest(protocolVersion = '2025-11-25', id: number | string = 1) {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
  return { jsonrpc: '2.0', id, method: 'initialize', params };
}

/** Opens a session and answers the headers that its requests carry. */
export async function openRawSession(
  port: number,
  headers: Record<string, string> = {},
  protocolVersion = '2025-11-25',
): Promise<Record<string, string>> {
  const answer = await raw(port, { headers, body: initializeRequest(protocolVersion) });
  const id = answer.headers['mcp-session-id'];
  if (typeof id !== 'string') throw new Error(`No session: ${answer.status} ${answer.text}`);
  const session = { ...headers, 'Mcp-Session-Id': id, 'MCP-Protocol-Version': protocolVersion };
  await raw(port, { headers: session, body: { jsonrpc: '2.0', method: 'notifications/initialized' } });
  return session;
}

export function callRequest(name: string, args: Record<string, unknown> = {}, id: number | string = 7) {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}

/** A request of the 2026 revision: its headers and its envelope. */
export function modernRequest(
  method: string,
  params: Record<string, unknown> = {},
  id: number | string = 7,
): RawRequest {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  };
  return {
    headers: {
      'MCP-Protocol-Version': '2026-07-28',
      'Mcp-Method': method,
      ...(typeof params['name'] === 'string' ? { 'Mcp-Name': params['name'] } : {}),
    },
    body: { jsonrpc: '2.0', id, method, params: { ...params, _meta } },
  };
}
