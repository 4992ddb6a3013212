import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CLIENT_KINDS, type TestClient } from '../../support/mcp-clients.ts';
import { SIGN_IN_KEY, startSignInBridge, tokensFor, listWith } from '../../support/signed-in-bridge.ts';
import { connectSignedIn, TestAuth } from '../../support/test-auth.ts';

async function namesOf(client: TestClient): Promise<string[]> {
  return (await client.listPage()).tools.map(({ name }) => name);
}

describe.each(CLIENT_KINDS)('two accounts at one bridge, %s', (kind) => {
  it('see, call and keep what is their own, as themselves', async () => {
    const { url, ada, bob } = await startSignInBridge();
    const [adas, bobs] = [
      await connectSignedIn(kind, url, ada.credentials),
      await connectSignedIn(kind, url, bob.credentials),
    ];
    onTestFinished(async () => void (await Promise.all([adas.close(), bobs.close()])));
    expect(await namesOf(adas)).toContain('time__weekday');
    expect(await namesOf(bobs)).toContain('paperkite_samples__give_bytes');
    expect(await namesOf(bobs)).not.toContain('time__weekday');

    await adas.callTool('time__weekday', { year: 2026, month: 11, day: 30 });
    expect(ada.account.runs.map(({ tool }) => tool)).toEqual(['weekday']);
    expect(bob.account.runs).toEqual([]);

    const given = await bobs.callTool('paperkite_samples__give_bytes', { size: 10, name: 'bobs.bin' });
    expect(given.isError).not.toBe(true);
    const [file] = (await bobs.listResources()).resources;
    expect(file).toBeDefined();
    expect((await adas.listResources()).resources).toEqual([]);
    await expect(adas.readResource(file?.uri ?? '')).rejects.toThrow(/file|resource/i);
    expect((await bobs.readResource(file?.uri ?? '')).contents).toHaveLength(1);
  });

  it('are not asked again while the client can renew its token', async () => {
    const { url, ada } = await startSignInBridge();
    const auth = new TestAuth();
    const client = await connectSignedIn(kind, url, ada.credentials, auth);
    onTestFinished(() => client.close());
    auth.asked = undefined;
    const before = auth.saved?.refresh_token;
    auth.saved = { ...auth.saved, access_token: 'expired', token_type: 'Bearer' };
    expect(await namesOf(client)).toContain('time__weekday');
    expect(auth.saved.refresh_token).not.toBe(before);
    expect(auth.asked).toBeUndefined();
  });
});

describe('the login in Dify', () => {
  it('is stored so that nobody can read it without the key', async () => {
    const { base, ada, folder } = await startSignInBridge();
    const { access, refresh } = await tokensFor(base, ada);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    );
    const text = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    expect(text.length).toBeGreaterThan(1000);
    for (const secret of [
      ada.credentials.email,
      ada.credentials.accountId,
      access,
      refresh,
      SIGN_IN_KEY,
      'Bearer',
    ]) {
      expect(text).not.toContain(secret);
    }
  });

  it('that Dify has ended makes the client sign in again', async () => {
    const { url, base, ada } = await startSignInBridge();
    const auth = new TestAuth();
    const client = await connectSignedIn('v2 pinned', url, ada.credentials, auth);
    onTestFinished(() => client.close());
    expect(await namesOf(client)).toContain('time__weekday');
    ada.sessions.expireAccessTokens();
    ada.sessions.expireRefreshTokens();
    const result = await client.callTool('time__weekday', { year: 2026, month: 11, day: 30 });
    expect(result).toMatchObject({ isError: true });
    expect(JSON.stringify(result.content)).toContain('Sign in again');
    const token = auth.saved?.access_token ?? '';
    await expect.poll(async () => (await listWith(url, token)).status).toBe(401);
    const challenge = (await listWith(url, token)).headers.get('www-authenticate');
    expect(challenge).toContain(`resource_metadata="${base}/.well-known/oauth-protected-resource/mcp"`);
    // The client asks for a new sign-in by itself.
    auth.asked = undefined;
    await expect(client.listPage()).rejects.toThrow('Unauthorized');
    expect(auth.asked).toBeDefined();
  });

  it('ends in Dify and here when its person signs out', async () => {
    const { url, base, ada, bob } = await startSignInBridge();
    const { access, browser } = await tokensFor(base, ada);
    const other = await tokensFor(base, bob);
    expect((await listWith(url, access)).status).toBe(200);
    expect(ada.sessions.refreshTokens).toBe(1);
    await browser.open(`${base}/oauth/sign-out`);
    expect(browser.page).toContain('ada@example.com');
    await browser.submit('sign-out');
    expect(browser.page).toContain('You are signed out');
    expect((await listWith(url, access)).status).toBe(401);
    expect(ada.sessions.refreshTokens).toBe(0);
    // Nobody else is signed out.
    expect((await listWith(url, other.access)).status).toBe(200);
  });

  it('ends when the last client that may use it revokes its token', async () => {
    const { url, base, ada } = await startSignInBridge();
    const first = await tokensFor(base, ada);
    const second = await tokensFor(base, ada, first.browser);
    const revoke = ({ refresh: token, clientId }: typeof first) =>
      fetch(`${base}/oauth/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ token, client_id: clientId }),
      });
    await revoke(first);
    expect((await listWith(url, first.access)).status).toBe(401);
    expect((await listWith(url, second.access)).status).toBe(200);
    await revoke(second);
    await expect.poll(() => ada.sessions.refreshTokens).toBe(0);
  });

  it('survives a restart of the bridge', async () => {
    const { base, ada, dify, bridge, folder } = await startSignInBridge();
    const { access } = await tokensFor(base, ada);
    await bridge[Symbol.asyncDispose]();
    const env = {
      DIFY_BRIDGE_FILES_DIR: folder,
      DIFY_BRIDGE_PORT: new URL(base).port,
      DIFY_BRIDGE_PUBLIC_URL: base,
    };
    const again = await startSignInBridge(env, { dify });
    expect((await listWith(again.url, access)).status).toBe(200);
  });
});
