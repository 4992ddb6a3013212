import { Readable } from 'node:stream';
import { Agent } from 'undici';
import { onAbort } from '../../model/async.ts';
import { BridgeError } from '../../model/errors.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Meter, Plane } from '../../model/meter.ts';
import type { CallExchange } from '../../model/ports.ts';
import { Secrets } from '../../model/secrets.ts';
import { wellFormedJson } from '../../model/well-formed.ts';
import { Answer, type DifyAnswer } from './answer.ts';
import { Exchange } from './exchange.ts';
import { limitExchange } from './exchange-limit.ts';
import { abortError, brokenBodyError, connectionError, type Destination } from './network-errors.ts';

/** Dify's api service, such as `http://api:5001`; may include a path prefix. */
export interface DifyHttpOptions {
  readonly baseUrl: string;
  /** Milliseconds for TCP and TLS; 10 s when absent. */
  readonly connectTimeoutMs?: number | undefined;
  /** The most open connections to one server, including idle ones; further requests wait. Unlimited when absent. */
  readonly maxConnections?: number | undefined;
  /** Secrets to mask in errors, in addition to keys and tokens in request headers. */
  readonly secrets?: Secrets | undefined;
  readonly meter?: Pick<Meter, 'upstream'> | undefined;
}

export interface DifyRequest {
  readonly method: 'GET' | 'POST';
  /** Begins with `/`, may have a query, and is appended to the base. Or an absolute http(s) URL. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  /** An object is sent as JSON. A stream is sent as it arrives: `headers` give its type and length. */
  readonly body?: JsonObject | AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal;
  /** Milliseconds for the whole exchange, including the body. When absent, only the signal ends the exchange. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds without data from the server, before or during its answer. Unlimited when absent. */
  readonly silenceMs?: number | undefined;
  /** Of a request that runs a tool. */
  readonly exchange?: CallExchange | undefined;
}

/** Sends requests to one Dify. Never retries and never follows redirects. No timeouts except those passed in. */
export interface DifyHttp {
  readonly baseUrl: URL;
  /** The secrets that every answer's `mask` hides. */
  readonly secrets: Secrets;
  readonly meter: DifyHttpOptions['meter'];
  /** Returns Dify's version as the latest answer reported it; undefined before. */
  version(): string | undefined;
  /**
   * Resolves with an answer of any status. Rejects with the errors of a streamed request body, with
   * `upstream_unreachable` if no answer arrives or `timeoutMs` passes, and after an abort with the
   * signal's reason if it is a BridgeError, otherwise with `cancelled`.
   */
  send(request: DifyRequest): Promise<DifyAnswer>;
  /** Closes all connections, including those in use. */
  close(): Promise<void>;
}

const SECRET_HEADERS = ['authorization', 'cookie', 'x-csrf-token', 'x-inner-api-key'];

/** Returns a client for one Dify. Throws `config_invalid` if the base is not an http(s) URL. */
export function createDifyHttp(options: DifyHttpOptions): DifyHttp {
  const baseUrl = parseBase(options.baseUrl);
  const prefix = baseUrl.pathname.replace(/\/+$/, '');
  const secrets = options.secrets ?? new Secrets();
  const agent = new Agent({
    // Dify's gunicorn silently closes an idle connection after 2 s: it must not be reused by then.
    keepAliveTimeout: 1000,
    keepAliveMaxTimeout: 1000,
    pipelining: 1,
    connections: options.maxConnections ?? null,
    connect: { timeout: options.connectTimeoutMs ?? 10_000 },
  });
  let version: string | undefined;
  /** Of the last request: nearly all have the same address, and reading it takes time. */
  let last: Address | undefined;
  function addressOf(path: string): Address {
    if (last?.given === path) return last;
    const url = new URL(path.startsWith('/') ? `${baseUrl.origin}${prefix}${path}` : path);
    const { origin, pathname, search } = url;
    last = { given: path, url, origin, path: pathname, target: pathname + search };
    return last;
  }
  return {
    baseUrl,
    secrets,
    meter: options.meter,
    version: () => version,
    async send(request) {
      for (const secret of secretsIn(request.headers ?? {})) secrets.remember(secret);
      const { path } = request;
      const began = performance.now();
      const done = (status?: number): void =>
        options.meter?.upstream(planeOf(path), status, performance.now() - began);
      const answer = await exchange(agent, addressOf(path), request, { secrets, done });
      version = answer.version ?? version;
      return answer;
    },
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

/** Returns the keys, tokens and cookie values that a request carries. */
function secretsIn(headers: NonNullable<DifyRequest['headers']>): readonly string[] {
  return SECRET_HEADERS.flatMap((name) => {
    const value = headers[name]?.replace(/^Bearer /, '');
    if (value === undefined) return [];
    return name === 'cookie' ? value.split('; ').map((pair) => pair.slice(pair.indexOf('=') + 1)) : [value];
  });
}

/** Returns the part of Dify that a path belongs to. */
function planeOf(path: string): Plane {
  if (path.startsWith('/inner/')) return 'inner';
  return path.startsWith('/console/') ? 'console' : 'files';
}

/** The parts of a request's URL. */
interface Address extends Destination {
  /** The path or URL as given. */
  readonly given: string;
  readonly origin: string;
  /** The path with the query. */
  readonly target: string;
}

interface ExchangeContext {
  readonly secrets: Secrets;
  /** Called when the exchange has ended, with the status if there was an answer. */
  readonly done: (status?: number) => void;
}

async function exchange(
  agent: Agent,
  destination: Address,
  request: DifyRequest,
  { secrets, done }: ExchangeContext,
): Promise<DifyAnswer> {
  if (request.signal.aborted) throw abortError(request.signal);
  const content = encodeBody(request);
  const limit = limitExchange(request.signal, request.timeoutMs, destination);
  const arriving = new Exchange({
    explain: (failure, hasAnswer) => {
      if (hasAnswer) return limit.cause() ?? brokenBodyError(failure, destination);
      return (
        limit.cause() ?? (failure instanceof BridgeError ? failure : connectionError(failure, destination))
      );
    },
    onEnd: (status) => {
      stopListening();
      limit.release();
      done(status);
    },
    onData: (bytes) => request.exchange?.received(bytes),
    sent: content.body instanceof Readable ? content.body : undefined,
  });
  const stopListening = onAbort(limit.signal, () =>
    arriving.abort(limit.cause() ?? abortError(limit.signal)),
  );
  const options = {
    origin: destination.origin,
    path: destination.target,
    method: request.method,
    headers: content.headers,
    body: content.body ?? null,
    // A tool may be silent for minutes, even before the headers, which arrive with the first frame.
    headersTimeout: request.silenceMs ?? 0,
    bodyTimeout: request.silenceMs ?? 0,
  };
  agent.dispatch(options, arriving);
  return new Answer(await arriving.head, arriving, destination, secrets);
}

function encodeBody({ headers, body, exchange }: DifyRequest): {
  headers: Record<string, string | undefined>;
  body?: string | Readable;
} {
  const base = { 'accept-encoding': 'identity', ...exchange?.trace, ...headers };
  if (body === undefined) return { headers: base };
  if (isStream(body)) return { headers: base, body: Readable.from(body, { objectMode: false }) };
  return { headers: { 'content-type': 'application/json', ...base }, body: wellFormedJson(body) };
}

function isStream(body: JsonObject | AsyncIterable<Uint8Array>): body is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in body;
}
