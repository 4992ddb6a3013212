import type { IncomingMessage } from 'node:http';
import { isJsonContentType } from '@modelcontextprotocol/server';
import { BridgeError } from '../model/errors.ts';

/** How long a client may go on sending a body that was refused, in milliseconds. */
const DISCARD_MS = 5000;

/**
 * The JSON value in the body of a POST.
 * @throws BridgeError `unsupported_media_type`, `body_too_large`, `parse_error`, and `bad_request` for a batch or
 * a client that stopped sending.
 */
export async function readMessage(req: IncomingMessage, maxBytes: number): Promise<unknown> {
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (!isJsonContentType(req.headers['content-type']) || encoding !== 'identity') {
    throw new BridgeError('unsupported_media_type', 'The body must be uncompressed JSON.', {
      hint: 'Send it with Content-Type: application/json and without Content-Encoding.',
    });
  }
  const text = (await readBody(req, maxBytes)).toString('utf8');
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    throw new BridgeError('parse_error', 'The body of the request is not valid JSON.', { cause: error });
  }
  if (Array.isArray(message)) {
    throw new BridgeError('bad_request', 'The body is a JSON-RPC batch, which MCP does not have.', {
      hint: 'Send each message in a request of its own.',
    });
  }
  return message;
}

async function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): BridgeError =>
    new BridgeError('body_too_large', `The body of the request is larger than ${maxBytes} bytes.`, {
      hint: 'Send less, or raise the setting http.maxBodyBytes.',
    });
  if (Number(req.headers['content-length']) > maxBytes) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        reject(tooLarge());
      } else {
        chunks.push(chunk);
      }
    });
    const onLost = (): void => reject(new BridgeError('bad_request', 'The body of the request broke off.'));
    req.once('close', onLost);
    req.once('error', onLost);
    req.once('end', () => {
      req.off('close', onLost);
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
  });
}

/**
 * Reads the rest of a refused body away: a client that is cut off while it sends never sees the refusal. One that
 * goes on for too long is cut off all the same.
 */
export function discardBody(req: IncomingMessage): void {
  const timer = setTimeout(() => req.destroy(), DISCARD_MS);
  timer.unref();
  req.once('close', () => clearTimeout(timer));
  req.resume();
}
