import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Agent } from 'undici';
import { onAbort } from '../../model/async.ts';
import { BridgeError } from '../../model/errors.ts';
import { parsePythonJson } from '../../model/exact-json.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Meter, Plane } from '../../model/meter.ts';
import type { CallExchange } from '../../model/ports.ts';
import { Secrets } from '../../model/secrets.ts';
import { mendJson, wellFormedJson } from '../../model/well-formed.ts';
import { Exchange, type ExchangeHead } from './exchange.ts';
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

/** An answer whose body is still arriving. Read it, leave it early or discard it, once: that frees the connection. */
export interface DifyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly version: string | undefined;
  /** The path of the request, without the query, which may carry a signature. */
  readonly path: string;
  /** Leaving the loop early closes the connection. Throws `stream_broken`, or the abort's error. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Resolves with the body as text, cut after `maxBytes`. */
  text(maxBytes: number): Promise<string>;
  /** Resolves with the body as JSON with well-formed strings; undefined if it is not JSON. Rejects after 64 MiB. */
  json(): Promise<unknown>;
  /** Resolves with the digest of the body, and a function that returns what `json` does, once. Rejects as `json`. */
  digested(): Promise<{ readonly digest: string; readonly json: () => unknown }>;
  /** Returns a text of the answer without secrets, because a server may quote the request. */
  mask(words: string): string;
  /** Discards the body. Never rejects. */
  discard(): Promise<void>;
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

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const DISCARD_BYTES = 64 * 1024;
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

class Answer implements DifyAnswer {
  readonly status: number;
  readonly headers: ExchangeHead['headers'];
  readonly version: string | undefined;
  readonly path: string;
  readonly body: AsyncIterable<Uint8Array>;
  readonly #secrets: Secrets;

  constructor(
    { status, headers }: ExchangeHead,
    body: AsyncIterable<Uint8Array>,
    { path }: Destination,
    secrets: Secrets,
  ) {
    const version = headers['x-version'];
    this.status = status;
    this.headers = headers;
    this.version = typeof version === 'string' ? secrets.mask(version) : undefined;
    this.path = path;
    this.body = body;
    this.#secrets = secrets;
  }

  async text(maxBytes: number): Promise<string> {
    return (await this.#collect(maxBytes)).subarray(0, maxBytes).toString('utf8');
  }

  async json(): Promise<unknown> {
    return (await this.digested()).json();
  }

  async digested() {
    let bytes = await this.#collect(MAX_BODY_BYTES);
    if (bytes.length > MAX_BODY_BYTES) {
      throw new BridgeError('upstream_error', `Dify's answer to ${this.path} is larger than 64 MiB.`);
    }
    const digest = createHash('sha256').update(bytes).digest('base64');
    const json = (): unknown => {
      const text = bytes.toString('utf8');
      // A list of tools may be 20 MB, which can be freed while its text is parsed.
      bytes = Buffer.alloc(0);
      return parseJson(text);
    };
    return { digest, json };
  }

  mask(words: string): string {
    return this.#secrets.mask(words);
  }

  async discard(): Promise<void> {
    // The rest of a large body may never come: its connection is closed instead of awaited.
    const isLarge = Number(this.headers['content-length']) > DISCARD_BYTES;
    await (isLarge
      ? this.body[Symbol.asyncIterator]().return?.()
      : this.#collect(DISCARD_BYTES).catch(() => undefined));
  }

  /** Resolves with the body up to and including the chunk that exceeds `maxBytes`. */
  async #collect(maxBytes: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) break;
    }
    return Buffer.concat(chunks, size);
  }
}

/** Returns the JSON value of a text with well-formed strings; undefined if it is not JSON. */
function parseJson(text: string): unknown {
  try {
    return parsePythonJson(mendJson(text));
  } catch {
    return undefined;
  }
}
