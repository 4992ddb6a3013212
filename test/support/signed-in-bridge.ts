import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { freePort } from './free-port.ts';
import { type RunningBridge, startBridge } from './running-bridge.ts';
import { allow, CALLBACK, newBrowser } from './test-auth.ts';
import { type SharedDify, startSharedDify } from './two-accounts.ts';

/** A bridge at which Ada and Bob, who have different tools in one Dify, can sign in. */
export interface SignInBridge {
  readonly dify: SharedDify;
  readonly bridge: RunningBridge;
  readonly ada: Sandbox;
  readonly bob: Sandbox;
  /** The public address. */
  readonly base: string;
  /** The address of the MCP endpoint. */
  readonly url: string;
  /** The folder of its files. */
  readonly folder: string;
}

export const SIGN_IN_KEY = 'a fake key of the tests, longer than 32';

/** Starts both. They end with the test. */
export async function startSignInBridge(
  env: Readonly<Record<string, string>> = {},
  { dify: given, reloaded = '' }: { readonly dify?: SharedDify; readonly reloaded?: string } = {},
): Promise<SignInBridge> {
  const dify = given ?? (await startSharedDify({ ada: 'demo', bob: 'files' }));
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const folder = mkdtempSync(join(tmpdir(), 'bridge-sign-in-'));
  const bridge = await startBridge({
    reloaded,
    env: {
      DIFY_URL: dify.url,
      DIFY_BRIDGE_PORT: String(port),
      DIFY_BRIDGE_PUBLIC_URL: base,
      DIFY_BRIDGE_SIGN_IN_KEY: SIGN_IN_KEY,
      DIFY_BRIDGE_FILES_STORE: 'directory',
      DIFY_BRIDGE_FILES_DIR: folder,
      ...env,
    },
  });
  onTestFinished(() => bridge[Symbol.asyncDispose]());
  const { ada, bob } = dify.accounts as Record<'ada' | 'bob', Sandbox>;
  return { dify, bridge, ada, bob, base, url: await bridge.url(), folder };
}

/** The parameters of an authorization request, and the verifier that belongs to its challenge. */
export interface TestRequest {
  readonly clientId: string;
  readonly verifier: string;
  readonly url: URL;
}

export async function register(base: string, metadata: object = {}): Promise<Response> {
  const body = {
    client_name: 'Test client',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    ...metadata,
  };
  const headers = { 'content-type': 'application/json' };
  return fetch(`${base}/oauth/register`, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** Registers a client and returns an authorization request of it, with these parameters changed or removed. */
export async function authorizationRequest(
  base: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<TestRequest> {
  const { client_id: clientId } = (await (await register(base)).json()) as { client_id: string };
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL(`${base}/oauth/authorize`);
  const parameters = {
    client_id: clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'fake-state',
    resource: `${base}/mcp`,
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return { clientId, verifier, url };
}

/** Sends a request to the token endpoint. */
export async function tokenRequest(
  base: string,
  fields: Readonly<Record<string, string>>,
): Promise<{ status: number; body: Record<string, string> }> {
  const body = new URLSearchParams(fields);
  const answer = await fetch(`${base}/oauth/token`, { method: 'POST', body });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

/** Signs an account in for a new client. Returns what the client has from it. */
export async function tokensFor(base: string, sandbox: Sandbox, browser = newBrowser()) {
  const request = await authorizationRequest(base);
  const { searchParams } = await allow(request.url, sandbox.credentials, browser);
  const code = searchParams.get('code') ?? '';
  const fields = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: CALLBACK,
    client_id: request.clientId,
    code_verifier: request.verifier,
  };
  const { body } = await tokenRequest(base, fields);
  return {
    ...request,
    code,
    fields,
    access: body['access_token'] ?? '',
    refresh: body['refresh_token'] ?? '',
    browser,
  };
}

/** Sends `tools/list` in the newer era with a token. */
export function listWith(url: string, token: string): Promise<Response> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
  });
}
