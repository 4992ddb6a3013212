import { once } from 'node:events';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { decodeJwt, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { startFront } from '../../support/front.ts';
import { type IdentityProvider, startIdentityProvider } from '../../support/identity-provider.ts';
import { type ClientKind, connectClient, type TestClient } from '../../support/mcp-clients.ts';
import {
  initializeRequest,
  modernRequest,
  openRawSession,
  raw,
  type RawRequest,
  rawStream,
} from '../../support/raw-http.ts';
import { sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const PUBLIC = 'https://bridge.example.com';
const RESOURCE = `${PUBLIC}/mcp`;
const CHART = 'paperkite_studio__draw_chart';
const SLOW = 'workflow__slow_report';
const VIEWS = `views: { charts: { allow: [${CHART}] }, reports: { allow: [${SLOW}] } }\n`;

let idp: IdentityProvider;
let sandbox: Sandbox;
beforeAll(async () => {
  [idp, sandbox] = await Promise.all([startIdentityProvider(), createSandbox({ tools: 'long' })]);
});
afterAll(async () => {
  await idp[Symbol.asyncDispose]();
  await sandbox.close();
});

/** A bridge that accepts the tokens of the identity provider. */
async function startProtected({ env = {}, views = '', issuer = idp.issuer } = {}) {
  const bridge = await startBridge({
    env: {
      ...sandboxEnv(sandbox),
      DIFY_BRIDGE_PUBLIC_URL: PUBLIC,
      DIFY_BRIDGE_OAUTH_ISSUER: issuer,
      DIFY_BRIDGE_OAUTH_SCOPES: 'dify',
      ...env,
    },
    file: `${VIEWS}${views === '' ? '' : `oauth: { views: ${views} }`}`,
  });
  const url = await bridge.url();
  await Promise.all([...bridge.app.views.values()].map((view) => view.registry.ready()));
  const port = Number(new URL(url).port);
  const clients: TestClient[] = [];
  return {
    ...bridge,
    port,
    /** Sends a first request with a token in each era. The answers differ only in the era. */
    async send(token: string | undefined, path = '/mcp') {
      const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      const list = modernRequest('tools/list');
      const requests: RawRequest[] = [
        { path, headers, body: initializeRequest() },
        { ...list, path, headers: { ...list.headers, ...headers } },
      ];
      const [legacy, modern] = await Promise.all(requests.map((request) => raw(port, request)));
      const facts = [legacy, modern].map((answer) => ({
        status: answer?.status,
        challenge: answer?.headers['www-authenticate'],
        code: answer?.messages[0]?.error?.data?.code,
      }));
      expect(facts[0]).toEqual(facts[1]);
      return { ...facts[0], text: legacy?.text };
    },
    async connect(kind: ClientKind, token: string, view = '') {
      const client = await connectClient(kind, { url: `${url}${view}`, token });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close().catch(() => undefined);
      await bridge[Symbol.asyncDispose]();
    },
  };
}

const names = async (client: TestClient): Promise<string[]> =>
  (await client.listPage()).tools.map(({ name }) => name);

const METADATA = `resource_metadata="${PUBLIC}/.well-known/oauth-protected-resource/mcp"`;

/** The claims of a valid token of ada. */
const claims = async (): Promise<JWTPayload> => decodeJwt(await idp.token('ada', RESOURCE));

function without(payload: JWTPayload, name: string): JWTPayload {
  return Object.fromEntries(Object.entries(payload).filter(([key]) => key !== name));
}

/** Signs claims with the key of the identity provider, as a token of it. */
function sign(payload: JWTPayload, header: Record<string, string> = {}): Promise<string> {
  const { kid = '' } = idp.key();
  const key = createPrivateKey({ key: idp.key() as never, format: 'jwk' });
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid, ...header }).sign(key);
}

describe.each(ERAS)('an access token (%s)', (kind) => {
  it('admits a client, as does the token of the bridge', async () => {
    await using bridge = await startProtected({ env: { DIFY_BRIDGE_TOKEN: 'fake-bridge-token' } });
    for (const token of [await idp.token('ada', RESOURCE), 'fake-bridge-token']) {
      const client = await bridge.connect(kind, token);
      expect(await names(client)).toContain(CHART);
    }
  });
});

