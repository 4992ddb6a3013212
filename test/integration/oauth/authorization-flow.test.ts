import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { freePort } from '../../support/free-port.ts';
import { startIdentityProvider } from '../../support/identity-provider.ts';
import { sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const REDIRECT = 'http://127.0.0.1:1/callback';

/** What an SDK client stores of an authorization, and the page that it opens. */
function memory() {
  const stored: Record<string, unknown> = {};
  let opened: URL | undefined;
  const provider = {
    redirectUrl: REDIRECT,
    clientMetadata: {
      client_name: 'test',
      redirect_uris: [REDIRECT],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
    clientInformation: () => stored['client'] as never,
    saveClientInformation: (client: unknown) => void (stored['client'] = client),
    tokens: () => stored['tokens'] as never,
    saveTokens: (tokens: unknown) => void (stored['tokens'] = tokens),
    codeVerifier: () => stored['verifier'] as string,
    saveCodeVerifier: (verifier: string) => void (stored['verifier'] = verifier),
    redirectToAuthorization: (url: URL) => void (opened = url),
  };
  return { provider, stored, opened: () => opened };
}

/** Opens a page as a browser does, and returns what it leads back with. */
async function answerFrom(page: URL | undefined): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let url = page;
  for (let hops = 0; hops < 10 && url !== undefined; hops += 1) {
    if (url.href.startsWith(REDIRECT)) return url.searchParams;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const next = answer.headers.get('location');
    if (next === null) throw new Error(`${url.href} leads nowhere: ${answer.status} ${await answer.text()}`);
    url = new URL(next, url);
  }
  throw new Error('The client opened no page, or one that leads in circles.');
}

const CLIENTS = {
  v1: (url: URL, authProvider: ReturnType<typeof memory>['provider']) => {
    const transport = new HttpV1(url, { authProvider });
    const client = new ClientV1({ name: 'test', version: '1' });
    const finish = (answer: URLSearchParams) => transport.finishAuth(answer.get('code') ?? '');
    return { finish, connect: () => client.connect(transport), client };
  },
  'v2 pinned': (url: URL, authProvider: ReturnType<typeof memory>['provider']) => {
    const transport = new HttpV2(url, { authProvider });
    const versionNegotiation = { mode: { pin: '2026-07-28' as const } };
    const client = new ClientV2({ name: 'test', version: '1' }, { versionNegotiation });
    const finish = (answer: URLSearchParams) => transport.finishAuth(answer);
    return { finish, connect: () => client.connect(transport), client };
  },
};

describe.each(Object.entries(CLIENTS))('a client of the SDK (%s)', (_, create) => {
  it('finds the identity provider by itself, gets a token for the endpoint and uses it', async () => {
    await using idp = await startIdentityProvider();
    const sandbox = await createSandbox();
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    await using bridge = await startBridge({
      env: {
        ...sandboxEnv(sandbox),
        DIFY_BRIDGE_PORT: String(port),
        DIFY_BRIDGE_PUBLIC_URL: base,
        DIFY_BRIDGE_OAUTH_ISSUER: idp.issuer,
        DIFY_BRIDGE_OAUTH_SCOPES: 'dify',
      },
    });
    const url = new URL(await bridge.url());
    await bridge.app.registry.ready();
    const { provider, stored, opened } = memory();
    const first = create(url, provider);
    await expect(first.connect()).rejects.toThrow('Unauthorized');
    expect(opened()?.searchParams.get('scope')).toBe('dify');
    expect(opened()?.searchParams.get('resource')).toBe(`${base}/mcp`);
    await first.finish(await answerFrom(opened()));

    const { access_token: token } = stored['tokens'] as { access_token: string };
    expect(decodeJwt(token)).toMatchObject({
      iss: idp.issuer,
      aud: `${base}/mcp`,
      sub: 'ada',
      scope: 'dify',
    });
    const second = create(url, provider);
    await second.connect();
    expect((await second.client.listTools()).tools).not.toEqual([]);
    await second.client.close();
    await sandbox.close();
  });
});
