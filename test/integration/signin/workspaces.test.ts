import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import {
  authorizationRequest,
  listWith,
  startSignInBridge,
  tokenRequest,
  tokensFor,
} from '../../support/signed-in-bridge.ts';
import { connectSignedIn, newBrowser } from '../../support/test-auth.ts';
import { startSharedDify } from '../../support/two-accounts.ts';

const WEEKDAY = { year: 2026, month: 11, day: 30 };

async function toolsOf(answer: Response): Promise<readonly string[]> {
  const text = await answer.text();
  const json = text.startsWith('{') ? text : (/^data: (\{.*\})$/m.exec(text)?.[1] ?? '{}');
  const { result } = JSON.parse(json) as { result?: { tools: { name: string }[] } };
  return result?.tools.map(({ name }) => name) ?? [];
}

describe('the workspace of an account', () => {
  it('is the one that the person chooses, and the account is switched to it', async () => {
    const { base, ada } = await startSignInBridge();
    const second = ada.account.memberships.join('Second', 'editor');
    const browser = await newBrowser().open((await authorizationRequest(base)).url.href);
    await browser.submit('password', ada.credentials);
    expect(browser.page).toContain('Choose a workspace');
    await browser.submit('workspace', { workspace: second.id });
    expect(browser.page).toContain('Second');
    expect(ada.account.memberships.current?.id).toBe(second.id);
  });

  it('must be one in which the account may run tools', async () => {
    const { base, ada } = await startSignInBridge();
    ada.account.setRole('normal');
    const browser = await newBrowser().open((await authorizationRequest(base)).url.href);
    await browser.submit('password', ada.credentials);
    expect(browser.page).toContain('may not run tools');
    // The login was not kept.
    expect(ada.sessions.refreshTokens).toBe(0);
  });

  it('is not used while the account is in another one, and the error says what to do', async () => {
    const { url, ada } = await startSignInBridge();
    const client = await connectSignedIn('v2 pinned', url, ada.credentials);
    onTestFinished(() => client.close());
    await client.listPage();
    ada.account.memberships.switchTo(ada.account.memberships.join('Other', 'owner').id);
    const result = await client.callTool('time__weekday', WEEKDAY);
    expect(JSON.stringify(result.content)).toContain('sign out of the bridge and connect the client again');
    expect(ada.account.runs).toEqual([]);
  });

  it('has the rules of a reloaded configuration', async () => {
    const { bridge, base, url, ada } = await startSignInBridge(
      {},
      { reloaded: 'tools: { deny: ["time__*"] }' },
    );
    const { access } = await tokensFor(base, ada);
    expect(await toolsOf(await listWith(url, access))).toContain('time__weekday');
    expect(await bridge.app.reload()).toMatchObject({ error: undefined });
    const tools = await toolsOf(await listWith(url, access));
    expect(tools).toContain('paperkite_studio__draw_chart');
    expect(tools).not.toContain('time__weekday');
  });
});

describe('signing in again', () => {
  it('replaces the login in Dify, and the earlier clients go on with the new one', async () => {
    const { url, base, ada } = await startSignInBridge();
    const first = await tokensFor(base, ada);
    expect((await listWith(url, first.access)).status).toBe(200);
    const second = await tokensFor(base, ada);
    expect(ada.sessions.refreshTokens).toBe(1);
    ada.sessions.expireAccessTokens();
    for (const { access } of [first, second]) {
      expect(await toolsOf(await listWith(url, access))).toContain('time__weekday');
    }
  });
});

describe('two replicas', { tags: ['redis'] }, async () => {
  const redis = await sharedRedis();

  it('know the same accounts, and a sign-out ends at both', async () => {
    const shared = { DIFY_BRIDGE_REDIS_URL: redis.newUrl() };
    const one = await startSignInBridge(shared);
    const port = String(await freePort());
    const env = { ...shared, DIFY_BRIDGE_PORT: port, DIFY_BRIDGE_PUBLIC_URL: one.base };
    const two = await startSignInBridge(env, { dify: one.dify });
    const { access, refresh, fields, browser } = await tokensFor(one.base, one.ada);
    expect((await listWith(one.url, access)).status).toBe(200);
    expect((await listWith(two.url, access)).status).toBe(200);

    const renewal = { grant_type: 'refresh_token', refresh_token: refresh, client_id: fields.client_id };
    const renewed = await tokenRequest(new URL(two.url).origin, renewal);
    expect(renewed.status).toBe(200);
    expect((await listWith(one.url, renewed.body['access_token'] ?? '')).status).toBe(200);
    // One of them renews the login in Dify, and the other uses it.
    one.ada.sessions.expireAccessTokens();
    const lists = await Promise.all([one.url, two.url].map((url) => listWith(url, access)));
    expect(lists.map(({ status }) => status)).toEqual([200, 200]);
    expect(one.ada.sessions.refreshTokens).toBe(1);

    await browser.open(`${one.base}/oauth/sign-out`);
    await browser.submit('sign-out');
    expect((await listWith(one.url, access)).status).toBe(401);
    expect((await listWith(two.url, access)).status).toBe(401);
  });

  it('count wrong passwords together, and a right one ends the count at both', async () => {
    const shared = { DIFY_BRIDGE_REDIS_URL: redis.newUrl() };
    const one = await startSignInBridge(shared);
    const two = await startSignInBridge(shared, { dify: one.dify });
    const { email, password } = one.ada.credentials;
    const attempt = async (base: string, typed: string): Promise<string> => {
      const { url } = await authorizationRequest(base);
      const browser = await newBrowser().open(url.href);
      await browser.submit('password', { email, password: typed });
      return browser.page;
    };
    const bases = [one.base, two.base, one.base, two.base];
    for (const base of bases) expect(await attempt(base, 'wrong')).toContain('does not accept');
    expect(await attempt(one.base, password)).toContain('Allow Test client');
    for (const base of [two.base, ...bases])
      expect(await attempt(base, 'wrong')).toContain('does not accept');
    for (const base of bases) expect(await attempt(base, password)).toContain('too many wrong answers');
  });

  it('count the calls a minute of each account by themselves', async () => {
    const dify = await startSharedDify({ ada: 'demo', bob: 'demo' });
    const env = { DIFY_BRIDGE_REDIS_URL: redis.newUrl(), DIFY_BRIDGE_LIMITS_RATE_PER_PROVIDER: '1' };
    const { url, ada, bob } = await startSignInBridge(env, { dify });
    const [adas, bobs] = [
      await connectSignedIn('v1', url, ada.credentials),
      await connectSignedIn('v2 pinned', url, bob.credentials),
    ];
    onTestFinished(async () => void (await Promise.all([adas.close(), bobs.close()])));
    const outcomes: unknown[] = [];
    for (const client of [adas, adas, bobs]) {
      outcomes.push((await client.callTool('time__weekday', WEEKDAY)).isError ?? false);
    }
    expect(outcomes).toEqual([false, true, false]);
  });
});
