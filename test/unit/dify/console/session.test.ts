import { afterEach, describe, expect, it } from 'vitest';
import { type ConsoleCredentials, createConsoleSession } from '../../../../src/dify/console/session.ts';
import { createDifyHttp, type DifyHttp } from '../../../../src/dify/wire/http.ts';
import { errorOf } from '../../../support/error-of.ts';
import {
  ADMIN_KEY,
  EMAIL,
  type FakeConsole,
  type FakeConsoleOptions,
  type FakeReply,
  PASSWORD,
  refusal,
  startFakeConsole,
  WORKSPACE,
} from '../../../support/fake-console.ts';

const LOGIN = '/console/api/login';
const REFRESH = '/console/api/refresh-token';
const THING = '/console/api/thing';
const login = { kind: 'login', email: EMAIL, password: PASSWORD } as const;
const adminKey = { kind: 'admin-key', key: ADMIN_KEY, workspaceId: WORKSPACE } as const;

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function httpFor(url: URL): DifyHttp {
  const http = createDifyHttp({ baseUrl: url.href });
  cleanups.push(() => http.close());
  return http;
}

async function open(options: FakeConsoleOptions = {}, credentials: ConsoleCredentials = login) {
  const dify = await startFakeConsole({
    version: '1.12.1',
    routes: { [`GET ${THING}`]: { json: [1] } },
    ...options,
  });
  cleanups.push(() => dify.close());
  const session = createConsoleSession(httpFor(dify.url), credentials, 5_000);
  const ask = async (signal = new AbortController().signal): Promise<unknown> => {
    const answer = await session.send({ method: 'GET', path: THING, signal });
    return { status: answer.status, json: await answer.json() };
  };
  return { dify, session, ask };
}

const ok = { status: 200, json: [1] };

const loginBody = (dify: FakeConsole) => dify.seen.find(({ path }) => path === LOGIN)?.body;
const thing = (dify: FakeConsole) => dify.seen.filter(({ path }) => path === THING);

describe('login', () => {
  const base64 = Buffer.from(PASSWORD, 'utf8').toString('base64');

  it.each([
    ['1.0.0', PASSWORD],
    ['1.9.1', PASSWORD],
    ['1.9.2', PASSWORD],
    ['1.11.1', PASSWORD],
    ['1.11.2', base64],
    ['1.11.2-fix.1', base64],
    ['1.12.1', base64],
    ['2.0.0', base64],
  ])('sends Dify %s the password in its form, after having asked the version', async (version, password) => {
    const { dify, ask } = await open({ version });
    expect(await ask()).toEqual(ok);
    expect(loginBody(dify)).toEqual({ email: EMAIL, password, remember_me: true });
    expect(dify.count(LOGIN)).toBe(1);
    expect(dify.seen.findIndex(({ path }) => path === LOGIN)).toBeGreaterThan(0);
  });

  it('shows the tokens as a bearer before 1.9.2', async () => {
    const { dify, ask } = await open({ version: '1.9.1' });
    await ask();
    const headers = thing(dify)[0]?.headers;
    expect(headers).toMatchObject({ authorization: 'Bearer access-1' });
    expect(headers).not.toHaveProperty('cookie');
    expect(headers).not.toHaveProperty('x-csrf-token');
  });

  it.each(['', '__Host-'])(
    'shows the cookies under the names received (prefix "%s")',
    async (cookiePrefix) => {
      const { dify, ask } = await open({ cookiePrefix });
      expect(await ask()).toEqual(ok);
      const headers = thing(dify)[0]?.headers;
      expect(headers?.['x-csrf-token']).toBe('csrf-1');
      expect(headers?.cookie?.split('; ')).toEqual(
        expect.arrayContaining([`${cookiePrefix}access_token=access-1`, `${cookiePrefix}csrf_token=csrf-1`]),
      );
      expect(headers).not.toHaveProperty('authorization');
    },
  );

  it('forgets cookies that Dify takes back', async () => {
    const cookies = [
      'old=1; Path=/',
      'old=; Max-Age=0; Path=/',
      'access_token=a; HttpOnly',
      'csrf_token=c==',
      'odd',
    ];
    const { dify, ask } = await open({
      overrides: {
        [`POST ${LOGIN}`]: { json: { result: 'success' }, headers: { 'set-cookie': cookies } },
        [`GET ${THING}`]: { json: [1] },
      },
    });
    await ask();
    expect(thing(dify)[0]?.headers).toMatchObject({
      cookie: 'access_token=a; csrf_token=c==',
      'x-csrf-token': 'c==',
    });
  });

  it('takes Dify for a present one when it does not tell its version', async () => {
    const dify = await startFakeConsole({ behaves: '1.12.1', routes: { [`GET ${THING}`]: { json: [1] } } });
    cleanups.push(() => dify.close());
    const session = createConsoleSession(httpFor(dify.url), login, 5_000);
    const answer = await session.send({ method: 'GET', path: THING, signal: new AbortController().signal });
    expect(await answer.json()).toEqual([1]);
    expect(loginBody(dify)).toMatchObject({ password: base64 });
  });

  it('happens once for all who ask at the same time', async () => {
    const { dify, ask } = await open();
    const release = dify.holdLogins();
    const answers = Promise.all([ask(), ask(), ask(), ask()]);
    release();
    expect(await answers).toEqual([ok, ok, ok, ok]);
    expect(dify.count(LOGIN)).toBe(1);
  });

  it('goes on for the others when one who waits for it gives up', async () => {
    const { dify, ask } = await open();
    const release = dify.holdLogins();
    const gone = new AbortController();
    const first = errorOf(ask(gone.signal));
    const second = ask();
    gone.abort();
    expect((await first).code).toBe('cancelled');
    release();
    expect(await second).toEqual(ok);
    expect(dify.count(LOGIN)).toBe(1);
  });

  it('is not begun for a request that is cancelled already', async () => {
    const { dify, ask } = await open();
    expect((await errorOf(ask(AbortSignal.abort()))).code).toBe('cancelled');
    expect(dify.seen).toEqual([]);
  });
});

