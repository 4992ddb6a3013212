import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toWebRequest } from '@modelcontextprotocol/node';
import type { ListRequest } from '../mcp/prepared-lists.ts';
import { wellFormedBytes } from '../model/well-formed.ts';

/**
 * A web Request with method, address and headers of a Node request. It has no body: the SDK
 * gets the parsed body separately, which was read within its limit before.
 */
export function webRequest(req: IncomingMessage): Promise<Request> {
  // A request that a server received has a method and an address; Node's type covers those that clients receive.
  return toWebRequest(req as IncomingMessage & { method: string; url: string }, undefined, {
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  });
}

/**
 * Writes a web Response to a Node response and resolves when that is done or the client is gone. The SDK made the JSON in
 * it, so this is where it becomes well-formed.
 * A body stream is cancelled as soon as the client goes, which is how the transports learn of it: the SDK's own
 * adapter notices at the next chunk only, and until then refuses a client that comes back for its stream.
 * `list` is the request if it is one for a list: it learns from the answer.
 */
export async function sendResponse(
  res: ServerResponse,
  response: Response,
  list?: ListRequest,
): Promise<void> {
  if (res.destroyed) {
    await response.body?.cancel();
    return;
  }
  const headers = Object.fromEntries(response.headers);
  res.writeHead(response.status, headers);
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
    // A client should see the headers of a stream before its first event, which may be minutes away.
    setImmediate(() => {
      if (!gone.signal.aborted && !res.writableEnded) res.flushHeaders();
    });
    for (let chunk = await next; !chunk.done; chunk = await next) {
      const bytes = wellFormedBytes(chunk.value);
      list?.learn(headers, bytes);
      if (!res.write(bytes)) await once(res, 'drain', { signal: gone.signal });
      next = reader.read();
    }
    res.off('close', onClose);
    res.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

/** Writes the prepared answer to a request for a list. `headers` replace those of the answer. Returns whether there is one. */
export function sendPrepared(
  res: ServerResponse,
  list: ListRequest | undefined,
  headers: Readonly<Record<string, string>> = {},
): boolean {
  if (list?.prepared === undefined) return false;
  res.writeHead(200, { ...list.prepared.headers, ...headers });
  res.cork();
  for (const part of list.prepared.parts) res.write(part);
  res.end();
  return true;
}