describe('a request without an access token', () => {
  it('learns where to get one, also when a token is in its address', async () => {
    await using bridge = await startProtected();
    const token = await idp.token('ada', RESOURCE);
    for (const path of ['/mcp', '/mcp/nothing', `/mcp?access_token=${token}`]) {
      const { status, challenge } = await bridge.send(undefined, path);
      expect(status).toBe(401);
      const place = path.startsWith('/mcp?') ? '/mcp' : path;
      expect(challenge).toBe(
        `Bearer realm="dify-mcp-bridge", scope="dify", resource_metadata="${PUBLIC}/.well-known/oauth-protected-resource${place}"`,
      );
    }
    expect(bridge.log.join('')).not.toContain(token);
  });

  it('gets the metadata at both places, whatever its Host is', async () => {
    await using bridge = await startProtected({ env: { DIFY_BRIDGE_ALLOWED_HOSTS: 'other.example.com' } });
    for (const place of ['', '/mcp', '/mcp/charts']) {
      const headers = { Host: 'other.example.com' };
      const path = `/.well-known/oauth-protected-resource${place}`;
      const answer = await raw(bridge.port, { path, headers });
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.text)).toEqual({
        resource: `${PUBLIC}${place === '' ? '/mcp' : place}`,
        authorization_servers: [idp.issuer],
        scopes_supported: ['dify'],
        bearer_methods_supported: ['header'],
        resource_name: 'Dify tools',
      });
      expect(await raw(bridge.port, { path, method: 'POST' })).toMatchObject({ status: 405 });
    }
  });
});

describe('a wrong access token', () => {
  const wrong: Record<string, () => Promise<string>> = {
    'for another audience': () => idp.token('ada', 'https://other.example.com/mcp'),
    'for the endpoint of a view': () => idp.token('ada', `${RESOURCE}/charts`),
    'that has expired': async () => sign({ ...(await claims()), exp: Math.floor(Date.now() / 1000) - 60 }),
    'without an end': async () => sign(without(await claims(), 'exp')),
    'without a subject': async () => sign(without(await claims(), 'sub')),
    'that is not valid yet': async () =>
      sign({ ...(await claims()), nbf: Math.floor(Date.now() / 1000) + 600 }),
    'without a signature': async () => new UnsecuredJWT(await claims()).encode(),
    'whose signature is of another token': async () => {
      const [head, , signature] = (await idp.token('grace', RESOURCE)).split('.');
      return [head, (await idp.token('ada', RESOURCE)).split('.')[1], signature].join('.');
    },
    'signed with the public key as a secret': async () => {
      const pem = createPublicKey({ key: idp.key() as never, format: 'jwk' }).export({
        type: 'spki',
        format: 'pem',
      });
      return new SignJWT(await claims())
        .setProtectedHeader({ alg: 'HS256', kid: idp.key().kid ?? '' })
        .sign(Buffer.from(pem));
    },
    'of an unknown key': async () => sign(await claims(), { kid: 'unknown' }),
    'of another issuer': async () => sign({ ...(await claims()), iss: 'https://evil.example.com' }),
    'that is no JWT': async () => 'opaque',
  };

  it.each(Object.entries(wrong))('%s is refused in both eras', async (_, issue) => {
    await using bridge = await startProtected();
    const token = await issue();
    const { status, challenge, code, text } = await bridge.send(token);
    expect({ status, code }).toEqual({ status: 401, code: 'unauthorized' });
    expect(challenge).toContain('Bearer realm="dify-mcp-bridge", error="invalid_token"');
    expect(challenge).toContain(`scope="dify", ${METADATA}`);
    expect(`${text}${challenge}${bridge.log.join('')}`).not.toContain(token);
  });
});

describe('scopes and claims', () => {
  it('that every token needs are named when they are missing', async () => {
    await using bridge = await startProtected();
    const { status, challenge, code } = await bridge.send(await idp.token('ada', RESOURCE, 'dify.charts'));
    expect({ status, code }).toEqual({ status: 403, code: 'insufficient_scope' });
    expect(challenge).toContain('error="insufficient_scope"');
    expect(challenge).toContain(`scope="dify", ${METADATA}`);
  });

  const views = '{ charts: { scope: dify.charts }, reports: { claim: realm.roles, value: research } }';

  it.each(ERAS)('open views, the first of them at the default path (%s)', async (kind) => {
    await using bridge = await startProtected({ views });
    const ada = await idp.token('ada', RESOURCE);
    const both = await idp.token('ada', RESOURCE, 'dify dify.charts');
    const grace = await idp.token('grace', RESOURCE, 'dify dify.charts');
    expect(await names(await bridge.connect(kind, ada))).toEqual([SLOW]);
    expect(await names(await bridge.connect(kind, both))).toEqual([CHART]);
    expect(await names(await bridge.connect(kind, both, '/reports'))).toEqual([SLOW]);
    const client = await bridge.connect(kind, grace, '/charts');
    expect(await names(client)).toEqual([CHART]);
    await expect(client.callTool(SLOW)).rejects.toMatchObject({ data: { code: 'tool_not_found' } });
  });

  it('that a view needs are named at its endpoint, and a view of a claim is as unknown as none', async () => {
    await using bridge = await startProtected({ views });
    const [ada, grace] = [await idp.token('ada', RESOURCE), await idp.token('grace', RESOURCE)];
    const lacking = await bridge.send(ada, '/mcp/charts');
    expect(lacking.status).toBe(403);
    expect(lacking.challenge).toContain('scope="dify dify.charts"');
    expect((await bridge.send(grace)).challenge).toContain('scope="dify dify.charts"');
    const charts = await idp.token('grace', RESOURCE, 'dify dify.charts');
    const answers = await Promise.all(
      ['/mcp/reports', '/mcp/nothing'].map((path) => bridge.send(charts, path)),
    );
    expect(answers[0]?.status).toBe(404);
    expect(answers[0]).toEqual(answers[1]);
  });

  it('of a token for the endpoint of a view count there alone', async () => {
    await using bridge = await startProtected({ views });
    const token = await idp.token('ada', `${RESOURCE}/charts`, 'dify dify.charts');
    expect((await bridge.send(token, '/mcp/charts')).status).toBe(200);
    expect((await bridge.send(token, '/mcp/reports')).status).toBe(401);
    expect((await bridge.send(token)).status).toBe(401);
  });
});