describe('a refused login', () => {
  const refused: [string, FakeReply, object][] = [
    [
      'wrong password',
      refusal(401, 'authentication_failed', 'Invalid email or password.'),
      {
        code: 'upstream_unauthorized',
        message: expect.stringContaining('does not accept DIFY_EMAIL/DIFY_PASSWORD'),
        hint: expect.stringContaining('lock the account'),
        upstream: { status: 401, path: LOGIN },
      },
    ],
    [
      'wrong password, before 1.8',
      refusal(400, 'email_or_password_mismatch', 'The email or password is mismatched.'),
      { code: 'upstream_unauthorized', message: expect.stringContaining('DIFY_EMAIL/DIFY_PASSWORD') },
    ],
    [
      'locked account',
      refusal(429, 'email_code_login_limit', 'Too many incorrect password attempts.'),
      { code: 'upstream_rate_limited', message: expect.stringContaining('locked') },
    ],
    [
      'banned account',
      refusal(400, 'account_banned', 'Account is banned.'),
      { code: 'upstream_unauthorized', message: expect.stringContaining('banned') },
    ],
    [
      'login by password switched off',
      refusal(403, 'forbidden', 'Not allowed.'),
      { code: 'upstream_unauthorized', hint: expect.stringContaining('DIFY_ADMIN_API_KEY') },
    ],
    [
      'e-mail address of no valid form',
      refusal(400, 'invalid_param', 'bad is not a valid email.'),
      { code: 'upstream_unauthorized', message: expect.stringContaining('Dify said: "bad is not') },
    ],
    [
      '200 without a workspace',
      { json: { result: 'fail', data: 'workspace not found, please contact system admin' } },
      {
        code: 'upstream_unauthorized',
        message: expect.stringContaining('Dify said: "workspace not found'),
        hint: expect.stringContaining('member of a workspace'),
      },
    ],
  ];

  it.each(refused)('(%s) is reported and never repeated', async (_, reply, expected) => {
    const { dify, ask } = await open({ overrides: { [`POST ${LOGIN}`]: reply } });
    const errors = await Promise.all([errorOf(ask()), errorOf(ask())]);
    errors.push(await errorOf(ask()));
    for (const error of errors) expect(error).toMatchObject(expected);
    const requests = dify.seen.length;
    await errorOf(ask());
    expect(dify.count(LOGIN)).toBe(1);
    expect(dify.seen).toHaveLength(requests);
  });

  it.each([
    ['a refusal', {}],
    [
      'one that repeats it',
      refusal(401, 'x', `fake-secret-password, ${Buffer.from('fake-secret-password').toString('base64')}`),
    ],
  ])('never shows the password, in either form: %s', async (_, reply) => {
    const overrides: Record<string, FakeReply> = 'json' in reply ? { [`POST ${LOGIN}`]: reply } : {};
    const { ask } = await open(
      { version: '1.12.1', overrides },
      { ...login, password: 'fake-secret-password' },
    );
    const text = (await errorOf(ask())).toText();
    expect(text).not.toContain('fake-secret-password');
    expect(text).not.toContain(Buffer.from('fake-secret-password').toString('base64'));
    expect(text).toContain('as Base64, as Dify 1.12.1 expects');
  });

  it('is tried again by a new session', async () => {
    const { dify, ask } = await open({}, { ...login, password: 'wrong' });
    await errorOf(ask());
    const session = createConsoleSession(httpFor(dify.url), login, 5_000);
    const answer = await session.send({ method: 'GET', path: THING, signal: new AbortController().signal });
    expect(await answer.json()).toEqual([1]);
  });
});

