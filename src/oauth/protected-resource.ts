import { withoutUndefined } from '../model/json.ts';
import type { ProtectedResource } from '../model/token-verifier.ts';

/** A server that issues access tokens for the bridge. */
export interface AuthorizationServer {
  readonly issuer: string;
  /** Returns the scopes that a request to an endpoint needs. */
  scopesAt(endpoint: string): readonly string[];
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const DEFAULT_ENDPOINT = '/mcp';
/** Has the form of an endpoint, whether there is such a view or not, so that no answer reveals which views exist. */
const ENDPOINT = /^((?:\/w\/[a-z0-9-]{1,32})?\/mcp)(?:\/[a-z0-9-]{1,32})?$/;

/**
 * Returns the bridge as a protected resource (RFC 9728). Each endpoint is a resource: its address under `publicUrl`,
 * whatever the Host header says. A path that is no endpoint counts as the default one.
 */
export function createProtectedResource(
  publicUrl: string,
  servers: readonly AuthorizationServer[],
): ProtectedResource {
  const { origin, pathname } = new URL(publicUrl);
  const prefix = pathname.replace(/\/$/, '');

  function scopesAt(endpoint: string): readonly string[] | undefined {
    const scopes = [...new Set(servers.flatMap((server) => server.scopesAt(endpoint)))];
    return scopes.length === 0 ? undefined : scopes;
  }

  return {
    metadataAt(path) {
      if (!path.startsWith(WELL_KNOWN)) return undefined;
      const rest = withoutSlash(path.slice(WELL_KNOWN.length));
      const place = rest.startsWith(prefix) ? rest.slice(prefix.length) : rest;
      if (place !== '' && !ENDPOINT.test(place)) return undefined;
      const endpoint = endpointOf(place);
      return withoutUndefined({
        resource: resourceAt(publicUrl, endpoint),
        authorization_servers: servers.map(({ issuer }) => issuer),
        scopes_supported: scopesAt(endpoint),
        bearer_methods_supported: ['header'],
        resource_name: 'Dify tools',
      });
    },
    challenge(path) {
      const endpoint = endpointOf(path);
      return {
        scope: scopesAt(endpoint)?.join(' '),
        resource_metadata: `${origin}${WELL_KNOWN}${prefix}${endpoint}`,
      };
    },
  };
}

/** Returns the endpoint that a request to a path means. */
export function endpointOf(path: string): string {
  const endpoint = withoutSlash(path);
  return ENDPOINT.test(endpoint) ? endpoint : DEFAULT_ENDPOINT;
}

/** Returns the audiences of tokens for an endpoint: the endpoint itself, and that of the default view. */
export function audiencesAt(publicUrl: string, endpoint: string): string[] {
  const [, base = endpoint] = ENDPOINT.exec(endpoint) ?? [];
  return [...new Set([endpoint, base])].map((path) => resourceAt(publicUrl, path));
}

function resourceAt(publicUrl: string, endpoint: string): string {
  return `${publicUrl.replace(/\/$/, '')}${endpoint}`;
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, '');
}
