import type { IncomingMessage } from 'node:http';
import { isJsonContentType } from '@modelcontextprotocol/server';
import { after } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';
import { parseJson } from '../model/exact-json.ts';

/** How long a client may continue to send a refused body, in milliseconds. */
const DISCARD_MS = 5000;

/** How long a body may stop arriving, in milliseconds. */
const SILENCE_MS = 30_000;

/** What the bodies that are arriving may hold together, in bytes. A single one may always have its own limit. */
const MAX_ARRIVING_BYTES = 64 * 1024 * 1024;

export interface BodyOptions {
  /** The largest body, in bytes. */
  readonly maxBytes: number;
  /** How long a body may stop arriving, in milliseconds. Default: 30 s. */
  readonly silenceMs?: number | undefined;
  /** The bytes of all bodies that are arriving. Default: 64 MiB. */
  readonly maxArrivingBytes?: number | undefined;
}

/** Reads the bodies of requests, within limits for each and for all together. */
export class Bodies {
  readonly #maxBytes: number;
  readonly #silenceMs: number;
  readonly #maxArrivingBytes: number;
  #arriving = 0;

  constructor({ maxBytes, silenceMs = SILENCE_MS, maxArrivingBytes = MAX_ARRIVING_BYTES }: BodyOptions) {
    this.#maxBytes = maxBytes;
    this.#silenceMs = silenceMs;
    this.#maxArrivingBytes = maxArrivingBytes;
  }

  /**
   * Returns the JSON value in the body of a POST.
   * @throws BridgeError `unsupported_media_type`, `body_too_large`, `parse_error`, `overloaded`, `request_timeout`, and
   * `bad_request` if the client stopped sending.
   */
  async readJson(req: IncomingMessage): Promise<unknown> {
    const encoding = req.headers['content-encoding'] ?? 'identity';
    if (!isJsonContentType(req.headers['content-type']) || encoding !== 'identity') {
      throw new BridgeError('unsupported_media_type', 'The body must be uncompressed JSON.', {
        hint: 'Send it with Content-Type: application/json and without Content-Encoding.',
      });
    }
    const text = (await this.#read(req)).toString('utf8');
    try {
      return parseJson(text);
    } catch (error) {
      throw new BridgeError('parse_error', 'The body of the request is not valid JSON.', { cause: error });
    }
  }

  /** Reads as far as the limit, and leaves the connection open: see `discardBody`. */
  #read(req: IncomingMessage): Promise<Buffer> {
    const maxBytes = this.#maxBytes;
    return new Promise((resolve, reject) => {
      if (Number(req.headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
      const chunks: Buffer[] = [];
      let size = 0;
      const end = (error?: BridgeError): void => {
        clearTimeout(silence);
        req.off('data', take).off('end', end).off('close', breakOff);
        this.#arriving -= size;
        if (error === undefined) resolve(Buffer.concat(chunks));
        else reject(error);
      };
      const take = (chunk: Buffer): void => {
        silence.refresh();
        size += chunk.length;
        this.#arriving += chunk.length;
        chunks.push(chunk);
        if (size > maxBytes) end(tooLarge(maxBytes));
        else if (this.#arriving > this.#maxArrivingBytes && this.#arriving > size) end(crowded());
      };
      const breakOff = (): void => end(new BridgeError('bad_request', 'The body of the request broke off.'));
      const silence = setTimeout(() => end(timedOut()), this.#silenceMs);
      req.on('data', take).on('end', end).on('close', breakOff);
    });
  }
}

function tooLarge(maxBytes: number): BridgeError {
  return new BridgeError('body_too_large', `The body of the request is larger than ${maxBytes} bytes.`, {
    hint: 'Send less, or raise the setting http.maxBodyBytes.',
  });
}

function timedOut(): BridgeError {
  return new BridgeError('request_timeout', 'The body of the request stopped arriving.', {
    hint: 'Send the request again. Nothing was sent to Dify.',
  });
}

function crowded(): BridgeError {
  return new BridgeError('overloaded', 'Too many large request bodies are arriving at the same time.', {
    hint: 'Nothing was sent to Dify. Wait 5 s, then repeat the request.',
    retryAfterSeconds: 5,
  });
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
