import type { IncomingMessage } from 'node:http';
import { isJsonContentType } from '@modelcontextprotocol/server';
import { after } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';
import { parseJson } from '../model/exact-json.ts';

/** How long a client may continue to send a refused body, in milliseconds. */
const DISCARD_MS = 5000;

/**
 * Resolves with the JSON value in the body of a POST.
 * @throws BridgeError `unsupported_media_type`, `body_too_large`, `parse_error`, and `bad_request` for a batch or
 * if the client stopped sending.
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
    message = parseJson(text);
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

/** Reads up to the limit, and leaves the connection open: see `discardBody`. */
async function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): BridgeError =>
    new BridgeError('body_too_large', `The body of the request is larger than ${maxBytes} bytes.`, {
      hint: 'Send less, or raise the setting http.maxBodyBytes.',
    });
  if (Number(req.headers['content-length']) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw new BridgeError('bad_request', 'The body of the request broke off.');
  }
  return Buffer.concat(chunks);
}

/**
 * Reads the rest of a refused body for a while, because a client that is cut off while sending never sees the refusal.
 */
export function discardBody(req: IncomingMessage): void {
  req.once(
    'close',
    after(DISCARD_MS, () => req.destroy(), { ref: false }),
  );
  req.resume();
}
