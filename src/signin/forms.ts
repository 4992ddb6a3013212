import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { after } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';

const MAX_BYTES = 16 * 1024;
const TIMEOUT_MS = 15_000;

/**
 * Returns the fields of a form that a page of the bridge sent with its token.
 * @throws BridgeError `forbidden` for a form of another page, `body_too_large`, `bad_request`.
 */
export async function readForm(
  req: IncomingMessage,
  origin: string,
  token: string,
): Promise<URLSearchParams> {
  // Browsers send the origin with every form. Programs, which need no such protection, do not.
  if (req.headers.origin !== undefined && req.headers.origin !== origin) throw foreign();
  const fields = new URLSearchParams(await bodyOf(req));
  const [given, expected] = [Buffer.from(fields.get('token') ?? ''), Buffer.from(token)];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw foreign();
  return fields;
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stop = after(TIMEOUT_MS, () => req.destroy(), { ref: false });
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BYTES) throw new BridgeError('body_too_large', 'The form is too large.');
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw new BridgeError('bad_request', 'The body of the request broke off.');
  } finally {
    stop();
  }
  return Buffer.concat(chunks).toString('utf8');
}

function foreign(): BridgeError {
  return new BridgeError('forbidden', 'The form was not sent by its own page, or the page is too old.', {
    hint: 'Go back to the client, and connect it again.',
  });
}
