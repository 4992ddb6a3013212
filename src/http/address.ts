import { once } from 'node:events';
import { type AddressInfo, isIP, type Server } from 'node:net';
import { BridgeError } from '../model/errors.ts';
import { isLoopback } from '../model/loopback.ts';

/** The names by which a host reaches itself, as in a URL. */
export const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Returns an address as in a URL: IPv6 in brackets. */
export function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** What a server would open to a network, and how to authenticate it. */
export interface Exposure {
  readonly host: string;
  readonly authenticates: boolean;
  readonly allowWithoutToken: boolean;
  /** What anybody there could do. */
  readonly danger?: string | undefined;
  readonly hint?: string | undefined;
}

const CALLS = 'anybody there could call the tools';
const KEYS_HINT =
  'Create a key with dify-mcp-bridge keys create, set http.token (DIFY_BRIDGE_TOKEN) or oauth.issuer (DIFY_BRIDGE_OAUTH_ISSUER), or set http.allowWithoutToken (DIFY_BRIDGE_ALLOW_WITHOUT_TOKEN) if a proxy before the bridge authenticates.';

/**
 * Checks that the bridge does not serve the network without authentication.
 * @throws BridgeError `config_invalid`.
 */
export function checkExposure({
  host,
  authenticates,
  allowWithoutToken,
  danger = CALLS,
  hint = KEYS_HINT,
}: Exposure): void {
  if (isLoopback(host) || authenticates || allowWithoutToken) return;
  throw new BridgeError('config_invalid', `The bridge would serve ${host} to the network, and ${danger}.`, {
    hint,
  });
}

/**
 * Starts a server. Resolves with its port, which the system chooses for 0.
 * @throws BridgeError `port_unavailable`.
 */
export async function listen(server: Server, host: string, port: number, hint: string): Promise<number> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw listenError(host, port, error as NodeJS.ErrnoException, hint);
  }
  return (server.address() as AddressInfo).port;
}

function listenError(host: string, port: number, error: NodeJS.ErrnoException, hint: string): BridgeError {
  const where = `${urlHost(host)}:${port}`;
  const reasons: Record<string, string> = {
    EADDRINUSE: `Another program listens on ${where} already.`,
    EACCES: `The system does not allow the bridge to listen on ${where}.`,
    EADDRNOTAVAIL: `This machine has no address ${host}.`,
    ENOTFOUND: `The name ${host} has no address.`,
  };
  const reason =
    reasons[error.code ?? ''] ?? `The bridge cannot listen on ${where} (${error.code ?? 'unknown'}).`;
  return new BridgeError('port_unavailable', reason, { hint, cause: error });
}
