import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toWebRequest } from '@modelcontextprotocol/node';
import { isJSONRPCRequest } from '@modelcontextprotocol/server';
import { keepList, leaveListOut, leftOutOf, listJson } from '../mcp/list-json.ts';
import { wellFormedBytes } from '../model/well-formed.ts';

/** How the JSON of an answer has the list of tools that was left out of it. */
const NO_TOOLS = '"tools":[]';

/**
 * A web Request with method, address and headers of a Node request. It has no body: that was read within its limit
 * and parsed before, and goes to the SDK beside it. The answer to a tools/list is without its list, which
 * `sendResponse` puts back.
 */
export async function webRequest(req: IncomingMessage, message: unknown): Promise<Request> {
  // A request that a server received has a method and an address; Node's type covers those that clients receive.
  const request = await toWebRequest(req as IncomingMessage & { method: string; url: string }, undefined, {
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  });
  if (isJSONRPCRequest(message) && message.method === 'tools/list') leaveListOut(request);
  return request;
}

/**
 * Writes the web Response to a web Request to a Node response and resolves when that is done or the client is gone.
 * The SDK has made the JSON in it, so this is where it becomes well-formed.
 * A body stream is cancelled as soon as the client goes, which is how the transports learn of it: the SDK's own
 * adapter notices at the next chunk only, and until then refuses a client that comes back for its stream.
 */
export async function sendResponse(res: ServerResponse, request: Request, response: Response): Promise<void> {
  if (res.destroyed) {
    keepList(request);
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
    keepList(request);
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
      const parts = withList(wellFormedBytes(chunk.value), request);
      // Until all of a chunk is written, nothing may come between.
      if (parts.map((part) => res.write(part)).includes(false)) {
        await once(res, 'drain', { signal: gone.signal });
      }
      next = reader.read();
    }
    res.off('close', onClose);
    res.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    // A stream may end before its answer, which then goes to the one that resumes it.
    keepList(request);
  }
}

/** A chunk of the response, in parts: with the list of tools where one was left out. */
function withList(chunk: Uint8Array, request: Request): readonly Uint8Array[] {
  const list = leftOutOf(request);
  if (list === undefined) return [chunk];
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const place = bytes.indexOf(NO_TOOLS);
  if (place === -1) return [chunk];
  return [
    bytes.subarray(0, place + NO_TOOLS.length - 2),
    ...listJson(list),
    bytes.subarray(place + NO_TOOLS.length),
  ];
}
