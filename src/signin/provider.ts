import type Provider from 'oidc-provider';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { Logger } from '../model/logger.ts';
import { isAllowedRedirect, redirectKind } from './clients.ts';
import { sendPage } from './html.ts';
import { textPage } from './pages.ts';
import { GRANT_SECONDS, ProviderAdapter } from './provider-adapter.ts';
import type { SealedRecords } from './records.ts';
import { covers } from './resource.ts';
import type { SignInKeys } from './sealing.ts';

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
  readonly keys: SignInKeys;
  /** The hosts that clients may redirect to; empty for all of them. */
  readonly redirectHosts: readonly string[];
  /** Fetches the metadata document of a client; undefined if clients must register. */
  readonly fetchDocument: ((url: string) => Promise<Response>) | undefined;
  /** Whether the account has a login. */
  readonly hasAccount: (id: string) => Promise<boolean>;
  /** Called when a client or a replayed token has ended a grant of an account. */
  readonly onGrantEnd: (accountId: string, grantId: string) => Promise<void>;
  readonly logger: Logger;
}

type Library = typeof import('oidc-provider');

/** Loads the library without its warning about Node.js 20, which would be plain text in a log of JSON lines. */
async function loadLibrary(): Promise<Library> {
  // oxlint-disable no-console -- the library writes to it while it is loaded
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return await import('oidc-provider');
  } finally {
    console.warn = warn;
    // oxlint-enable no-console
  }
}

/** Returns the authorization server. */
export async function createProvider(options: ProviderOptions): Promise<Provider> {
  const library = await loadLibrary();
  const { errors } = library;
  const { issuer, records, keys, redirectHosts, fetchDocument, hasAccount, logger } = options;
  const adapterOptions = {
    records,
    usedTwice: () => new errors.InvalidGrant('it was used already'),
    onGrantEnd: options.onGrantEnd,
  };
  const cookies = {
    signed: true,
    httpOnly: true,
    sameSite: 'lax',
    secure: issuer.startsWith('https:'),
  } as const;

  const configuration: Configuration = {
    adapter: (kind: string) => new ProviderAdapter(kind, adapterOptions),
    // Tokens are opaque, and no client gets an ID token; the library insists on a key for them.
    jwks: { keys: [keys.signing] },
    scopes: [],
    responseTypes: ['code'],
    routes: ROUTES,
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'EdDSA',
    },
    // Any name of the list makes `validator` run.
    extraClientMetadata: {
      properties: ['software_id'],
      validator: (_context, _key, _value, metadata) => checkClient(library, metadata, redirectHosts),
    },
    clientBasedCORS: () => true,
    cookies: {
      keys: [keys.cookies],
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
      clientIdMetadataDocument: { enabled: fetchDocument !== undefined, ack: 'draft-02' },
      revocation: {
        enabled: true,
        allowedPolicy: (_context, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, _client, requested) => requested ?? issuer,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => {
          if (!covers(issuer, resource))
            throw new errors.InvalidTarget('this is not an endpoint of the bridge');
          return {
            scope: SCOPE,
            audience: resource,
            accessTokenFormat: 'opaque',
            accessTokenTTL: ACCESS_SECONDS,
          };
        },
      },
    },
    fetch: async (url) => {
      try {
        return await (fetchDocument ?? fetch)(url as string);
      } catch (error) {
        const advice = 'If the bridge cannot reach the internet, set signIn.clientDocuments to false.';
        logger.warn('The description of a client could not be fetched', { url, error, advice });
        throw error;
      }
    },
    pkce: { required: () => true },
    findAccount: async (_context, id) =>
      (await hasAccount(id)) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    interactions: {
      policy: everyClientAsks(library),
      url: (_context, { uid }) => `${issuer}${SIGN_IN}/${uid}`,
    },
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

  const provider = new library.Provider(issuer, configuration);
  provider.use(async (context, next) => {
    await next();
    if (context['oidc']?.route !== 'discovery') return;
    // The library names the scope of ID tokens, and ways to answer that need a script.
    Object.assign(context.body as object, { scopes_supported: [SCOPE], response_modes_supported: ['query'] });
  });
  // The address of the request decides whether cookies are secure; see `SignInRoutes`.
  provider.proxy = true;
  provider.on('server_error', (_context, error) =>
    logger.error('The sign-in failed unexpectedly', { error }),
  );
  const koa: NodeJS.EventEmitter = provider;
  koa.on('error', (error: unknown) => logger.debug('A request of the sign-in failed', { error }));
  return provider;
}

/** Returns the prompts: the account if the browser has none, and always the consent. */
function everyClientAsks({ interactionPolicy }: Library) {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  const checks = policy.get('consent')?.checks;
  checks?.remove('native_client_prompt');
  checks?.add(
    new Check(
      'each_time',
      'the person must allow each client',
      'consent_required',
      ({ oidc }: KoaContextWithOIDC) =>
        oidc.result?.consent === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  );
  return policy;
}

type ClientMetadata = Parameters<
  NonNullable<NonNullable<Configuration['extraClientMetadata']>['validator']>
>[3];

/** Checks the redirect addresses of a client, and sets what many clients leave out or do not need here. */
function checkClient({ errors }: Library, metadata: ClientMetadata, hosts: readonly string[]): void {
  const uris: unknown = metadata.redirect_uris;
  const addresses = Array.isArray(uris) ? uris.map(String) : [];
  if (addresses.length === 0 || !addresses.every((uri) => isAllowedRedirect(uri, hosts))) {
    throw new errors.InvalidClientMetadata(
      'redirect_uris must be https, an address of this device or the scheme of an app, at a host that the operator allows',
    );
  }
  metadata.application_type = addresses.every((uri) => redirectKind(uri) === 'website') ? 'web' : 'native';
  metadata.id_token_signed_response_alg = 'EdDSA';
  delete metadata.scope;
}
