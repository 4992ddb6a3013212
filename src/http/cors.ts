import type { IncomingMessage, ServerResponse } from 'node:http';

/** Headers that pages may send and read besides those that any page may. */
const SENT =
  'Accept, Authorization, Content-Type, Last-Event-ID, Mcp-Method, Mcp-Name, MCP-Protocol-Version, Mcp-Session-Id';
const READ = 'Mcp-Session-Id, WWW-Authenticate';
/** How long a browser may rely on a preflight, in seconds. */
const MAX_AGE = 7200;

/** Lets the page whose Origin was admitted read the response, whatever it will be. */
export function allowOrigin({ headers: { origin } }: IncomingMessage, res: ServerResponse): void {
  res.setHeader('Vary', 'Origin');
  if (origin === undefined) return;
  res.setHeader('Access-Control-Allow-Origin', origin);
  res.setHeader('Access-Control-Expose-Headers', READ);
}

/** Whether a request is the question of a browser whether a page may send another one. It never carries a token. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  const { origin, 'access-control-request-method': requested } = headers;
  return method === 'OPTIONS' && origin !== undefined && requested !== undefined;
}

/** Answers a preflight whose Origin was admitted. */
export function sendPreflight(req: IncomingMessage, res: ServerResponse): void {
  // A page of the internet that asks for an address in a private network needs this permission, too.
  const asksForNetwork = req.headers['access-control-request-private-network'] === 'true';
  res.writeHead(204, {
    'Access-Control-Allow-Methods': 'GET, POST, DELETE',
    'Access-Control-Allow-Headers': SENT,
    'Access-Control-Max-Age': MAX_AGE,
    ...(asksForNetwork && { 'Access-Control-Allow-Private-Network': 'true' }),
  });
  res.end();
}