describe('an audience of its own', () => {
  it('replaces the address of the endpoint', async () => {
    await using bridge = await startProtected({ env: { DIFY_BRIDGE_OAUTH_AUDIENCE: 'api://dify,urn:dify' } });
    expect((await bridge.send(await idp.token('ada', 'urn:dify'))).status).toBe(200);
    expect((await bridge.send(await idp.token('ada', RESOURCE))).status).toBe(401);
  });
});

describe('the principal', () => {
  it('is the subject: its sessions are its own, whichever token it has', async () => {
    await using bridge = await startProtected();
    const bearer = async (client: string) => ({
      Authorization: `Bearer ${await idp.token(client, RESOURCE)}`,
    });
    const session = await openRawSession(bridge.port, await bearer('ada'));
    const body = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
    const statuses = ['ada', 'grace'].map(async (client) => {
      const answer = await raw(bridge.port, { headers: { ...session, ...(await bearer(client)) }, body });
      return answer.status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 404]);
  });
});

describe('a token that expires', () => {
  it('ends the streams that it opened in both eras, and not their session', async () => {
    await using bridge = await startProtected();
    const exp = Math.floor(Date.now() / 1000) + 2;
    const bearer = { Authorization: `Bearer ${await sign({ ...(await claims()), exp })}` };
    const session = await openRawSession(bridge.port, bearer);
    const listen = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });
    const streams = [
      rawStream(bridge.port, { method: 'GET', headers: { ...session, Accept: 'text/event-stream' } }),
      rawStream(bridge.port, { ...listen, headers: { ...listen.headers, ...bearer } }),
    ];
    await Promise.all(streams.map(({ request }) => once(request, 'response')));
    await Promise.allSettled(streams.map(({ promise }) => promise));
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    // The session itself goes on with a new token.
    const renewed = { ...session, Authorization: `Bearer ${await idp.token('ada', RESOURCE)}` };
    const body = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
    expect((await raw(bridge.port, { headers: renewed, body })).status).toBe(200);
  });
});

describe('the token of a caller', () => {
  it('never reaches Dify', async () => {
    const seen: string[] = [];
    await using front = await startFront(sandbox.url, {
      answer: ({ url, rawHeaders }) => void seen.push(`${url} ${rawHeaders.join(' ')}`),
    });
    await using bridge = await startProtected({ env: { DIFY_API_URL: front.url } });
    const token = await idp.token('ada', RESOURCE);
    for (const kind of ERAS) {
      const client = await bridge.connect(kind, token);
      expect((await client.callTool(CHART, { labels: ['May'], values: [1] })).isError).not.toBe(true);
    }
    const calls = seen.filter((request) => request.startsWith('/inner/api/invoke/tool'));
    expect(calls).toHaveLength(2);
    expect(seen.join()).not.toContain(token);
  });
});

describe('the identity provider', () => {
  it('may replace its key while the bridge runs, and is asked for keys no more than that takes', async () => {
    await using own = await startIdentityProvider();
    await using bridge = await startProtected({ issuer: own.issuer });
    for (let call = 0; call < 3; call += 1) {
      expect((await bridge.send(await own.token('ada', RESOURCE))).status).toBe(200);
    }
    expect(own.keyRequests()).toBe(1);
    await own.rotate();
    // A token of an unknown key is refused for a second after the keys were fetched, whoever sends it.
    const token = await own.token('ada', RESOURCE);
    await expect.poll(async () => (await bridge.send(token)).status).toBe(200);
    expect(own.keyRequests()).toBe(2);
  });

  it('that does not answer makes the bridge answer 503 until it does, and leaves the token alone', async () => {
    await using own = await startIdentityProvider();
    await using bridge = await startProtected({
      issuer: own.issuer,
      env: { DIFY_BRIDGE_TOKEN: 'fake-bridge-token' },
    });
    const token = await own.token('ada', RESOURCE);
    own.break(true);
    const { status, challenge, code, text } = await bridge.send(token);
    expect({ status, challenge, code }).toEqual({
      status: 503,
      challenge: undefined,
      code: 'authorization_unavailable',
    });
    expect(text).toContain(`Access tokens of ${own.issuer} cannot be verified`);
    expect((await bridge.send('fake-bridge-token')).status).toBe(200);
    own.break(false);
    expect((await bridge.send(token)).status).toBe(200);
  });
});
