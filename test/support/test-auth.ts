import { auth as authV2 } from '@modelcontextprotocol/client';
import { auth as authV1, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { FormBrowser } from './form-browser.ts';
import { type ClientKind, connectClient, type TestClient } from './mcp-clients.ts';

/** Where the browser is sent back to. Nothing listens there: the browser of the tests stops before it. */
export const CALLBACK = 'http://localhost:49152/callback';

/** What the OAuth clients of both SDKs keep, in memory. */
export class TestAuth implements OAuthClientProvider {
  readonly redirectUrl = CALLBACK;
  readonly clientMetadata = {
    client_name: 'Test client',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  client: OAuthClientInformationMixed | undefined;
  saved: OAuthTokens | undefined;
  /** The address that the browser is to open. */
  asked: URL | undefined;
  #verifier = '';
  #discovery: unknown;

  clientInformation = (): OAuthClientInformationMixed | undefined => this.client;
  tokens = (): OAuthTokens | undefined => this.saved;
  codeVerifier = (): string => this.#verifier;
  discoveryState = (): never => this.#discovery as never;

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.client = client;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.saved = tokens;
  }

  redirectToAuthorization(url: URL): void {
    this.asked = url;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  saveDiscoveryState(state: unknown): void {
    this.#discovery = state;
  }

  invalidateCredentials(scope: string): void {
    if (scope === 'all' || scope === 'tokens') this.saved = undefined;
    if (scope === 'all' || scope === 'client') this.client = undefined;
  }
}

/** Types an account into the pages of the bridge and allows the client. Returns the address of the client with the code. */
export async function allow(
  asked: URL,
  account: { readonly email: string; readonly password: string },
  browser = newBrowser(),
): Promise<URL> {
  await browser.open(asked.href);
  if (browser.page.includes('value="password"')) await browser.submit('password', account);
  await browser.submit('allow');
  return new URL(browser.url);
}

export function newBrowser(fetchWith: typeof fetch = fetch): FormBrowser {
  return new FormBrowser((url) => url.startsWith(CALLBACK), fetchWith);
}

/** Connects a client whose person signs in when the bridge asks for it. `fetch` reaches a bridge behind a proxy. */
export async function connectSignedIn(
  kind: ClientKind,
  url: string,
  account: { readonly email: string; readonly password: string },
  auth = new TestAuth(),
  fetchWith: typeof fetch = fetch,
): Promise<TestClient> {
  const target = { url, auth, fetch: fetchWith };
  const refused = await connectClient(kind, target).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (auth.asked === undefined) throw refused;
  const { searchParams } = await allow(auth.asked, account, newBrowser(fetchWith));
  const [authorizationCode, iss] = [searchParams.get('code') ?? '', searchParams.get('iss') ?? ''];
  await (kind === 'v1'
    ? authV1(auth, { serverUrl: url, authorizationCode, fetchFn: fetchWith })
    : authV2(auth, { serverUrl: url, authorizationCode, iss, fetchFn: fetchWith }));
  return connectClient(kind, target);
}
