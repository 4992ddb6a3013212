import { restoreWarnings } from './older-node.ts';
import { type Configuration, errors, interactionPolicy, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Logger } from '../model/logger.ts';
import { isAllowedRedirect, redirectKind } from './clients.ts';
import { sendPage } from './html.ts';
import { textPage } from './pages.ts';
import { GRANT_SECONDS, ProviderAdapter } from './provider-adapter.ts';
import type { SealedRecords } from './records.ts';
import { covers } from './resource.ts';

restoreWarnings();

/** The only scope: a client may use all tools of the person, or none. */
export const SCOPE = 'tools';
/** The paths of the authorization server. */
export const ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  registration: '/oauth/register',
  revocation: '/oauth/revoke',
  jwks: '/oauth/jwks',
  end_session: '/oauth/end-session',
} as const;
export const SIGN_IN = '/oauth/sign-in';

const ACCESS_SECONDS = 15 * 60;
const REFRESH_SECONDS = 30 * 86_400;
const INTERACTION_SECONDS = 15 * 60;
/** How long a browser may allow further clients without the password, and sign out. */
const SESSION_SECONDS = 14 * 86_400;

export interface ProviderOptions {
  /** The public address of the bridge, without a trailing slash. */
  readonly issuer: string;
  readonly records: SealedRecords;
  readonly cookieKey: string;
  /** The hosts that clients may redirect to; empty for all of them. */
  readonly redirectHosts: readonly string[];
  /** Fetches the metadata document of a client. */
  readonly fetch: (url: string) => Promise<Response>;
  /** Whether the account has a login. */
  readonly hasAccount: (id: string) => Promise<boolean>;
  readonly logger: Logger;
}

/** Returns the authorization server. */
export function createProvider(options: ProviderOptions): Provider {
  const { issuer, records, cookieKey, redirectHosts, hasAccount, logger } = options;
  const usedTwice = (): Error => new errors.InvalidGrant('it was used already');
  const cookies = { signed: true, httpOnly: true, sameSite: 'lax', secure: issuer.startsWith('https:') } as const;

  const configuration: Configuration = {
    adapter: (kind: string) => new ProviderAdapter(kind, records, usedTwice),
    // Tokens are opaque, and there are no ID tokens, so that nothing is signed.
    jwks: { keys: [] },
    scopes: [],
    responseTypes: ['code'],
    routes: ROUTES,
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    },
    // Any name of the list makes `validator` run.
    extraClientMetadata: {
      properties: ['software_id'],
      validator: (_context, _key, _value, metadata) => checkRedirects(metadata, redirectHosts),
    },
    clientBasedCORS: () => true,
    cookies: {
      keys: [cookieKey],
      names: { session: 'bridge_session', interaction: 'bridge_sign_in', resume: 'bridge_resume' },
      long: cookies,
      short: cookies,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      registration: { enabled: true, issueRegistrationAccessToken: false },
      clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, _client, requested) => requested ?? issuer,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => {
          if (!covers(issuer, resource)) throw new errors.InvalidTarget('this is not an endpoint of the bridge');
          return { scope: SCOPE, audience: resource, accessTokenFormat: 'opaque', accessTokenTTL: ACCESS_SECONDS };
        },
      },
    },
    fetch: (url) => options.fetch(String(url)),
    pkce: { required: () => true },
    findAccount: async (_context, id) =>
      (await hasAccount(id)) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    interactions: { policy: everyClientAsks(), url: (_context, { uid }) => `${issuer}${SIGN_IN}/${uid}` },
    // A grant of an earlier consent is not used again.
    loadExistingGrant: async ({ oidc }) => {
      const id = oidc.result?.consent?.grantId;
      return id === undefined ? undefined : oidc.provider.Grant.find(id);
    },
    expiresWithSession: () => false,
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    // Revoking any token ends the grant, so that signing out of a client ends all of its access.
    revokeGrantPolicy: () => true,
    ttl: {
      AccessToken: ACCESS_SECONDS,
      AuthorizationCode: 60,
      Grant: GRANT_SECONDS,
      Interaction: INTERACTION_SECONDS,
      RefreshToken: REFRESH_SECONDS,
      Session: SESSION_SECONDS,
    },
    renderError: (context, { error, error_description: detail }) => {
      context.respond = false;
      const title = 'This sign-in cannot go on';
      const hint = 'Go back to the client, and connect it again.';
      sendPage(context.res, context.status, textPage(title, `${detail ?? error}.`, hint));
    },
  };

  const provider = new Provider(issuer, configuration);
  // The address of the request decides whether cookies are secure; see `SignInRoutes`.
  provider.proxy = true;
  provider.on('server_error', (_context, error) => logger.error('The sign-in failed unexpectedly', { error }));
  const koa: NodeJS.EventEmitter = provider;
  koa.on('error', (error: unknown) => logger.debug('A request of the sign-in failed', { error }));
  return provider;
}

/** Returns the prompts: the account if the browser has none, and always the consent. */
function everyClientAsks() {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  policy
    .get('consent')
    ?.checks.add(
      new Check('each_time', 'the person must allow each client', 'consent_required', ({ oidc }: KoaContextWithOIDC) =>
        oidc.result?.consent === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
      ),
    );
  return policy;
}

/** Checks the redirect addresses of a client, and sets its type, which many clients leave out. */
function checkRedirects(metadata: Parameters<NonNullable<NonNullable<Configuration['extraClientMetadata']>['validator']>>[3], hosts: readonly string[]): void {
  const uris: unknown = metadata.redirect_uris;
  if (!Array.isArray(uris) || uris.length === 0) throw new errors.InvalidRedirectUri();
  const addresses = uris.map(String);
  if (!addresses.every((uri) => isAllowedRedirect(uri, hosts))) {
    throw new errors.InvalidClientMetadata(
      'redirect_uris must be https, an address of this device or the scheme of an app, at a host that the operator allows',
    );
  }
  metadata.application_type = addresses.every((uri) => redirectKind(uri) === 'website') ? 'web' : 'native';
}
