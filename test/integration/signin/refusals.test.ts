import { afterEach, describe, expect, it, vi } from 'vitest';
import { PAGE_HEADERS } from '../../../src/signin/html.ts';
import { raw } from '../../support/raw-http.ts';
import {
  authorizationRequest,
  listWith,
  register,
  startSignInBridge,
  tokenRequest,
  tokensFor,
} from '../../support/signed-in-bridge.ts';
import { allow, CALLBACK, newBrowser } from '../../support/test-auth.ts';

afterEach(() => void vi.useRealTimers());

describe('an access token', () => {
  it('of another audience is refused', async () => {
    const { base, url, ada } = await startSignInBridge();
    const request = await authorizationRequest(base, { resource: `${base}/mcp/other` });
    const { searchParams } = await allow(request.url, ada.credentials);
    const { body } = await tokenRequest(base, {
      grant_type: 'authorization_code',
      code: searchParams.get('code') ?? '',
      redirect_uri: CALLBACK,
      client_id: request.clientId,
      code_verifier: request.verifier,
    });
    expect(body['access_token']).toBeDefined();
    expect((await listWith(url, body['access_token'] ?? '')).status).toBe(401);
    // The view does not exist, which only its own token finds out.
    expect((await listWith(`${base}/mcp/other`, body['access_token'] ?? '')).status).toBe(404);
  });

  it('cannot be had for another server', async () => {
    const { base, ada } = await startSignInBridge();
    for (const resource of ['https://other.example.com/mcp', `${base}.example.com/mcp`, 'not an address']) {
      const { url } = await authorizationRequest(base, { resource });
      const browser = await newBrowser().open(url.href);
      expect(new URL(browser.url).searchParams.get('error'), resource).toBe('invalid_target');
    }
    const { fields, refresh } = await tokensFor(base, ada);
    const answer = await tokenRequest(base, {
      grant_type: 'refresh_token',
      refresh_token: refresh,
      client_id: fields.client_id,
      resource: 'https://other.example.com/mcp',
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  it('that has expired is refused', async () => {
    const { base, url, ada } = await startSignInBridge();
    const { access } = await tokensFor(base, ada);
    expect((await listWith(url, access)).status).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 16 * 60_000 });
    const answer = await listWith(url, access);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('that somebody made is refused', async () => {
    const { base, url, ada } = await startSignInBridge();
    const { access } = await tokensFor(base, ada);
    const claims = { iss: base, aud: `${base}/mcp`, sub: ada.credentials.accountId, exp: 4_102_444_800 };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const none = `${part({ alg: 'none', typ: 'at+jwt' })}.${part(claims)}.`;
    for (const token of [none, `${access}a`, access.toUpperCase(), ada.credentials.accountId, '']) {
      expect((await listWith(url, token)).status, token).toBe(401);
    }
    const inQuery = await fetch(`${url}?access_token=${access}`, { method: 'POST' });
    expect(inQuery.status).toBe(401);
  });
});

describe('an authorization code', () => {
  it('is of no use to somebody who has stolen it', async () => {
    const { base, ada } = await startSignInBridge();
    const request = await authorizationRequest(base);
    const { searchParams } = await allow(request.url, ada.credentials);
    const code = searchParams.get('code') ?? '';
    const other = await authorizationRequest(base);
    const theft = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      client_id: request.clientId,
    };
    for (const stolen of [
      theft,
      { ...theft, code_verifier: other.verifier },
      { ...theft, client_id: other.clientId, code_verifier: request.verifier },
      { ...theft, redirect_uri: `${CALLBACK}/other`, code_verifier: request.verifier },
    ]) {
      expect(await tokenRequest(base, stolen)).toMatchObject({ status: 400 });
    }
  });

  it('that is used twice ends what the first use gave', async () => {
    const { base, url, ada } = await startSignInBridge();
    const { fields, access, refresh } = await tokensFor(base, ada);
    expect((await listWith(url, access)).status).toBe(200);
    expect(await tokenRequest(base, fields)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await listWith(url, access)).status).toBe(401);
    const renewal = { grant_type: 'refresh_token', refresh_token: refresh, client_id: fields.client_id };
    expect(await tokenRequest(base, renewal)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  it('needs PKCE with S256', async () => {
    const { base } = await startSignInBridge();
    for (const changes of [{ code_challenge: undefined }, { code_challenge_method: 'plain' }]) {
      const { url } = await authorizationRequest(base, changes);
      const browser = await newBrowser().open(url.href);
      expect(new URL(browser.url).searchParams.get('error')).toBe('invalid_request');
    }
  });
});

describe('a refresh token', () => {
  it('that is used twice ends the grant', async () => {
    const { base, url, ada } = await startSignInBridge();
    const { fields, refresh } = await tokensFor(base, ada);
    const renew = (token: string) =>
      tokenRequest(base, { grant_type: 'refresh_token', refresh_token: token, client_id: fields.client_id });
    const second = await renew(refresh);
    expect(second.status).toBe(200);
    const access = second.body['access_token'] ?? '';
    expect((await listWith(url, access)).status).toBe(200);
    expect(await renew(refresh)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await listWith(url, access)).status).toBe(401);
    expect(await renew(second.body['refresh_token'] ?? '')).toMatchObject({ status: 400 });
  });

  it('that two requests use at once renews for one of them', async () => {
    const { base, ada } = await startSignInBridge();
    const { fields, refresh } = await tokensFor(base, ada);
    const renewal = { grant_type: 'refresh_token', refresh_token: refresh, client_id: fields.client_id };
    const answers = await Promise.all([1, 2, 3].map(() => tokenRequest(base, renewal)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });

  it('is of no use to another client', async () => {
    const { base, ada } = await startSignInBridge();
    const { refresh } = await tokensFor(base, ada);
    const { clientId } = await authorizationRequest(base);
    const theft = { grant_type: 'refresh_token', refresh_token: refresh, client_id: clientId };
    expect(await tokenRequest(base, theft)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

describe('a redirect', () => {
  it('leads nowhere but to an address that the client registered', async () => {
    const { base } = await startSignInBridge();
    for (const redirect of [
      'https://evil.example.com/',
      'http://localhost.evil.example.com/callback',
      'javascript:alert(1)',
    ]) {
      const { url } = await authorizationRequest(base, { redirect_uri: redirect });
      const answer = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } });
      expect(answer.status, redirect).toBe(400);
      expect(answer.headers.get('location')).toBeNull();
      expect(await answer.text()).not.toContain('refresh');
    }
  });

  it('cannot be registered for a page without encryption, or for a scheme that runs in the browser', async () => {
    const { base } = await startSignInBridge();
    for (const uri of [
      'http://example.com/cb',
      'javascript:alert(1)',
      'data:text/html,x',
      'https://a@example.com/',
      'file:///etc/passwd',
    ]) {
      expect((await register(base, { redirect_uris: [uri] })).status, uri).toBe(400);
    }
    expect((await register(base, { redirect_uris: [] })).status).toBe(400);
    for (const uri of [
      'https://example.com/cb',
      'http://127.0.0.1:1/cb',
      'cursor://anysphere.mcp/callback',
    ]) {
      expect((await register(base, { redirect_uris: [uri] })).status, uri).toBe(201);
    }
  });

  it('leads only to hosts that the operator allows', async () => {
    const { base } = await startSignInBridge({ DIFY_BRIDGE_SIGN_IN_REDIRECT_HOSTS: 'claude.ai,cursor:' });
    const statusOf = async (uri: string) => (await register(base, { redirect_uris: [uri] })).status;
    expect(await statusOf('https://claude.ai/api/mcp/auth_callback')).toBe(201);
    expect(await statusOf('cursor://anysphere.mcp/callback')).toBe(201);
    expect(await statusOf('http://localhost:1/callback')).toBe(201);
    expect(await statusOf('https://claude.ai.example.com/cb')).toBe(400);
    expect(await statusOf('other://callback')).toBe(400);
  });
});

describe('the pages', () => {
  it('allow nothing around them and nothing in them', async () => {
    const { base, ada } = await startSignInBridge();
    const { url } = await authorizationRequest(base);
    const browser = await newBrowser().open(url.href);
    const check = (): void => {
      for (const [name, value] of Object.entries(PAGE_HEADERS)) expect(browser.headers.get(name)).toBe(value);
      expect(browser.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(browser.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(browser.page).not.toMatch(/<script|<img|onclick|javascript:/i);
    };
    check();
    await browser.submit('password', ada.credentials);
    expect(browser.page).toContain('Allow Test client');
    check();
    await browser.open(`${base}/oauth/sign-out`);
    check();
    await browser.open(`${base}/oauth/authorize?client_id=unknown`);
    expect(browser.status).toBe(400);
    check();
  });

  it('answer a client with a redirect, and never with a script', async () => {
    const { base, ada } = await startSignInBridge();
    const { url } = await authorizationRequest(base, {
      response_mode: 'form_post',
      scope: 'openid',
      nonce: 'fake',
    });
    expect((await allow(url, ada.credentials)).searchParams.get('code')).toBeTruthy();
  });

  it('show what a client says of itself as text', async () => {
    const { base, ada } = await startSignInBridge();
    const name = '<script>alert(1)</script>\u202e" onclick="x';
    const { client_id: id } = (await (await register(base, { client_name: name })).json()) as {
      client_id: string;
    };
    const { url } = await authorizationRequest(base, { client_id: id });
    const browser = await newBrowser().open(url.href);
    await browser.submit('password', ada.credentials);
    expect(browser.page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot; onclick=&quot;x');
    expect(browser.page).not.toContain('\u202e');
  });

  it('take no form of another site, another browser or another page', async () => {
    const { base, ada } = await startSignInBridge();
    const { url } = await authorizationRequest(base);
    const browser = await newBrowser().open(url.href);
    await browser.submit('password', ada.credentials);
    const page = browser.url;
    const token = /name="token" value="([^"]*)"/.exec(browser.page)?.[1] ?? '';
    const send = (headers: Record<string, string>, fields: Record<string, string>) =>
      fetch(page, { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams(fields) });
    const cookie = browser.cookie;
    expect((await send({}, { step: 'allow', token })).status).toBe(400);
    expect((await send({ cookie }, { step: 'allow' })).status).toBe(403);
    expect((await send({ cookie }, { step: 'allow', token: 'a'.repeat(token.length) })).status).toBe(403);
    expect(
      (await send({ cookie, origin: 'https://evil.example.com' }, { step: 'allow', token })).status,
    ).toBe(403);
    expect((await send({ cookie, origin: 'null' }, { step: 'allow', token })).status).toBe(403);
    const other = await newBrowser().open(page);
    expect(other.status).toBe(400);
    expect(other.page).toContain('began in another browser');
    await browser.submit('allow');
    expect(browser.url).toContain(CALLBACK);
  });

  it('name the public address, whatever the request says of itself', async () => {
    const { base } = await startSignInBridge();
    const { port } = new URL(base);
    const path = '/.well-known/oauth-authorization-server';
    const headers = { Host: `localhost:${port}`, 'X-Forwarded-Host': 'evil.example.com' };
    const { status, text } = await raw(Number(port), { method: 'GET', path, headers });
    expect(status).toBe(200);
    const addresses = Object.entries(JSON.parse(text) as Record<string, unknown>).filter(
      ([name]) => name === 'issuer' || name.endsWith('_endpoint') || name === 'jwks_uri',
    );
    expect(addresses.length).toBeGreaterThan(4);
    for (const [name, value] of addresses) expect(value, name).toMatch(base);
  });

  it('give a client nothing of an account that has taken the place of another in the browser', async () => {
    const { base, ada, bob } = await startSignInBridge();
    const first = await authorizationRequest(base);
    const browser = await newBrowser().open(first.url.href);
    await browser.submit('password', ada.credentials);
    expect(browser.page).toContain('ada@example.com');
    const [page, html, before] = [browser.url, browser.page, browser.cookie];
    // Bob signs in in another tab, while Ada's consent is still open in this one.
    const second = await authorizationRequest(base);
    await browser.open(second.url.href);
    await browser.submit('other-account');
    await browser.submit('password', bob.credentials);
    expect(browser.page).toContain('bob@example.com');
    // The cookies of the sign-in belong to its page, that of the session to all of them.
    const isOfSession = (pair: string): boolean => pair.startsWith('bridge_session');
    const cookie = [
      ...before.split('; ').filter((pair) => !isOfSession(pair)),
      ...browser.cookie.split('; ').filter(isOfSession),
    ].join('; ');
    const token = /name="token" value="([^"]*)"/.exec(html)?.[1] ?? '';
    const body = new URLSearchParams({ step: 'allow', token });
    const allowed = await fetch(page, { method: 'POST', redirect: 'manual', headers: { cookie }, body });
    expect(allowed.status).toBe(400);
    expect(await allowed.text()).not.toContain('refresh');
    await browser.submit('allow');
    expect(browser.url).toContain('code=');
    const code = new URL(browser.url).searchParams.get('code') ?? '';
    const fields = { client_id: first.clientId, code_verifier: first.verifier, redirect_uri: CALLBACK };
    const stolen = await tokenRequest(base, { grant_type: 'authorization_code', code, ...fields });
    expect(stolen.status).toBe(400);
  });

  it('refuse the access when the person does', async () => {
    const { base, ada } = await startSignInBridge();
    const { url } = await authorizationRequest(base);
    const browser = await newBrowser().open(url.href);
    await browser.submit('password', ada.credentials);
    await browser.submit('cancel');
    const { searchParams } = new URL(browser.url);
    expect(browser.url.startsWith(CALLBACK)).toBe(true);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'fake-state',
      iss: base,
    });
  });

  it('ask for the consent again, and again, also when the browser knows the account', async () => {
    const { base, ada } = await startSignInBridge();
    const { browser } = await tokensFor(base, ada);
    const { url } = await authorizationRequest(base);
    await browser.open(url.href);
    expect(browser.page).toContain('Allow Test client');
    expect(browser.page).toContain('ada@example.com');
    // A client cannot skip the page.
    const silent = await authorizationRequest(base, { prompt: 'none' });
    await browser.open(silent.url.href);
    expect(new URL(browser.url).searchParams.get('error')).toBe('consent_required');
  });

  it('stop the guessing of a password before Dify locks the account', async () => {
    const { base, ada } = await startSignInBridge();
    const wrong = { email: ada.credentials.email, password: 'wrong' };
    for (let attempt = 1; attempt <= 7; attempt += 1) {
      const { url } = await authorizationRequest(base);
      const browser = await newBrowser().open(url.href);
      await browser.submit('password', wrong);
      expect(browser.page).toContain(
        attempt <= 5 ? 'does not accept this password' : 'too many wrong answers',
      );
    }
    expect(ada.requests.filter(({ path }) => path === '/console/api/login')).toHaveLength(5);
  });

  it('let in only the domains that the operator allows', async () => {
    const { base, ada } = await startSignInBridge({ DIFY_BRIDGE_SIGN_IN_EMAIL_DOMAINS: 'example.org' });
    const { url } = await authorizationRequest(base);
    const browser = await newBrowser().open(url.href);
    await browser.submit('password', ada.credentials);
    expect(browser.page).toContain('Accounts of example.com may not sign in');
    expect(ada.requests.filter(({ path }) => path === '/console/api/login')).toEqual([]);
  });
});

it('limits how much one address can make the bridge store before anybody has signed in', async () => {
  const { base } = await startSignInBridge();
  const statuses = new Set<number>();
  for (let count = 0; count < 61; count += 1) statuses.add((await register(base)).status);
  expect(statuses).toEqual(new Set([201, 503]));
});
