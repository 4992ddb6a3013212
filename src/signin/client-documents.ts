import { createNetworkPolicy } from '../files/network-policy.ts';
import { get } from '../files/request.ts';
import { allowedAddresses, systemResolver } from '../files/resolve.ts';

const TIMEOUT_MS = 5000;
const MAX_BYTES = 5 * 1024;

/**
 * Fetches the metadata document of a client from a public address. Follows no redirect. Rejects if the host is in a
 * private network or the document is too large.
 */
export async function fetchClientDocument(address: string): Promise<Response> {
  const url = new URL(address);
  if (url.protocol !== 'https:') throw new TypeError('The address of a client must begin with https.');
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const addresses = await allowedAddresses(url, createNetworkPolicy([]), systemResolver);
  const answer = await get(url, addresses, signal);
  const { message } = answer;
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of message as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BYTES) throw new TypeError('The document is too large.');
      chunks.push(chunk);
    }
    const { 'cache-control': cache = '' } = message.headers;
    const init = { status: message.statusCode ?? 502, headers: { 'cache-control': cache } };
    return new Response(Buffer.concat(chunks), init);
  } finally {
    answer.close();
  }
}
