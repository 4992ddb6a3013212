import { durationText } from '../../model/duration.ts';
import { BridgeError } from '../../model/errors.ts';

/** Where a request went, for the sentences below; `path` is without its query. */
export interface Destination {
  readonly url: URL;
  readonly path: string;
}

const HINT = 'Check that Dify is running and that DIFY_API_URL leads to its api service from this machine.';

/** A request that was on its way when the connection ended may have reached Dify, and the tool with it. */
const AFTERMATH = 'Whether the request took effect in Dify is unknown: check before repeating it.';

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'DNS does not know the host name',
  EAI_AGAIN: 'DNS gave no answer for the host name',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to its network',
  EADDRNOTAVAIL: 'the address cannot be reached from here',
  ETIMEDOUT: 'the connection attempt timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection attempt timed out',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
  ECONNRESET: 'the connection was reset before an answer came',
  EPIPE: 'the connection was closed while the request was being sent',
  UND_ERR_SOCKET: 'the connection was closed before an answer came',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its TLS certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its TLS certificate chain is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its TLS certificate is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its TLS certificate is signed by an unknown authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another host name',
};

const BROKEN_ON_THE_WAY = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

const CERTIFICATE_HINT =
  'Give Node the authority of the certificate with NODE_EXTRA_CA_CERTS, or use the address the certificate is for.';

/** The error of a request that got no answer: which host, what happened, what to check. */
export function connectionError(error: unknown, { url, path }: Destination): BridgeError {
  const code = codeOf(error);
  const host = hostPort(url);
  if (code.startsWith('HPE_') || code === 'HTTPParserError') {
    return new BridgeError(
      'upstream_wrong_address',
      `${host} answered ${path} with something else than HTTP.`,
      {
        hint: 'Check scheme and port of DIFY_API_URL, e.g. http://api:5001.',
        cause: error,
      },
    );
  }
  const isTls = code.startsWith('ERR_SSL_') || code === 'EPROTO' || endedInHandshake(error);
  const cause = isTls ? 'the TLS handshake failed' : (CAUSES[code] ?? `the connection failed (${code})`);
  const isCertificate = cause.includes('certificate');
  const tlsHint = 'Check whether DIFY_API_URL should begin with http:// instead of https://.';
  return new BridgeError('upstream_unreachable', `Dify cannot be reached at ${host}: ${cause}.`, {
    hint: isCertificate ? CERTIFICATE_HINT : isTls ? tlsHint : BROKEN_ON_THE_WAY.has(code) ? AFTERMATH : HINT,
    cause: error,
  });
}

/** The error of an exchange that was not over when its time was. */
export function timeoutError(timeoutMs: number, { url, path }: Destination): BridgeError {
  return new BridgeError(
    'upstream_unreachable',
    `Dify at ${hostPort(url)} did not complete its answer to ${path} within ${durationText(timeoutMs)}.`,
    { hint: HINT },
  );
}

/** The error of a body that broke off after the answer had begun. */
export function brokenBodyError(error: unknown, { url, path }: Destination): BridgeError {
  return new BridgeError(
    'stream_broken',
    `The connection to Dify at ${hostPort(url)} broke in the middle of the answer to ${path}.`,
    {
      hint: AFTERMATH,
      cause: error,
    },
  );
}

/** The error behind an aborted signal: its reason where that is one of ours, otherwise `cancelled`. */
export function abortError(signal: AbortSignal): BridgeError {
  const reason: unknown = signal.reason;
  if (reason instanceof BridgeError) return reason;
  return new BridgeError('cancelled', 'The request to Dify was cancelled.', { cause: reason });
}

/** True when the connection was established and ended before any answer, possibly in the middle of the request. */
export function endedWithoutAnswer({ code, cause }: BridgeError): boolean {
  return code === 'upstream_unreachable' && BROKEN_ON_THE_WAY.has(codeOf(cause));
}

/** A server without TLS may hang up on the handshake, as Dify's does; Node tells that in words alone. */
function endedInHandshake(error: unknown): boolean {
  return error instanceof Error && error.message.includes('before secure TLS connection');
}

function hostPort(url: URL): string {
  if (url.port !== '') return url.host;
  return `${url.host}:${url.protocol === 'https:' ? 443 : 80}`;
}

/** The system's or undici's code; several addresses of one name fail together as an AggregateError. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const first: unknown = error.errors[0];
    return codeOf(first);
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'unknown error';
}
