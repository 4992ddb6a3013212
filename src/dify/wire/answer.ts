import { createHash } from 'node:crypto';
import { BridgeError } from '../../model/errors.ts';
import { parsePythonJson } from '../../model/exact-json.ts';
import type { Secrets } from '../../model/secrets.ts';
import { mendJson } from '../../model/well-formed.ts';
import type { ExchangeHead } from './exchange.ts';
import type { Destination } from './network-errors.ts';

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

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const DISCARD_BYTES = 64 * 1024;

/** An answer to a request that `Exchange` sent. */
export class Answer implements DifyAnswer {
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
