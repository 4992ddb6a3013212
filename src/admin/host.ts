import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { checkExposure, listen, urlHost } from '../http/address.ts';
import { createPlaceCheck } from '../http/admission.ts';
import { keyHash } from '../http/key-file.ts';
import type { createHealth } from '../http/health.ts';
import { asBridgeError, BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';

/** How long a request may take to arrive, in milliseconds. */
const REQUEST_MS = 10_000;
const MAX_CONNECTIONS = 100;

const HINT =
  'Set admin.token (DIFY_BRIDGE_ADMIN_TOKEN), or set admin.allowWithoutToken (DIFY_BRIDGE_ADMIN_ALLOW_WITHOUT_TOKEN) if only trusted programs reach this address.';

/** The headers of every answer. A page has no script, and nothing from elsewhere. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** An answer of the admin server. */
export interface AdminAnswer {
  readonly type: string;
  readonly body: string;
  /** Replaces the default policy, which allows nothing. */
  readonly policy?: string | undefined;
}

export interface AdminHostOptions {
  readonly host: string;
  /** Port to listen on; 0 chooses a free one. */
  readonly port: number;
  readonly token?: string | undefined;
  readonly allowWithoutToken: boolean;
  /** Answers `/livez` and `/readyz`. */
  readonly answerHealth: ReturnType<typeof createHealth>;
  /** Returns what is at a path; undefined for nothing. */
  readonly answer: (pathname: string) => Promise<AdminAnswer | undefined>;
  readonly logger: Logger;
}

/** Serves `/livez` and `/readyz` to everybody, and the rest to holders of the token, if there is one. */
export class AdminHost {
  readonly #options: AdminHostOptions;
  readonly #checkPlace: ReturnType<typeof createPlaceCheck>;
  readonly #server: Server;

  /** @throws BridgeError `config_invalid` for an address that others can reach without a token. */
  constructor(options: AdminHostOptions) {
    const { host, token, allowWithoutToken } = options;
    const authenticates = token !== undefined;
    const danger = 'anybody there could read its status page and metrics';
    checkExposure({ host, authenticates, allowWithoutToken, danger, hint: HINT });
    this.#options = options;
    const names = { allowedHosts: [], allowedOrigins: [], publicHost: undefined };
    this.#checkPlace = createPlaceCheck({ host, authenticates, ...names });
    this.#server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (req, res) => {
      void this.#serve(req, res);
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /**
   * Starts serving.
   * @throws BridgeError `port_unavailable`.
   */
  async listen(): Promise<{ readonly url: string }> {
    const { host, port } = this.#options;
    const bound = await listen(this.#server, host, port, 'Choose another admin.port or admin.host.');
    return { url: `http://${urlHost(host)}:${bound}/` };
  }

  /** Ends all connections and releases the port. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #checkToken(authorization: string | undefined): void {
    const { token } = this.#options;
    if (token === undefined) return;
    // Hashes have one length, so the comparison always takes the same time.
    const sent = Buffer.from(keyHash(tokenOf(authorization)));
    if (timingSafeEqual(sent, Buffer.from(keyHash(token)))) return;
    const hint = 'Send admin.token as Authorization: Bearer, or as the password.';
    throw new BridgeError('unauthorized', 'The request does not carry the token.', { hint });
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { answerHealth, answer, logger } = this.#options;
    const pathname = req.url?.split('?', 1)[0] ?? '';
    try {
      if (answerHealth(req, res, pathname)) return;
      this.#checkPlace(req.headers);
      this.#checkToken(req.headers.authorization);
      if (req.method !== 'GET' && req.method !== 'HEAD') {
        return send(res, 405, plain('Only GET is allowed here.'), { Allow: 'GET, HEAD' });
      }
      const found = await answer(pathname);
      send(res, found === undefined ? 404 : 200, found ?? plain('Nothing is here.'));
    } catch (thrown) {
      const error = asBridgeError(thrown);
      if (error.code === 'internal') logger.error('The admin server failed', { error: error.cause });
      const challenge = { 'WWW-Authenticate': 'Basic realm="dify-mcp-bridge admin", charset="UTF-8"' };
      send(res, error.rule.http, plain(error.toText()), error.code === 'unauthorized' ? challenge : {});
    }
  }
}

/** Returns the token of a request: a bearer token, or a password, which is all that browsers ask for. */
function tokenOf(authorization = ''): string {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'basic') return value;
  const text = Buffer.from(value, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}

function plain(text: string): AdminAnswer {
  return { type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

function send(
  res: ServerResponse,
  status: number,
  { type, body, policy }: AdminAnswer,
  headers: Readonly<Record<string, string>> = {},
): void {
  const security = policy === undefined ? {} : { 'Content-Security-Policy': policy };
  const length = Buffer.byteLength(body);
  res.writeHead(status, {
    ...HEADERS,
    ...security,
    ...headers,
    'Content-Type': type,
    'Content-Length': length,
  });
  res.end(body);
}
