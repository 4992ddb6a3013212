import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { BridgeError } from '../../model/errors.ts';
import type { JsonObject } from '../../model/json.ts';
import { type Limit, limitExchange } from './exchange-limit.ts';
import { abortFault, brokenBodyFault, connectionFault, type Destination } from './network-errors.ts';

/** Where Dify's api service is: `http://api:5001`, also with a path prefix. */
export interface DifyHttpOptions {
  readonly baseUrl: string;
  /** Time for TCP and TLS; 10 s unless told. */
  readonly connectTimeoutMs?: number;
  /** Connections that may be open to one server at once, idle ones included; further requests wait. Unless told, any. */
  readonly maxConnections?: number;
}

/** One exchange with Dify. */
export interface DifyRequest {
  readonly method: 'GET' | 'POST';
  /** Begins with `/` and may have a query; it is appended to the base. Or an absolute http(s) URL. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a stream as it comes: `headers` say its type and length. */
  readonly body?: JsonObject | AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** Limit for the whole exchange, body included. Without it only the signal ends the exchange. */
  readonly timeoutMs?: number;
  /** Longest silence of the server, before its answer and within it. Without it, it may be silent for ever. */
  readonly silenceMs?: number;
}

/**
 * An answer whose body is still arriving. It must be read, left early or discarded, once: only then is the
 * connection free again.
 */
export interface DifyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Dify's version, from `X-Version`. */
  readonly version: string | undefined;
  /** Path of the request without its query, which may carry a signature. */
  readonly path: string;
  /** Leaving the loop early closes the connection. Throws `stream_broken`, or what an abort stands for. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The same, which throws `upstream_error` after 64 MiB. */
  readonly boundedBody: AsyncIterable<Uint8Array>;
  /** The body as text, cut after `maxBytes` (64 MiB unless told). */
  text(maxBytes?: number): Promise<string>;
  /** The body as JSON; undefined when it is not JSON. */
  json(): Promise<unknown>;
  /** Drops the body. Never rejects. */
  discard(): Promise<void>;
}

/** Sends requests to one Dify: nothing is retried, no redirect is followed, no time limit but those given. */
export interface DifyHttp {
  readonly baseUrl: URL;
  /**
   * Resolves with any status. Rejects with what a body throws; with `upstream_unreachable` without an answer or after `timeoutMs`; after an
   * abort with the signal's reason where that is a BridgeError, otherwise with `cancelled`.
   */
  send(request: DifyRequest): Promise<DifyAnswer>;
  /** Closes all connections, those in use included. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const DISCARD_BYTES = 64 * 1024;

/** Throws `config_invalid` for a base that is not an http(s) URL. */
export function createDifyHttp(options: DifyHttpOptions): DifyHttp {
  const baseUrl = parseBase(options.baseUrl);
  const prefix = baseUrl.pathname.replace(/\/+$/, '');
  const agent = new Agent({
    // Dify's gunicorn closes a connection after 2 s without telling: it must not be used again by then.
    keepAliveTimeout: 1000,
    keepAliveMaxTimeout: 1000,
    // A tool may be silent for minutes, before the headers too: they come with the first frame.
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 1,
    connections: options.maxConnections ?? null,
    connect: { timeout: options.connectTimeoutMs ?? 10_000 },
  });
  return {
    baseUrl,
    send: (request) => exchange(agent, locate(request.path, baseUrl, prefix), request),
    close: () => agent.destroy(),
  };
}

function parseBase(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new BridgeError('config_invalid', 'DIFY_API_URL is not an http or https address.', {
    hint: "Give the address of Dify's api service, e.g. http://api:5001.",
  });
}

function locate(path: string, base: URL, prefix: string): URL {
  return path.startsWith('/') ? new URL(`${base.origin}${prefix}${path}`) : new URL(path);
}

async function exchange(agent: Agent, url: URL, request: DifyRequest): Promise<DifyAnswer> {
  if (request.signal.aborted) throw abortFault(request.signal);
  const destination: Destination = { url, path: url.pathname };
  const limit = limitExchange(request.signal, request.timeoutMs, destination);
  let response: Dispatcher.ResponseData;
  try {
    response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      ...encodeBody(request),
      ...(request.silenceMs !== undefined && {
        headersTimeout: request.silenceMs,
        bodyTimeout: request.silenceMs,
      }),
      signal: limit.signal,
    });
  } catch (error) {
    limit.release();
    throw limit.cause() ?? (error instanceof BridgeError ? error : connectionFault(error, destination));
  }
  response.body.once('close', limit.release);
  return createAnswer(response, destination, limit);
}

function encodeBody({ headers, body }: DifyRequest): {
  headers: Record<string, string>;
  body?: string | Readable;
} {
  const base = { 'accept-encoding': 'identity', ...headers };
  if (body === undefined) return { headers: base };
  if (isStream(body)) return { headers: base, body: Readable.from(body, { objectMode: false }) };
  return { headers: { 'content-type': 'application/json', ...base }, body: JSON.stringify(body) };
}

function isStream(body: JsonObject | AsyncIterable<Uint8Array>): body is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in body;
}

function createAnswer(response: Dispatcher.ResponseData, destination: Destination, limit: Limit): DifyAnswer {
  const version = response.headers['x-version'];
  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* response.body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw limit.cause() ?? brokenBodyFault(error, destination);
    }
  }
  async function* readBounded(): AsyncGenerator<Uint8Array, void, undefined> {
    let size = 0;
    for await (const chunk of read()) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) {
        throw new BridgeError(
          'upstream_error',
          `Dify's answer to ${destination.path} is larger than 64 MiB.`,
        );
      }
      yield chunk;
    }
  }
  async function text(source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of source) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) break;
    }
    return Buffer.concat(chunks, Math.min(size, maxBytes)).toString('utf8');
  }
  return {
    status: response.statusCode,
    headers: response.headers,
    version: typeof version === 'string' ? version : undefined,
    path: destination.path,
    body: { [Symbol.asyncIterator]: read },
    boundedBody: { [Symbol.asyncIterator]: readBounded },
    text: (maxBytes = MAX_BODY_BYTES) => text(read(), maxBytes),
    json: async () => parseJson(await text(readBounded(), MAX_BODY_BYTES)),
    discard: () => response.body.dump({ limit: DISCARD_BYTES }).catch(() => undefined),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
