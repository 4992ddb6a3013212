import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../../src/model/logger.ts';
import { Secrets } from '../../../src/model/secrets.ts';
import { FileRecords } from '../../../src/signin/file-records.ts';
import { SignIn } from '../../../src/signin/sign-in.ts';
import { freePort } from '../../support/free-port.ts';
import { runHost } from '../../support/http-host.ts';
import { authorizationRequest, startSignInBridge, tokenRequest } from '../../support/signed-in-bridge.ts';
import { allow, CALLBACK, newBrowser } from '../../support/test-auth.ts';
import { startSharedDify } from '../../support/two-accounts.ts';

const ID = 'https://client.example.com/oauth/client.json';

/** A host whose authorization server gets this as the description of every client. */
async function startWith(document: object, status = 200) {
  const dify = await startSharedDify({ ada: 'demo' });
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const asked: string[] = [];
  const signIn = await SignIn.open({
    publicUrl: base,
    difyUrl: dify.url,
    key: 'a fake key',
    backend: await FileRecords.open(join(mkdtempSync(join(tmpdir(), 'bridge-clients-')), 'records.json')),
    fetchDocument: async (url) => {
      asked.push(url);
      return Response.json(document, { status });
    },
    redirectHosts: [],
    emailDomains: [],
    secrets: new Secrets(),
    logger: silentLogger,
  });
  const host = await runHost({ port, verifiers: [signIn], authorizationServer: signIn });
  onTestFinished(async () => {
    await host[Symbol.asyncDispose]();
    await signIn.close();
  });
  return { base, ada: dify.accounts['ada'], asked, signIn };
}

describe('a client that describes itself at an address', () => {
  const document = { client_id: ID, client_name: 'Described client', redirect_uris: [CALLBACK] };

  it('needs no registration, and its host vouches for its name', async () => {
    const { base, ada, asked, signIn } = await startWith(document);
    const request = await authorizationRequest(base, { client_id: ID });
    const browser = newBrowser();
    await browser.open(request.url.href);
    await browser.submit('password', ada?.credentials);
    expect(browser.page).toContain('Described client (published by client.example.com)');
    const { searchParams } = await allow(request.url, ada?.credentials as never, browser);
    const { body } = await tokenRequest(base, {
      grant_type: 'authorization_code',
      code: searchParams.get('code') ?? '',
      redirect_uri: CALLBACK,
      client_id: ID,
      code_verifier: request.verifier,
    });
    expect(await signIn.verify(body['access_token'] ?? '', '/mcp')).toMatchObject({
      principal: `dify:${ada?.credentials.accountId}`,
    });
    expect(asked).toEqual([ID]);
  });

  it.each([
    ['is of another client', { ...document, client_id: 'https://other.example.com/client.json' }, 200],
    ['redirects elsewhere', { ...document, redirect_uris: ['http://example.com/cb'] }, 200],
    [
      'has a shared secret',
      { ...document, client_secret: 'fake', token_endpoint_auth_method: 'client_secret_post' },
      200,
    ],
    ['is not there', document, 404],
  ])('is refused if the description %s', async (_, given, status) => {
    const { base } = await startWith(given, status);
    const { url } = await authorizationRequest(base, { client_id: ID });
    const browser = await newBrowser().open(url.href);
    expect(browser.status).toBe(400);
    expect(browser.page).toContain('This sign-in cannot go on');
  });

  it('is refused, and not looked for, if the operator says so', async () => {
    const { base } = await startSignInBridge({ DIFY_BRIDGE_SIGN_IN_CLIENT_DOCUMENTS: 'false' });
    const metadata = await (await fetch(`${base}/.well-known/oauth-authorization-server`)).json();
    expect(metadata).not.toHaveProperty('client_id_metadata_document_supported', true);
    const { url } = await authorizationRequest(base, { client_id: ID });
    expect((await newBrowser().open(url.href)).page).toContain('client is invalid');
  });
});

it('the metadata say what the server does, and nothing that it does not', async () => {
  const { base } = await startSignInBridge();
  const metadata = (await (await fetch(`${base}/.well-known/oauth-authorization-server`)).json()) as Record<
    string,
    unknown
  >;
  expect(metadata).toMatchObject({
    issuer: base,
    authorization_endpoint: `${base}/oauth/authorize`,
    token_endpoint: `${base}/oauth/token`,
    registration_endpoint: `${base}/oauth/register`,
    revocation_endpoint: `${base}/oauth/revoke`,
    code_challenge_methods_supported: ['S256'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    scopes_supported: ['tools'],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
  });
  const resource = await (await fetch(`${base}/.well-known/oauth-protected-resource/mcp`)).json();
  expect(resource).toMatchObject({
    resource: `${base}/mcp`,
    authorization_servers: [base],
    scopes_supported: ['tools'],
  });
  const text = JSON.stringify(await (await fetch(`${base}/oauth/jwks`)).json());
  expect(text).not.toContain('"d"');
});
