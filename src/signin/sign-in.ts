import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { createDifyHttp, type DifyHttp } from '../dify/wire/http.ts';
import type { LoginStore } from '../logins/login-store.ts';
import type { StoredLogin } from '../logins/stored-login.ts';
import { asBridgeError, BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { RateStore } from '../model/ports.ts';
import type { Secrets } from '../model/secrets.ts';
import type { Caller, TokenVerifier } from '../model/token-verifier.ts';
import { DifyLogins } from './dify-logins.ts';
import { DifySteps } from './dify-steps.ts';
import { readForm } from './forms.ts';
import { sendPage } from './html.ts';
import { createLimiter } from './limiter.ts';
import { signOutPage, textPage } from './pages.ts';
import { createProvider, ROUTES, SCOPE, SIGN_IN } from './provider.ts';
import { type RecordBackend, SealedRecords } from './records.ts';
import { covers } from './resource.ts';
import { SignInKeys } from './sealing.ts';
import { SignInPages } from './sign-in-pages.ts';

export interface SignInOptions {
  /** The public address of the bridge, without a trailing slash. */
  readonly publicUrl: string;
  /** Dify's address, without a trailing slash. */
  readonly difyUrl: string;
  /** Everything that is stored is encrypted with keys derived from this. */
  readonly key: string;
  readonly backend: RecordBackend;
  /** Counts what is limited on all replicas; undefined for a single bridge. */
  readonly rates?: RateStore | undefined;
  /** Fetches the metadata document of a client; undefined if clients must register. */
  readonly fetchDocument: ((url: string) => Promise<Response>) | undefined;
  readonly redirectHosts: readonly string[];
  readonly emailDomains: readonly string[];
  readonly secrets: Secrets;
  readonly logger: Logger;
}

interface SignInParts {
  readonly provider: Provider;
  readonly records: SealedRecords;
  readonly keys: SignInKeys;
  readonly http: DifyHttp;
  readonly logins: DifyLogins;
}

type Answer = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/** How the principals of signed-in accounts begin. */
const PREFIX = 'dify:';
const METADATA = /^\/\.well-known\/(oauth-authorization-server|openid-configuration)(\/.*)?$/;
const SIGN_OUT = '/oauth/sign-out';
/** Requests of one address that make the bridge store something before anybody has signed in. */
const NEW_RECORDS = { points: 60, duration: 60 };

/** The bridge as the authorization server for its own endpoints: persons sign in with their Dify account. */
export class SignIn implements TokenVerifier {
  /** The issuer, for the metadata of the protected resource. */
  readonly issuer: string;
  readonly #parts: SignInParts;
  readonly #pages: SignInPages;
  readonly #origin: string;
  readonly #answer: Answer;
  readonly #newRecords: ReturnType<typeof createLimiter>;

  private constructor(options: SignInOptions, parts: SignInParts) {
    const { publicUrl, difyUrl, emailDomains } = options;
    const { provider, records, keys, http, logins } = parts;
    this.#parts = parts;
    this.issuer = publicUrl;
    this.#origin = new URL(publicUrl).origin;
    this.#pages = new SignInPages({
      provider,
      scope: SCOPE,
      records,
      keys,
      logins,
      dify: new DifySteps(http, difyUrl),
      difyHost: new URL(difyUrl).host,
      emailDomains,
      origin: this.#origin,
      rates: options.rates,
    });
    this.#newRecords = createLimiter(NEW_RECORDS, options.rates);
    this.#answer = provider.callback();
  }

  static async open(options: SignInOptions): Promise<SignIn> {
    const { publicUrl, difyUrl, key, backend, fetchDocument, redirectHosts, secrets, logger } = options;
    const keys = new SignInKeys(key);
    const records = new SealedRecords(backend, keys);
    const http = createDifyHttp({ baseUrl: difyUrl, secrets });
    const logins = new DifyLogins({ records, http, logger });
    const provider = await createProvider({
      issuer: publicUrl,
      records,
      keys,
      redirectHosts,
      fetchDocument,
      hasAccount: async (id) => (await logins.find(id)) !== undefined,
      onGrantEnd: (accountId, grantId) => logins.removeGrant(accountId, grantId),
      logger,
    });
    return new SignIn(options, { provider, records, keys, http, logins });
  }

  /** Calls back with each principal whose login has ended, or was replaced by one in another workspace. */
  onEnd(listener: (principal: string) => void): void {
    this.#parts.logins.onEnd((accountId) => listener(PREFIX + accountId));
  }

  /** Returns the scopes that a request needs. */
  scopesAt(): readonly string[] {
    return [SCOPE];
  }

  /** Returns whether a path belongs to the authorization server. */
  owns(pathname: string): boolean {
    return pathname.startsWith('/oauth/') || METADATA.test(pathname);
  }

  /** Answers a request to a path of the authorization server. Rejects only for a fault of the bridge itself. */
  async serve(req: IncomingMessage, res: ServerResponse, pathname: string): Promise<void> {
    // What the request and the proxy in front say is not trusted: the public address is known.
    const { protocol, host } = new URL(this.issuer);
    Object.assign(req.headers, { 'x-forwarded-proto': protocol.slice(0, -1), host });
    delete req.headers['x-forwarded-host'];
    try {
      if (pathname.startsWith(`${SIGN_IN}/`)) {
        return await this.#pages.serve(req, res, pathname.slice(SIGN_IN.length + 1));
      }
      if (pathname === SIGN_OUT) return await this.#signOut(req, res);
      await this.#passOn(req, res, pathname);
    } catch (thrown) {
      const { code, message, hint, rule } = asBridgeError(thrown);
      const status = rule.http < 400 ? 503 : rule.http;
      if (code === 'internal') throw thrown;
      sendPage(res, status, textPage('This did not work', message, hint));
    }
  }

  async verify(token: string, path: string): Promise<Caller | undefined> {
    const found = await this.#parts.provider.AccessToken.find(token);
    if (found?.grantId === undefined || !found.isValid) return undefined;
    const audience = [found.aud].flat()[0];
    if (audience === undefined || !covers(audience, `${this.issuer}${path}`)) return undefined;
    const grant = await this.#parts.provider.Grant.find(found.grantId);
    if (grant === undefined || grant.accountId !== found.accountId) return undefined;
    return (
      (await this.#parts.logins.find(found.accountId)) && {
        principal: PREFIX + found.accountId,
        expiresAt: (found.exp ?? 0) * 1000,
      }
    );
  }

  /** Whether a principal is an account that signed in here. */
  isAccount(principal: string): boolean {
    return principal.startsWith(PREFIX);
  }

  /** Resolves with the login of a principal, and its tokens, which renew themselves; undefined if it has ended. */
  async loginOf(
    principal: string,
  ): Promise<{ readonly login: StoredLogin; readonly tokens: LoginStore } | undefined> {
    const accountId = principal.slice(PREFIX.length);
    const known = await this.#parts.logins.find(accountId);
    return known && { login: known.login, tokens: this.#parts.logins.tokens(accountId, known.login.email) };
  }

  async close(): Promise<void> {
    await this.#parts.records.close();
    await this.#parts.http.close();
  }

  async #passOn(req: IncomingMessage, res: ServerResponse, pathname: string): Promise<void> {
    const [, query = ''] = (req.url ?? '').split('?', 2);
    if (pathname === ROUTES.authorization || pathname === ROUTES.registration) await this.#count(req);
    // The issuer may have a path, behind which a client asks for the metadata.
    const metadata = METADATA.exec(pathname)?.[1];
    const path = metadata === undefined ? pathname : `/.well-known/${metadata}`;
    req.url = `${path}?${pathname === ROUTES.authorization ? authorizationQuery(query) : query}`;
    await this.#answer(req, res);
  }

  /** Throws `overloaded` if an address makes the bridge store too much. */
  async #count({ socket }: IncomingMessage): Promise<void> {
    const name = this.#parts.keys.nameOf('new records', socket.remoteAddress ?? '');
    await this.#newRecords.consume(name).catch(() => {
      throw new BridgeError('overloaded', 'Too many sign-ins begin at the same time.', {
        hint: 'Try again in a minute.',
      });
    });
  }

  async #signOut(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const session = await this.#parts.provider.Session.get(this.#parts.provider.createContext(req, res));
    const known = await this.#parts.logins.find(session.accountId ?? '');
    if (known === undefined) {
      const hint =
        'To end the access of a client, sign out in the client, or connect it again and open this page.';
      return sendPage(res, 200, textPage('You are not signed in in this browser', hint));
    }
    const token = this.#parts.keys.formToken(`sign-out ${session.uid}`);
    if (req.method !== 'POST') return sendPage(res, 200, signOutPage(known.login.email, { token }));
    await readForm(req, this.#origin, token);
    await this.#parts.logins.end(known.accountId);
    await session.destroy();
    sendPage(res, 200, textPage('You are signed out', 'No client can use your Dify tools any more.'));
  }
}

/** Returns the query of an authorization request with the scope that there is, whatever the client asked for. */
function authorizationQuery(query: string): string {
  const parameters = new URLSearchParams(query);
  parameters.set('scope', SCOPE);
  // Parameters of ID tokens, which the bridge does not issue, and of answers by a script.
  for (const name of ['nonce', 'max_age', 'claims', 'acr_values', 'response_mode']) parameters.delete(name);
  return parameters.toString();
}
