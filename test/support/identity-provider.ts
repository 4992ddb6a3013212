import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Provider } from 'oidc-provider';

/** The accounts that may sign in; each is also a client that gets tokens for itself. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  ada: ['research', 'staff'],
  grace: ['staff'],
};
export const SCOPES = ['dify', 'dify.charts', 'dify.reports'];

/** A real authorization server on loopback. */
export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string;
  /** The private key that signs tokens now. */
  readonly key: () => JWK;
  /** The requests for its keys so far. */
  readonly keyRequests: () => number;
  /** Returns an access token that a client gets for itself. */
  token(client: string, resource: string, scope?: string): Promise<string>;
  /** Replaces the key. */
  rotate(): Promise<void>;
  /** Answers every request with 500, or no longer. */
  break(broken: boolean): void;
}

/** Starts a provider whose access tokens are JWTs for the resource that a client names. Signing in needs no answer. */
export async function startIdentityProvider({ ttl = 600 } = {}): Promise<IdentityProvider> {
  let provider: Provider | undefined;
  let key: JWK = {};
  let keyRequests = 0;
  let broken = false;
  const server = createServer((req, res) => {
    if (req.url === '/jwks') keyRequests += 1;
    if (broken || provider === undefined) res.writeHead(500).end();
    else if (req.url?.startsWith('/interaction/')) void consent(provider, req, res);
    else void provider.callback()(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function rotate(): Promise<void> {
    const pair = await generateKeyPair('RS256', { extractable: true });
    key = { ...(await exportJWK(pair.privateKey)), alg: 'RS256', use: 'sig', kid: `key-${Date.now()}` };
    provider = new Provider(issuer, configuration(key, ttl));
  }
  await rotate();

  return {
    issuer,
    key: () => key,
    keyRequests: () => keyRequests,
    rotate,
    break: (state) => void (broken = state),
    async token(client, resource, scope = 'dify') {
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa(`${client}:fake-secret`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope }),
      });
      const { access_token: token } = (await response.json()) as { access_token?: string };
      if (token === undefined) throw new Error(`The provider issued no token: ${response.status}`);
      return token;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function configuration(key: JWK, ttl: number): object {
  const client = { client_secret: 'fake-secret', redirect_uris: [], response_types: [] };
  return {
    clients: Object.keys(GROUPS).map((id) => {
      return { ...client, client_id: id, grant_types: ['client_credentials'] };
    }),
    jwks: { keys: [key] },
    cookies: { keys: ['fake-cookie-key'] },
    scopes: ['openid', ...SCOPES],
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: (_: unknown, token: { clientId?: string; accountId?: string }) => {
      const groups = GROUPS[token.accountId ?? token.clientId ?? ''];
      return { groups, realm: { roles: groups } };
    },
    ttl: { AccessToken: ttl, ClientCredentials: ttl, Grant: 600, Interaction: 600, Session: 600 },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    clientDefaults: { token_endpoint_auth_method: 'client_secret_basic' },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_: unknown, audience: string) => {
          return { audience, scope: SCOPES.join(' '), accessTokenFormat: 'jwt', accessTokenTTL: ttl };
        },
      },
    },
  };
}

/** Signs ada in and consents to everything, as a person would in two pages. */
async function consent(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(req, res);
  if (prompt.name === 'login') {
    return provider.interactionFinished(req, res, { login: { accountId: 'ada' } });
  }
  const { client_id: clientId, scope = '', resource } = params as Record<string, string>;
  const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId });
  grant.addOIDCScope(scope);
  if (resource !== undefined) grant.addResourceScope(resource, scope);
  const grantId = await grant.save();
  return provider.interactionFinished(req, res, { consent: { grantId } });
}