describe('a login that Dify could not judge', () => {
  const passing: [string, FakeReply, object][] = [
    [
      'not set up',
      refusal(401, 'not_setup', 'Dify has not been initialized.'),
      { code: 'upstream_not_ready' },
    ],
    ['not validated', refusal(401, 'not_init_validated', 'Init validation.'), { code: 'upstream_not_ready' }],
    ['internal error', refusal(500, 'unknown', 'Internal Server Error'), { code: 'upstream_error' }],
    ['too many requests', refusal(429, 'too_many_requests', 'Slow down.'), { code: 'upstream_rate_limited' }],
    ['gateway', { status: 502, html: '<html>Bad Gateway</html>' }, { code: 'upstream_unreachable' }],
    ['web page', { status: 200, html: '<html>Dify</html>' }, { code: 'upstream_wrong_address' }],
    ['unknown route', { status: 404, html: '<html>404</html>' }, { code: 'upstream_wrong_address' }],
    [
      'redirect',
      { status: 308, html: '', headers: { location: 'https://dify.example.com/' } },
      { code: 'upstream_wrong_address', message: expect.stringContaining('redirect') },
    ],
    ['no tokens', { json: { result: 'success' } }, { code: 'upstream_error' }],
  ];

  it.each(passing)('(%s) is reported, and the next request tries again', async (_, reply, expected) => {
    const overrides: Record<string, FakeReply> = { [`POST ${LOGIN}`]: reply };
    const { dify, ask } = await open({ overrides });
    expect(await errorOf(ask())).toMatchObject(expected);
    Reflect.deleteProperty(overrides, `POST ${LOGIN}`);
    expect(await ask()).toEqual(ok);
    expect(dify.count(LOGIN)).toBe(2);
  });

  it('does not log in where nobody listens', async () => {
    const { dify, ask } = await open();
    await dify.close();
    expect((await errorOf(ask())).code).toBe('upstream_unreachable');
  });
});

