import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { bodyOf, type Recorded, type Recording, recordings } from './shared.ts';

/** Headers by which one recorded request differs from another of the same path. */
const TELLING = ['authorization', 'x-workspace-id', 'x-csrf-token'];

/** The recorded console and status exchanges, served again to requests that match in all that Dify looks at. */
export async function startReplay(of: Recorded = '1.12.1'): Promise<{
  url: string;
  unmatched: string[];
  close: () => Promise<void>;
}> {
  const entries = [...recordings('console', of), ...recordings('status', of)];
  const unmatched: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = await readBody(request);
      const entry = entries.find((candidate) => matches(candidate, request, body));
      if (entry === undefined) {
        unmatched.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
        response.writeHead(599).end();
        return;
      }
      const { connection: _, 'content-length': __, ...headers } = entry.response.headers;
      response.writeHead(entry.response.status, headers).end(bodyOf(entry));
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    unmatched,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function matches({ request: recorded }: Recording, request: IncomingMessage, body: unknown): boolean {
  if (recorded.method !== request.method || recorded.path !== request.url) return false;
  if (recorded.body !== undefined && !isDeepStrictEqual(recorded.body, body)) return false;
  if (TELLING.some((name) => recorded.headers[name] !== request.headers[name])) return false;
  // A browser may send more cookies than a route needs.
  const sent = cookies(request.headers.cookie);
  return cookies(recorded.headers['cookie']).every((pair) => sent.includes(pair));
}

const cookies = (header: string | undefined): string[] =>
  (header ?? '').split('; ').filter((pair) => pair !== '');

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return parts.length === 0 ? undefined : (JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown);
}
