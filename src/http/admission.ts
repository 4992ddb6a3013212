import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { cutText } from '../model/cut-text.ts';
import { BridgeError, type ErrorCode } from '../model/errors.ts';
import { isLoopback } from '../model/loopback.ts';
import type { Caller, TokenVerifier } from '../model/token-verifier.ts';
import { LOOPBACK_NAMES, urlHost } from './address.ts';
import { type ApiKey, keyHash } from './key-file.ts';
import type { Keys } from './keys.ts';

export interface PlaceOptions {
  /** The address that the bridge listens on. */
  readonly host: string;
  /** Whether every request must carry a token or a key. */
  readonly authenticates: boolean;
  /** Further names in the Host header, with or without a port. */
  readonly allowedHosts: readonly string[];
  /** The host of the bridge's public address, which the Host header may also name. */
  readonly publicHost: string | undefined;
  /** Further origins: `https://app.example.com`, or a host name for any scheme and port. */
  readonly allowedOrigins: readonly string[];
}

/** The principal of every request to a bridge without a token and without keys. */
const ANONYMOUS_PRINCIPAL = 'anonymous';

const quoted = (header: string): string => JSON.stringify(cutText(header, 100));

/**
 * Returns the check of Host and Origin. It comes before everything else, so that a hostile web page learns nothing.
 * @throws BridgeError `forbidden`.
 */
export function createPlaceCheck(options: PlaceOptions): (headers: IncomingHttpHeaders) => void {
  const isHostAllowed = hostRule(options);
  const isOriginAllowed = originRule(options);

  return ({ host = '', origin }) => {
    if (!isHostAllowed(host)) {
      const message = `The Host header is ${quoted(host)}, which the bridge does not serve.`;
      throw new BridgeError('forbidden', message, {
        hint: 'Use the address that the bridge printed, set http.publicUrl if a proxy is in front of it, or add the name to http.allowedHosts.',
      });
    }
    if (origin !== undefined && !isOriginAllowed(origin)) {
      throw new BridgeError('forbidden', `Web pages of ${quoted(origin)} may not use the bridge.`, {
        hint: 'Add the origin to http.allowedOrigins to admit it.',
      });
    }
  };
}

/**
 * Returns the check of the key or token of a request to a path, which returns the caller. The principal of a key is its
 * name. That of the token is a text made from it, the same after a restart, from which the token cannot be read. Only a
 * token that is neither goes to the verifiers, and makes the check asynchronous.
 * @throws BridgeError `unauthorized`, the same for a wrong, an expired and a revoked key; and those of the verifiers.
 */
export function createTokenCheck(
  token: string | undefined,
  keys?: Keys,
  verifiers: readonly TokenVerifier[] = [],
): (headers: IncomingHttpHeaders, path?: string) => Caller | Promise<Caller> {
  const expected = token === undefined ? undefined : Buffer.from(keyHash(token));
  const holder = { principal: token === undefined ? ANONYMOUS_PRINCIPAL : principalOf(token) };

  return ({ authorization }, path = '') => {
    keys?.refresh();
    if (expected === undefined && keys?.required !== true && verifiers.length === 0) return holder;
    const given = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1]?.trim();
    if (given === undefined) throw unauthorized();
    const sent = keyHash(given);
    // Hashes have one length, so the comparison always takes the same time.
    if (expected !== undefined && timingSafeEqual(Buffer.from(sent), expected)) return holder;
    const key = keys?.find(sent);
    if (key !== undefined) return { principal: keyPrincipal(key), views: key.views };
    if (verifiers.length === 0) throw unauthorized();
    return verify(verifiers, given, path);
  };
}

async function verify(verifiers: readonly TokenVerifier[], token: string, path: string): Promise<Caller> {
  for (const verifier of verifiers) {
    const caller = await verifier.verify(token, path);
    if (caller !== undefined) return caller;
  }
  throw unauthorized();
}

function unauthorized(): BridgeError {
  return new BridgeError('unauthorized', 'The request carries no valid API key or bearer token.', {
    hint: 'Send a key (dify-mcp-bridge keys create) or the token of the bridge (http.token, DIFY_BRIDGE_TOKEN) as Authorization: Bearer.',
  });
}

/** Returns the principal that ends with a key; without one, that of requests without a key. */
export function keyPrincipal(key: ApiKey | undefined): string {
  return key === undefined ? ANONYMOUS_PRINCIPAL : `key:${key.name}`;
}

/**
 * Returns the challenge of a refused request (RFC 6750, section 3); undefined if another token would not help either.
 * A request without a token gets no error, so that clients ask for one.
 */
export function bearerChallenge(
  { code, message }: Pick<BridgeError, 'code' | 'message'>,
  authorization: string | undefined,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string | undefined {
  const error = CHALLENGES[code];
  if (error === undefined) return undefined;
  const reason = authorization === undefined ? {} : { error, error_description: message };
  return `Bearer ${Object.entries({ realm: 'dify-mcp-bridge', ...reason, ...parameters })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}="${value?.replace(/[^ !#-[\]-~]/g, '')}"`)
    .join(', ')}`;
}

/** The errors of RFC 6750. */
const CHALLENGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  unauthorized: 'invalid_token',
  insufficient_scope: 'insufficient_scope',
};

function hostRule({
  host,
  authenticates,
  allowedHosts,
  publicHost,
}: PlaceOptions): (header: string) => boolean {
  const names = new Set(
    [...LOOPBACK_NAMES, urlHost(host), publicHost ?? urlHost(host), ...allowedHosts].map((name) =>
      name.toLowerCase(),
    ),
  );
  const isKnown = (header: string): boolean => names.has(header) || names.has(withoutPort(header));
  if (isLoopback(host) || allowedHosts.length > 0) return (header) => isKnown(header.toLowerCase());
  // A page that rebinds its own name to this address has no token. Without a token, a numeric address is safe, because
  // only names can be rebound.
  if (authenticates) return (header) => header === '' || URL.canParse(`http://${header}`);
  return (header) =>
    isKnown(header.toLowerCase()) || isIP(withoutPort(header).replace(/^\[(.*)\]$/, '$1')) !== 0;
}

function originRule({ host, allowedOrigins }: PlaceOptions): (header: string) => boolean {
  const allowed = new Set(
    [...(isLoopback(host) ? LOOPBACK_NAMES : []), ...allowedOrigins].map((name) => name.toLowerCase()),
  );
  return (header) => {
    const url = URL.canParse(header) ? new URL(header) : undefined;
    // An opaque origin ("null", a data: page) has no host.
    if (url === undefined || url.hostname === '') return false;
    return allowed.has(header.toLowerCase()) || allowed.has(url.origin) || allowed.has(url.hostname);
  };
}

/** Uses a different digest than the comparison of tokens. */
function principalOf(token: string): string {
  const digest = hash('sha256', `principal of ${token}`, 'buffer');
  return `token-${digest.subarray(0, 16).toString('base64url')}`;
}

function withoutPort(header: string): string {
  return header.replace(/:\d*$/, '');
}
