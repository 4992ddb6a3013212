import { beforeEach, describe, expect, it } from 'vitest';
import { featuresOf } from '../../../src/sandbox/features.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { bodyOf, type Recording, recordings, sharedIsPresent, sharedNote } from '../../support/shared.ts';
import { cookieHeader, cookiesOf, login, startSandbox } from '../../support/sandbox-client.ts';
import { kitProvider } from '../../support/recorded-kit.ts';
import { recordedEcho } from '../../support/recorded-workspace.ts';
import { shapeDifferences } from '../../support/json-shapes.ts';

const ANSWERED_EXACTLY = [
  'admin-key-no-workspace',
  'admin-key-unknown-workspace',
  'admin-key-wrong',
  'bad-token',
  'csrf-missing',
  'login',
  'login-plain-password',
  'login-wrong-password',
  'no-credentials',
  'refresh',
  'refresh-reused',
  'unknown-route',
  'console-ping',
  'setup',
];

/** The time of the setup, and before 1.9.2 the tokens, differ from one installation to the next. */
const EXACT_IN_ONE_RELEASE = ['login', 'setup'];

const RELEASES = [
  { recorded: '1.4.1', version: '1.4.1', found: 12 },
  { recorded: '1.12.1', version: '1.12.1', found: 31 },
  { recorded: '1.16.1', version: '1.16.1', found: 30 },
  // Recorded after 1.16.1, before upstream raised the number in its answers.
  { recorded: 'main of August 2026', version: '1.17.0', found: 18 },
] as const;

describe.each(RELEASES)(
  `console exchanges recorded from $recorded${sharedNote}`,
  ({ recorded, version, found }) => {
    const entries = [...recordings('console', recorded), ...recordings('status', recorded)];
    let sandbox: Sandbox;
    let session: Map<string, string>;

    beforeEach(async () => {
      sandbox = await startSandbox({ version });
      session = cookiesOf(await login(sandbox));
    });

    it(`finds recordings to replay${sharedNote}`, () => {
      expect(entries).toHaveLength(sharedIsPresent ? found : 0);
    });

    for (const entry of entries) {
      const name = entry.name.split('/')[1] ?? '';
      const exact =
        ANSWERED_EXACTLY.includes(name) && (version === '1.12.1' || !EXACT_IN_ONE_RELEASE.includes(name));
      it(`${entry.name}: the same ${exact ? 'answer' : 'shape'}`, async () => {
        install(sandbox, entry);
        if (name === 'refresh-reused') await replay(sandbox, entry, session);
        const response = await replay(sandbox, entry, session);
        expect(response.status).toBe(entry.response.status);
        const headers = ['content-type', 'www-authenticate', 'x-env'];
        expect(headers.map((header) => response.headers.get(header))).toEqual(
          headers.map((header) => entry.response.headers[header] ?? null),
        );
        expect(response.headers.get('x-version')).toBe(version);
        expect(response.headers.getSetCookie().map(attributesOf).sort()).toEqual(
          [entry.response.headers['set-cookie'] ?? []].flat().map(attributesOf).sort(),
        );
        const body = await response.text();
        const { json } = entry.response;
        const answered: unknown = json === undefined ? body : JSON.parse(body);
        const expected = json ?? Buffer.from(bodyOf(entry)).toString();
        expect(exact || json === undefined ? answered : shapeDifferences(answered, json)).toEqual(
          exact || json === undefined ? expected : [],
        );
      });
    }
  },
);

/** Installs what the recording reads. */
function install(sandbox: Sandbox, entry: Recording): void {
  sandbox.workspace.removeProvider('builtin', 'paperkite/postbox/postbox');
  const builtin = /builtin\/(.+\/.+?)\/(?:tools|credential)/.exec(entry.request.path)?.[1];
  const id = builtin ?? 'acme/sec/sec';
  sandbox.workspace.addProvider(
    kitProvider(id, id === 'acme/vault/vault' ? ['api_key', 'region'] : ['api_key']),
  );
  sandbox.workspace.authorize(id, 'one');
  sandbox.workspace.authorize(id, 'two');
  const workflow = /workflow_tool_id=([\w-]+)/.exec(entry.request.path)?.[1];
  if (workflow !== undefined) sandbox.workspace.addProvider(recordedEcho(workflow));
}

/** Sends the recorded request with the sandbox's own key, workspace, session and login. */
function replay(sandbox: Sandbox, entry: Recording, session: ReadonlyMap<string, string>): Promise<Response> {
  const { method, path, body } = entry.request;
  const headers: Record<string, string> = { ...entry.request.headers };
  const { credentials } = sandbox;
  if (/^Bearer adm/i.test(headers['authorization'] ?? '')) {
    headers['authorization'] = `Bearer ${credentials.adminApiKey}`;
  }
  const names = entry.name.includes('unknown-workspace') ? undefined : headers['x-workspace-id'];
  if (names !== undefined) headers['x-workspace-id'] = credentials.workspaceId;
  if (headers['cookie'] !== undefined) headers['cookie'] = cookieHeader(session);
  if (headers['x-csrf-token'] !== undefined) headers['x-csrf-token'] = session.get('csrf_token') ?? '';
  if (body !== undefined && body !== null) headers['content-type'] = 'application/json';
  const isGoodLogin = entry.name === 'console/login';
  const { email, password } = credentials;
  const { base64Password } = featuresOf(sandbox.version);
  const sent = isGoodLogin
    ? {
        ...(body as object),
        email,
        password: base64Password ? Buffer.from(password).toString('base64') : password,
      }
    : body;
  return fetch(`${sandbox.url}${path}`, {
    method,
    headers,
    ...(sent !== undefined && sent !== null && { body: JSON.stringify(sent) }),
  });
}

/** A cookie without its value and the date. */
function attributesOf(cookie: string): string {
  return cookie.replace(/=[^;]*/, '').replace(/Expires=[^;]*/, 'Expires');
}
