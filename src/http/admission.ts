import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { BridgeError } from '../model/errors.ts';
import { isLoopback } from '../model/loopback.ts';
import { LOOPBACK_NAMES, urlHost } from './address.ts';

export interface PlaceOptions {
  /** The address that the bridge listens on. */
  readonly host: string;
  /** The bearer token that every request must carry. Without it, no token is required. */
  readonly token: string | undefined;
  /** Further names in the Host header, with or without a port. */
  readonly allowedHosts: readonly string[];
  /** The host of the bridge's public address, which the Host header may also name. */
  readonly publicHost: string | undefined;
  /** Further origins: `https://app.example.com`, or a host name for any scheme and port. */
  readonly allowedOrigins: readonly string[];
}

/** The principal of every request to a bridge without a token. */
const ANONYMOUS_PRINCIPAL = 'anonymous';

/**
 * Returns the check of Host and Origin. It comes before everything else, so that a hostile web page learns nothing.
 * @throws BridgeError `forbidden`.
 */
export function createPlaceCheck(options: PlaceOptions): (headers: IncomingHttpHeaders) => void {
  const isHostAllowed = hostRule(options);
  const isOriginAllowed = originRule(options);

  return ({ host, origin }) => {
    if (!isHostAllowed(host ?? '')) {
      throw new BridgeError('forbidden', 'The Host header names a host that the bridge does not serve.', {
        hint: 'Use the address that the bridge printed, or add the name to http.allowedHosts.',
      });
    }
    if (origin !== undefined && !isOriginAllowed(origin)) {
      throw new BridgeError('forbidden', 'Web pages of this Origin may not use the bridge.', {
        hint: 'Add the origin to http.allowedOrigins to admit it.',
      });
    }
  };
}

/**
 * Returns the check of the token, which returns the principal of the request: a text made from the token, the same after
 * a restart, from which the token cannot be read.
 * @throws BridgeError `unauthorized`.
 */
export function createTokenCheck(token: string | undefined): (headers: IncomingHttpHeaders) => string {
  const isTokenRight = tokenRule(token);
  const principal = token === undefined ? ANONYMOUS_PRINCIPAL : principalOf(token);

  return ({ authorization }) => {
    if (isTokenRight(authorization)) return principal;
    throw new BridgeError('unauthorized', 'The request carries no valid bearer token.', {
      hint: 'Send the token of the bridge (http.token, DIFY_BRIDGE_TOKEN) as Authorization: Bearer.',
    });
  };
}

/** The challenge of a 401 (RFC 6750, section 3). */
export function bearerChallenge(authorization: string | undefined): string {
  return authorization === undefined
    ? 'Bearer realm="dify-mcp-bridge"'
    : 'Bearer realm="dify-mcp-bridge", error="invalid_token"';
}

function hostRule({ host, token, allowedHosts, publicHost }: PlaceOptions): (header: string) => boolean {
  const names = new Set(
    [...LOOPBACK_NAMES, urlHost(host), publicHost ?? urlHost(host), ...allowedHosts].map((name) =>
      name.toLowerCase(),
    ),
  );
  const isKnown = (header: string): boolean => names.has(header) || names.has(withoutPort(header));
  if (isLoopback(host) || allowedHosts.length > 0) return (header) => isKnown(header.toLowerCase());
  // A page that rebinds its own name to this address has no token. Without a token, a numeric address is safe, because
  // only names can be rebound.
  if (token !== undefined) return (header) => header === '' || URL.canParse(`http://${header}`);
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

function tokenRule(token: string | undefined): (header: string | undefined) => boolean {
  if (token === undefined) return () => true;
  const expected = digest(token);
  return (header) => {
    const given = /^bearer +(.+)$/i.exec(header ?? '')?.[1];
    // Digests have one length, so the comparison always takes the same time.
    return given !== undefined && timingSafeEqual(digest(given.trim()), expected);
  };
}

/** Uses a different digest than the comparison of tokens. */
function principalOf(token: string): string {
  return `token-${digest(`principal of ${token}`).subarray(0, 16).toString('base64url')}`;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function withoutPort(header: string): string {
  return header.replace(/:\d*$/, '');
}
