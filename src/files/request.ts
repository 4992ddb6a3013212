import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { fixedLookup } from './resolve.ts';

/** An answer whose body is still to come, and what ends the connection. */
export interface Answer {
  readonly message: IncomingMessage;
  close(): void;
}

const HEADERS = {
  accept: '*/*',
  // What goes to Dify is the file, not a way of sending it.
  'accept-encoding': 'identity',
  'user-agent': 'dify-mcp-bridge',
};

/**
 * The answer to a GET at one of the addresses. No proxy, no redirect, no credentials, a connection of its own.
 * Rejects with what the connection throws, or with the signal's reason.
 */
export async function get(url: URL, addresses: readonly string[], signal: AbortSignal): Promise<Answer> {
  const isHttps = url.protocol === 'https:';
  const lookup = fixedLookup(addresses);
  const agent = isHttps ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
  const send = isHttps ? httpsRequest : httpRequest;
  const request: ClientRequest = send(url, { agent, lookup, headers: HEADERS, method: 'GET' });
  const onAbort = (): void => void request.destroy(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  const close = (): void => {
    signal.removeEventListener('abort', onAbort);
    request.destroy();
  };
  try {
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      // Without a listener, whoever answers so would be waited for without end: Node gives up the socket and says nothing.
      request.once('upgrade', (answer, socket) => {
        socket.destroy();
        resolve(answer);
      });
      // Also for later errors, which the reader of the body hears of.
      request.on('error', reject);
      if (signal.aborted) onAbort();
      else request.end();
    });
    return { message, close };
  } catch (error) {
    close();
    throw error;
  }
}
