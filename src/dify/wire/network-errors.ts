import { durationText } from '../../model/duration.ts';
import { BridgeError } from '../../model/errors.ts';

/** Where a request went, for error messages; `path` has no query. */
export interface Destination {
  readonly url: URL;
  readonly path: string;
}

const HINT =
  'Check that Dify is running and that DIFY_API_URL points to its api service and is reachable from this machine.';

/** If the connection ended during a request, the request may have reached Dify and the tool. */
const AFTERMATH = 'Whether the request took effect in Dify is unknown: check before repeating it.';

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'the host name does not exist in DNS',
  EAI_AGAIN: 'DNS did not answer for the host name',
  EHOSTUNREACH: 'this machine has no route to the host',
  ENETUNREACH: 'this machine has no route to its network',
  EADDRNOTAVAIL: 'the address is not reachable from this machine',
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

/** Returns the error for a request without an answer: which host, what happened, what to check. */
export function connectionError(error: unknown, { url, path }: Destination): BridgeError {
  const code = codeOf(error);
  const host = hostPort(url);
  if (code.startsWith('HPE_') || code === 'HTTPParserError') {
    const message = `${host} answered ${path} with something other than HTTP.`;
    const hint = 'Check scheme and port of DIFY_API_URL, e.g. http://api:5001.';
    return new BridgeError('upstream_wrong_address', message, { hint, cause: error });
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

/** Returns the error for an exchange that exceeded its time limit. */
export function timeoutError(timeoutMs: number, { url, path }: Destination): BridgeError {
  const what = `Dify at ${hostPort(url)} did not complete its answer to ${path}`;
  const message = `${what} within ${durationText(timeoutMs)}.`;
  return new BridgeError('upstream_unreachable', message, { hint: HINT });
}

export function brokenBodyError(error: unknown, { url, path }: Destination): BridgeError {
  const message = `The connection to Dify at ${hostPort(url)} broke in the middle of the answer to ${path}.`;
  return new BridgeError('stream_broken', message, { hint: AFTERMATH, cause: error });
}

/** Returns the error of an aborted signal: its reason if that is a BridgeError, otherwise `cancelled`. */
export function abortError(signal: AbortSignal): BridgeError {
  const reason: unknown = signal.reason;
  if (reason instanceof BridgeError) return reason;
  return new BridgeError('cancelled', 'The request to Dify was cancelled.', { cause: reason });
}

/** Returns true if the connection was established and ended before any answer, possibly during the request. */
export function endedWithoutAnswer({ code, cause }: BridgeError): boolean {
  return code === 'upstream_unreachable' && BROKEN_ON_THE_WAY.has(codeOf(cause));
}

/** A server without TLS, such as Dify's, may hang up during the handshake; Node reports that only in the message. */
function endedInHandshake(error: unknown): boolean {
  return error instanceof Error && error.message.includes('before secure TLS connection');
}

function hostPort(url: URL): string {
  if (url.port !== '') return url.host;
  return `${url.host}:${url.protocol === 'https:' ? 443 : 80}`;
}

/** Returns the code of the system or of undici. If all addresses of a name fail, the error is an AggregateError. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const first: unknown = error.errors[0];
    return codeOf(first);
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'unknown error';
}
