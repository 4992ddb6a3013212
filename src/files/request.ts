import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { fixedLookup } from './resolve.ts';

/** An answer whose body is not yet read, and how to close its connection. */
export interface Answer {
  readonly message: IncomingMessage;
  close(): void;
}

const HEADERS = {
  accept: '*/*',
  // Dify must get the file itself, not a compressed form.
  'accept-encoding': 'identity',
  'user-agent': 'dify-mcp-bridge',
};

/** Sends a GET to one of the addresses on a new connection. Follows no redirect. Rejects if the connection fails. */
export async function get(url: URL, addresses: readonly string[], signal: AbortSignal): Promise<Answer> {
  const isHttps = url.protocol === 'https:';
  const lookup = fixedLookup(addresses);
  const agent = isHttps ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
  const send = isHttps ? httpsRequest : httpRequest;
  const request: ClientRequest = send(url, { agent, lookup, headers: HEADERS, signal });
  const close = (): void => void request.destroy();
  try {
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      // Without a listener, an upgrade answer would never end: Node drops the socket silently.
      request.once('upgrade', (answer, socket) => {
        socket.destroy();
        resolve(answer);
      });
      // Also handles later errors, which the reader of the body receives.
      request.on('error', reject);
      request.end();
    });
    return { message, close };
  } catch (error) {
    close();
    throw error;
  }
}
