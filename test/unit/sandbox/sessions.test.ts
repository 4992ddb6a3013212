import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { cookieHeader, cookiesOf, login, startSandbox } from '../../support/sandbox-client.ts';

const LIST = '/console/api/workspaces/current/tools/workflow';

async function answer(response: Response): Promise<[number, unknown]> {
  const body = (await response.json()) as { message?: unknown };
  return [response.status, body.message];
}

function read(sandbox: Sandbox, headers: Record<string, string>): Promise<Response> {
  return fetch(`${sandbox.url}${LIST}`, { headers });
}

describe('console sessions', () => {
  it('let pass with cookie, or bearer and CSRF in header and cookie, and nothing less', async () => {
    const sandbox = await startSandbox();
    const cookies = cookiesOf(await login(sandbox));
    const csrf = cookies.get('csrf_token') ?? '';
    const bearer = `Bearer ${cookies.get('access_token')}`;
    const cookie = cookieHeader(cookies);

    expect((await read(sandbox, { cookie, 'x-csrf-token': csrf })).status).toBe(200);
    const both = { authorization: bearer, 'x-csrf-token': csrf, cookie: `csrf_token=${csrf}` };
    expect((await read(sandbox, both)).status).toBe(200);
    const missing = [401, 'CSRF token is missing or invalid.'];
    expect(await answer(await read(sandbox, { cookie }))).toEqual(missing);
    expect(await answer(await read(sandbox, { cookie, 'x-csrf-token': 'other' }))).toEqual(missing);
    expect(await answer(await read(sandbox, { authorization: bearer }))).toEqual(missing);
    expect(await answer(await read(sandbox, { authorization: bearer, 'x-csrf-token': csrf }))).toEqual(
      missing,
    );
  });

  it('refuse an access token at the end of its life', async () => {
    const sandbox = await startSandbox({ accessSeconds: 0 });
    const cookies = cookiesOf(await login(sandbox));
    const headers = { cookie: cookieHeader(cookies), 'x-csrf-token': cookies.get('csrf_token') ?? '' };
    expect(await answer(await read(sandbox, headers))).toEqual([401, 'Token has expired.']);
  });

  it.each([
    ['1.9.1', 'GET', 'POST'],
    ['1.9.2', 'POST', 'GET'],
  ] as const)('end the last login at a logout, which is %s: %s', async (version, method, other) => {
    const sandbox = await startSandbox({ version });
    const answerOf = async (path: string, init: RequestInit): Promise<number> =>
      (await fetch(`${sandbox.url}/console/api${path}`, init)).status;
    // Before 1.9.2, with a plain password and tokens in the body.
    const { email, password } = sandbox.credentials;
    const json = { 'content-type': 'application/json' };
    const body = JSON.stringify({ email, password, remember_me: true });
    const signIn = () => fetch(`${sandbox.url}/console/api/login`, { method: 'POST', headers: json, body });
    const headers = async (): Promise<Record<string, string>> => {
      const response = await signIn();
      const cookies = cookiesOf(response);
      if (cookies.size > 0) {
        return { cookie: cookieHeader(cookies), 'x-csrf-token': cookies.get('csrf_token') ?? '' };
      }
      const { data } = (await response.json()) as { data: { access_token: string } };
      return { authorization: `Bearer ${data.access_token}` };
    };
    await headers();
    const last = await headers();
    expect(sandbox.sessions.refreshTokens).toBe(2);
    expect(await answerOf('/logout', { method: other, headers: last })).toBe(405);
    expect(await answerOf('/logout', { method })).toBe(200);
    expect(sandbox.sessions.refreshTokens).toBe(2);
    expect(await answerOf('/logout', { method, headers: last })).toBe(200);
    expect(sandbox.sessions.refreshTokens).toBe(1);
  });

  it('refuse an expired access token and go on after a refresh, which is good once', async () => {
    const sandbox = await startSandbox();
    const cookies = cookiesOf(await login(sandbox));
    const headers = { cookie: cookieHeader(cookies), 'x-csrf-token': cookies.get('csrf_token') ?? '' };
    sandbox.sessions.expireAccessTokens();
    expect(await answer(await read(sandbox, headers))).toEqual([401, 'Token has expired.']);

    const refresh = (): Promise<Response> =>
      fetch(`${sandbox.url}/console/api/refresh-token`, {
        method: 'POST',
        headers: { cookie: headers.cookie },
      });
    const fresh = cookiesOf(await refresh());
    expect([...fresh.keys()].sort()).toEqual(['access_token', 'csrf_token', 'refresh_token']);
    const renewed = { cookie: cookieHeader(fresh), 'x-csrf-token': fresh.get('csrf_token') ?? '' };
    expect((await read(sandbox, renewed)).status).toBe(200);
    expect(await answer(await refresh())).toEqual([401, 'Invalid refresh token']);
  });

  it('refuse a refresh token that was expired by hand, and a refresh without one', async () => {
    const sandbox = await startSandbox();
    const cookie = cookieHeader(cookiesOf(await login(sandbox)));
    sandbox.sessions.expireRefreshTokens();
    const url = `${sandbox.url}/console/api/refresh-token`;
    expect((await fetch(url, { method: 'POST', headers: { cookie } })).status).toBe(401);
    expect(await answer(await fetch(url, { method: 'POST' }))).toEqual([401, 'No refresh token provided']);
  });

  it('lock an e-mail address out after six wrong passwords, whatever comes seventh', async () => {
    const sandbox = await startSandbox();
    for (let count = 0; count < 6; count += 1) {
      expect((await login(sandbox, { password: 'wrong-password1' })).status).toBe(401);
    }
    const locked = await login(sandbox);
    expect(locked.status).toBe(429);
    expect(await locked.json()).toMatchObject({ code: 'email_code_login_limit', status: 429 });
    sandbox.sessions.forgetFailures();
    expect((await login(sandbox)).status).toBe(200);
  });

  it('forget wrong passwords at a good one, and do not count what is no Base64', async () => {
    const sandbox = await startSandbox();
    for (let count = 0; count < 5; count += 1) await login(sandbox, { password: 'wrong-password1' });
    for (let count = 0; count < 5; count += 1) await plainLogin(sandbox, 'Passw0rd1');
    expect((await login(sandbox)).status).toBe(200);
    for (let count = 0; count < 5; count += 1) await login(sandbox, { password: 'wrong-password1' });
    expect((await login(sandbox)).status).toBe(200);
  });

  it('name their cookies __Host- and Secure behind https, and read only those', async () => {
    const sandbox = await startSandbox({ secureCookies: true });
    const response = await login(sandbox);
    const cookies = cookiesOf(response);
    expect([...cookies.keys()].sort()).toEqual([
      '__Host-access_token',
      '__Host-csrf_token',
      '__Host-refresh_token',
    ]);
    expect(response.headers.getSetCookie().every((cookie) => cookie.includes('; Secure;'))).toBe(true);
    const csrf = cookies.get('__Host-csrf_token') ?? '';
    const cookie = cookieHeader(cookies);
    expect((await read(sandbox, { cookie, 'x-csrf-token': csrf })).status).toBe(200);
    const renamed = { cookie: cookie.replaceAll('__Host-', ''), 'x-csrf-token': csrf };
    expect((await read(sandbox, renamed)).status).toBe(401);
  });

  it('are bearer tokens in JSON before 1.9.2, with a plain password', async () => {
    const sandbox = await startSandbox({ version: '1.9.1' });
    const response = await plainLogin(sandbox, sandbox.credentials.password);
    expect(response.headers.getSetCookie()).toEqual([]);
    const { result, data } = (await response.json()) as {
      result: string;
      data: { access_token: string; refresh_token: string };
    };
    expect(result).toBe('success');
    expect((await read(sandbox, { authorization: `Bearer ${data.access_token}` })).status).toBe(200);
    const refresh = await fetch(`${sandbox.url}/console/api/refresh-token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: data.refresh_token }),
    });
    expect(await refresh.json()).toHaveProperty('data.access_token');
    expect((await login(sandbox)).status).toBe(401);
  });

  it('answer 400 to a wrong password before 1.8.0', async () => {
    const sandbox = await startSandbox({ version: '1.7.2' });
    const response = await plainLogin(sandbox, 'wrong-password1');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'email_or_password_mismatch' });
  });

  it('want an e-mail address and a password', async () => {
    const sandbox = await startSandbox();
    const post = (body: string): Promise<Response> =>
      fetch(`${sandbox.url}/console/api/login`, { method: 'POST', body });
    expect((await post('{"email":"somebody","password":"eA=="}')).status).toBe(400);
    expect(await answer(await post('no json'))).toEqual([
      400,
      expect.stringContaining('2 validation errors for LoginPayload'),
    ]);
  });
});

describe('the admin key', () => {
  it('opens the workspace that its header names, and the list of all without one', async () => {
    const sandbox = await startSandbox();
    const { adminApiKey, workspaceId } = sandbox.credentials;
    const authorization = `Bearer ${adminApiKey}`;
    expect((await read(sandbox, { authorization, 'x-workspace-id': workspaceId })).status).toBe(200);
    expect((await read(sandbox, { authorization, 'x-workspace-id': 'no-uuid' })).status).toBe(500);
    const all = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${sandbox.url}/console/api/all-workspaces?page=1&limit=5`, { headers });
    expect(await (await all({ authorization })).json()).toMatchObject({
      data: [{ id: workspaceId }],
      limit: 5,
      total: 1,
    });
    expect(await answer(await all({ authorization: 'Bearer wrong' }))).toEqual([401, 'API key is invalid.']);
    expect((await all({})).status).toBe(401);
  });

  it('reads the workspace by POST only', async () => {
    const sandbox = await startSandbox();
    const response = await fetch(`${sandbox.url}/console/api/workspaces/current`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toContain('POST');
  });
});

function plainLogin(sandbox: Sandbox, password: string): Promise<Response> {
  return fetch(`${sandbox.url}/console/api/login`, {
    method: 'POST',
    body: JSON.stringify({ email: sandbox.credentials.email, password }),
  });
}
