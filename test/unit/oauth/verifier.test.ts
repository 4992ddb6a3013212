import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { countKeys } from '../../../src/oauth/issuer.ts';
import { JwtVerifier, type VerifierOptions } from '../../../src/oauth/verifier.ts';
import { errorOf } from '../../support/error-of.ts';

const PUBLIC = 'https://bridge.example.com';
const { privateKey, publicKey } = await generateKeyPair('ES256');
const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
const OIDC = '/.well-known/openid-configuration';
const OAUTH = '/.well-known/oauth-authorization-server';

type Documents = (base: string) => Readonly<Record<string, unknown>>;

/** An issuer with these documents by path; a text redirects there. */
async function startIssuer(documents: Documents, path = '') {
  let base = '';
  const listener: RequestListener = ({ url = '' }, res) => {
    const found = documents(base)[url];
    if (typeof found === 'string') res.writeHead(302, { location: found });
    else res.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    res.end(JSON.stringify(found ?? {}));
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer: `${base}${path}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const usual: Documents = (base) => ({
  [OIDC]: { issuer: base, jwks_uri: `${base}/keys` },
  '/keys': { keys: [jwk] },
});

function verifierOf(issuer: string, options: Partial<VerifierOptions> = {}): JwtVerifier {
  return new JwtVerifier({ issuer, publicUrl: PUBLIC, scopes: [], algorithms: ['ES256'], ...options });
}

function token(iss: string, claims: JWTPayload = {}): Promise<string> {
  const payload = { iss, aud: `${PUBLIC}/mcp`, sub: 'ada', ...claims };
  const jwt = new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'k1' });
  return jwt.setExpirationTime('5m').sign(privateKey);
}

const verify = async (issuer: string, claims: JWTPayload, options: Partial<VerifierOptions> = {}) =>
  verifierOf(issuer, options).verify(await token(issuer, claims), '/mcp');

describe('the metadata of an issuer', () => {
  it.each<[string, string, Documents]>([
    ['of OpenID Connect', '', usual],
    [
      'of OAuth, before the path',
      '/realms/acme',
      (base) => ({
        [`${OAUTH}/realms/acme`]: { issuer: `${base}/realms/acme`, jwks_uri: `${base}/keys` },
        '/keys': { keys: [jwk] },
      }),
    ],
    [
      'of OpenID Connect, after the path, for an issuer with a slash at its end',
      '/realms/acme/',
      (base) => ({
        [`/realms/acme${OIDC}`]: { issuer: `${base}/realms/acme/`, jwks_uri: `${base}/keys` },
        '/keys': { keys: [jwk] },
      }),
    ],
  ])('%s is found', async (_, path, documents) => {
    await using server = await startIssuer(documents, path);
    expect(await countKeys(server.issuer)).toBe(1);
    expect(await verify(server.issuer, {})).toMatchObject({ views: undefined });
  });

  it.each<[string, RegExp, Documents]>([
    ['is missing', /answered with status 404/, () => ({})],
    [
      'names another issuer',
      /names another issuer, "http:.*\/"/,
      (base) => ({ [OIDC]: { issuer: `${base}/`, jwks_uri: `${base}/keys` } }),
    ],
    ['has no keys', /has no jwks_uri/, (base) => ({ [OIDC]: { issuer: base } })],
    [
      'has keys that anybody in between can change',
      /has no jwks_uri that begins with https/,
      (base) => ({ [OIDC]: { issuer: base, jwks_uri: 'http://keys.example.com/' } }),
    ],
    ['is elsewhere', /answered with status 302/, () => ({ [OIDC]: '/other', '/other': {} })],
    [
      'leads to keys that are none',
      /are not a JWK Set/,
      (base) => ({ ...usual(base), '/keys': { keys: 'none' } }),
    ],
  ])('that %s makes its tokens unverifiable, not wrong', async (_, message, documents) => {
    await using server = await startIssuer(documents);
    for (const attempt of [() => countKeys(server.issuer), () => verify(server.issuer, {})]) {
      expect(await errorOf(attempt())).toMatchObject({
        code: 'authorization_unavailable',
        message: expect.stringMatching(message),
      });
    }
  });
});

describe('a caller', () => {
  it.each([
    ['ada', /^oauth:[\w-]{8}:ada$/],
    ['ada@example.com', /^oauth:[\w-]{8}:ada@example\.com$/],
    ['auth0|ada\n"level":"error"', /^oauth:[\w-]{43}$/],
    ['a'.repeat(65), /^oauth:[\w-]{43}$/],
  ])('%j has a principal that can be logged', async (sub, principal) => {
    await using server = await startIssuer(usual);
    expect((await verify(server.issuer, { sub }))?.principal).toMatch(principal);
  });

  it('is another one with another issuer', async () => {
    await using first = await startIssuer(usual);
    await using second = await startIssuer(usual);
    const [one, other] = [await verify(first.issuer, {}), await verify(second.issuer, {})];
    expect(one?.principal).not.toBe(other?.principal);
  });

  it('of another issuer is left to other verifiers', async () => {
    const verifier = verifierOf('https://login.example.com');
    expect(await verifier.verify(await token('https://other.example.com'), '/mcp')).toBeUndefined();
    expect(await verifier.verify('difymcp_no-jwt', '/mcp')).toBeUndefined();
  });
});

describe('scopes', () => {
  it.each<[JWTPayload]>([[{ scope: 'a b' }], [{ scp: 'a b' }], [{ scp: ['a', 'b'] }]])(
    'may be written as %j',
    async (claims) => {
      await using server = await startIssuer(usual);
      expect(await verify(server.issuer, claims, { scopes: ['b'] })).toBeDefined();
      const error = await errorOf(verify(server.issuer, claims, { scopes: ['b', 'c'] }));
      expect(error).toMatchObject({ code: 'insufficient_scope', hint: expect.stringContaining('b c') });
    },
  );
});

describe('a view of a scope and a claim', () => {
  const views = [
    { view: 'default', endpoint: '/mcp', scope: 'a' },
    { view: 'research', endpoint: '/mcp/research', scope: 'b', claim: 'groups', value: 'research' },
  ];

  it('is open to a token with both; the refusal names a missing scope, and no claim', async () => {
    await using server = await startIssuer(usual);
    const verifier = verifierOf(server.issuer, { views });
    const at = async (path: string, claims: JWTPayload) =>
      verifier.verify(await token(server.issuer, claims), path);
    const both = { scope: 'a b', groups: 'research' };
    expect(await at('/mcp/research', both)).toMatchObject({ views: ['default', 'research'] });
    expect(await at('/mcp/research', { scope: 'a b' })).toMatchObject({ views: ['default'] });
    expect(await at('/mcp', { scope: 'b', groups: 'research' })).toMatchObject({ views: ['research'] });
    const lacking = await errorOf(at('/mcp/research', { scope: 'a', groups: 'research' }));
    expect(lacking).toMatchObject({ code: 'insufficient_scope', hint: expect.stringContaining('scopes b') });
  });
});

describe('a claim that opens a view', () => {
  const [OPEN, CLOSED] = [['research'], 'insufficient_scope'];

  it.each<[string, JWTPayload, unknown]>([
    ['groups', { groups: ['staff', 'research'] }, OPEN],
    ['groups', { groups: 'research' }, OPEN],
    ['groups', { groups: 'research-team' }, CLOSED],
    ['groups', {}, CLOSED],
    ['realm_access.roles', { realm_access: { roles: ['research'] } }, OPEN],
    ['https://example.com/groups', { 'https://example.com/groups': ['research'] }, OPEN],
    ['constructor.name', {}, CLOSED],
    ['groups.length', { groups: ['research'] }, CLOSED],
  ])('%s in %j', async (claim, claims, expected) => {
    await using server = await startIssuer(usual);
    const views = [{ view: 'research', endpoint: '/mcp/research', claim, value: 'research' }];
    const outcome = verify(server.issuer, claims, { views }).then(
      (caller) => caller?.views,
      (error: { code: string }) => error.code,
    );
    expect(await outcome).toEqual(expected);
  });
});