describe('expired tokens', () => {
  it.each(['1.9.1', '1.12.1'])('are refreshed once for all, on %s', async (version) => {
    const { dify, ask } = await open({ version });
    await ask();
    dify.expireAccess();
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([ok, ok, ok]);
    expect(dify.count(REFRESH)).toBe(1);
    expect(dify.count(LOGIN)).toBe(1);
  });

  it('are refreshed with the refresh token that came last: each counts once', async () => {
    const { dify, ask } = await open({ cookiePrefix: '__Host-' });
    await ask();
    for (let round = 1; round <= 3; round += 1) {
      dify.expireAccess();
      expect(await ask()).toEqual(ok);
      expect(dify.count(REFRESH)).toBe(round);
    }
    expect(dify.count(LOGIN)).toBe(1);
    expect(thing(dify).at(-1)?.headers['x-csrf-token']).toBe('csrf-4');
  });

  it.each(['1.9.1', '1.12.1'])(
    'lead to one login when the refresh token is refused, on %s',
    async (version) => {
      const { dify, ask } = await open({ version });
      await ask();
      dify.expireAccess();
      dify.expireRefresh();
      expect(await Promise.all([ask(), ask()])).toEqual([ok, ok]);
      expect(dify.count(REFRESH)).toBe(1);
      expect(dify.count(LOGIN)).toBe(2);
    },
  );

  it('lead to no further login when that one is refused', async () => {
    const overrides: Record<string, FakeReply> = {};
    const { dify, ask } = await open({ overrides });
    await ask();
    dify.expireAccess();
    dify.expireRefresh();
    overrides[`POST ${LOGIN}`] = refusal(401, 'authentication_failed', 'Invalid email or password.');
    expect((await errorOf(ask())).code).toBe('upstream_unauthorized');
    await errorOf(ask());
    expect(dify.count(LOGIN)).toBe(2);
  });

  it('stay for another try when Dify cannot refresh now', async () => {
    const overrides: Record<string, FakeReply> = {};
    const { dify, ask } = await open({ overrides });
    await ask();
    dify.expireAccess();
    overrides[`POST ${REFRESH}`] = refusal(500, 'unknown', 'Internal Server Error');
    expect((await errorOf(ask())).code).toBe('upstream_error');
    Reflect.deleteProperty(overrides, `POST ${REFRESH}`);
    expect(await ask()).toEqual(ok);
    expect(dify.count(LOGIN)).toBe(1);
  });

  it('end in an error when the new ones are not accepted either', async () => {
    const { dify, ask } = await open({
      overrides: { [`GET ${THING}`]: refusal(401, 'unauthorized', 'CSRF token is missing or invalid.') },
    });
    expect(await errorOf(ask())).toMatchObject({
      code: 'upstream_unauthorized',
      hint: expect.stringContaining('X-CSRF-Token'),
    });
    expect(thing(dify)).toHaveLength(2);
    expect(dify.count(LOGIN)).toBe(1);
    expect(dify.count(REFRESH)).toBe(1);
  });

  it('are not suspected when Dify is not set up', async () => {
    const { dify, ask } = await open({
      overrides: { [`GET ${THING}`]: refusal(401, 'not_setup', 'Dify has not been initialized.') },
    });
    expect((await errorOf(ask())).code).toBe('upstream_not_ready');
    expect(dify.count(REFRESH)).toBe(0);
  });
});

describe('admin key', () => {
  it('is a bearer with a workspace, and no login', async () => {
    const { dify, ask } = await open({}, adminKey);
    expect(await ask()).toEqual(ok);
    expect(dify.seen).toHaveLength(1);
    expect(dify.seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${ADMIN_KEY}`,
      'x-workspace-id': WORKSPACE,
    });
  });

  it('goes without the workspace where a route is above workspaces', async () => {
    const path = '/console/api/all-workspaces';
    const { dify, session } = await open({ routes: { [`GET ${path}`]: { json: {} } } }, adminKey);
    const signal = new AbortController().signal;
    const answer = await session.send({ method: 'GET', path, signal, inWorkspace: false });
    expect(answer.status).toBe(200);
    await answer.discard();
    expect(dify.seen[0]?.headers).not.toHaveProperty('x-workspace-id');
  });

  it.each([
    ['wrong key', { ...adminKey, key: 'fake-other-key' }],
    ['unknown workspace', { ...adminKey, workspaceId: 'ed5acd1d-44a2-4663-8d5f-4956a41c7c92' }],
  ])('(%s) is refused with the settings to check', async (_, credentials) => {
    const { dify, ask } = await open({}, credentials);
    const error = await errorOf(ask());
    expect(error.code).toBe('upstream_unauthorized');
    for (const name of ['DIFY_ADMIN_API_KEY', 'ADMIN_API_KEY_ENABLE', 'DIFY_WORKSPACE_ID']) {
      expect(error.hint).toContain(name);
    }
    expect(error.toText()).not.toContain(credentials.key);
    expect(dify.seen).toHaveLength(1);
  });

  it('is not blamed when Dify is not set up', async () => {
    const { ask } = await open(
      { overrides: { [`GET ${THING}`]: refusal(401, 'not_setup', 'Dify has not been initialized.') } },
      adminKey,
    );
    expect((await errorOf(ask())).code).toBe('upstream_not_ready');
  });
});
