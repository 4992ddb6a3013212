import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toWebRequest } from '@modelcontextprotocol/node';
import { wellFormedBytes } from '../model/well-formed.ts';

/**
 * Returns a web Request with method, address and headers of a Node request. It has no body: the SDK gets the parsed
 * body separately, which has already been read within its limit.
 */
export function webRequest(req: IncomingMessage): Promise<Request> {
  // A request that a server receives has a method and an address. Node's type is also that of a client's response.
  return toWebRequest(req as IncomingMessage & { method: string; url: string }, undefined, {
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  });
}

/**
 * Writes a web Response to a Node response. Resolves when that is done or the client has gone. Makes the SDK's JSON
 * well-formed. Cancels the body stream as soon as the client has gone, so that the transports notice: the SDK's own
 * adapter notices only at the next chunk, and until then refuses a client that wants to resume its stream.
 */
export async function sendResponse(res: ServerResponse, response: Response): Promise<void> {
  if (res.destroyed) {
    await response.body?.cancel();
    return;
  }
  res.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) {
    res.end();
    return;
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const gone = new AbortController();
  const onClose = (): void => {
    gone.abort();
    reader.cancel().catch(() => undefined);
  };
  res.once('close', onClose);
  try {
    let next = reader.read();
    // A client must see the headers of a stream before its first event, which may take minutes.
    setImmediate(() => {
      if (!gone.signal.aborted && !res.writableEnded) res.flushHeaders();
    });
    for (let chunk = await next; !chunk.done; chunk = await next) {
      if (!res.write(wellFormedBytes(chunk.value))) await once(res, 'drain', { signal: gone.signal });
      next = reader.read();
    }
    res.off('close', onClose);
    res.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}
