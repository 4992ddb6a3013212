import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app/app.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import { EMAIL, WORKSPACE, WORKSPACE_ROOT } from '../../support/fake-console.ts';
import { wireParameter, wireProvider, wireTool } from '../../support/console-listings.ts';
import { DOWNLOAD_REQUEST, INVOKE } from '../../support/fixture-dify.ts';
import { CLIENT_KINDS, type TestClient } from '../../support/mcp-clients.ts';
import { type RunningBridge, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import {
  jsonAnswer,
  type ScriptedAnswer,
  type ScriptedDify,
  type ScriptedRequest,
  startScriptedDify,
} from '../../support/scripted-dify.ts';
import { cli } from '../../support/fake-cli.ts';
import { errorFrame } from '../../support/dify-wire.ts';
import { failing, messages, STREAM, streamed, textMessage } from './rows/row.ts';

/** What each secret has that nothing else has, and that no way of quoting changes. */
const CORES = ['9f31', '9f32', '9f33', '9f34', '9f35', '9f36', '9f37'].map((digits) => `core${digits}`);
const [INNER, ADMIN, SIGNING, PASSWORD, ACCESS, REFRESH, CSRF] = CORES.map(
  (core, index) => `fake-${index}-"${core}"<&>'${core}\\/+=`,
) as [string, string, string, string, string, string, string];
/** Cookies and bearer tokens are of letters and digits. */
const token = (secret: string): string => secret.replace(/\W/g, '');

const UPLOAD_REQUEST = '/inner/api/upload/file/request';
const FILE_ID = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const LOGIN = '/console/api/login';
const REFRESHING = '/console/api/refresh-token';
const BUILTIN = `${WORKSPACE_ROOT}/tools/builtin`;

/** All that a debug page could show: the request, and the settings of the api service. */
function seenBy({ headers, bytes }: ScriptedRequest): string {
  const { 'x-inner-api-key': inner, authorization, cookie, 'x-csrf-token': csrf } = headers;
  const carried = {
    'X-Inner-Api-Key': inner,
    Authorization: authorization,
    Cookie: cookie,
    'X-Csrf-Token': csrf,
  };
  const lines = Object.entries(carried).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${String(value)}`],
  );
  return ['MARK', ...lines, bytes.toString(), `SECRET_KEY=${SIGNING}`].join('\n');
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const withMessage =
  (message: string) =>
  (status: number): ScriptedAnswer =>
    jsonAnswer({ code: 'quoted', message, error: message, status }, status);

/** How a server quotes what it has seen. */
const WAYS: Readonly<Record<string, (seen: string) => (status: number) => ScriptedAnswer>> = {
  JSON: (seen) => withMessage(seen),
  'JSON in JSON': (seen) => withMessage(JSON.stringify({ message: `MARK ${JSON.stringify({ seen })}` })),
  'a web page in JSON': (seen) => withMessage(`<pre>${escapeHtml(seen)}</pre>`),
  'a query in JSON': (seen) => withMessage(`MARK ${encodeURIComponent(seen)}`),
  'a web page': (seen) => (status) => ({
    status,
    headers: { 'content-type': 'text/html' },
    body: `<pre>${escapeHtml(seen)}</pre>`,
  }),
  'plain text': (seen) => (status) => ({ status, headers: { 'content-type': 'text/plain' }, body: seen }),
};
/** Those whose words an error repeats. */
const REPEATED = ['JSON', 'JSON in JSON', 'a web page in JSON', 'a query in JSON'];
const CASES = Object.keys(WAYS).flatMap((way, index) =>
  [400, 401, 403, 500].map((status, n) => ({ way, status, share: (index + n) % 4 })),
);
/**
 * Returns a share of the cases, with every way of quoting: a quarter with each status at some way, or half of them. All
 * shares together have every way with every status.
 */
const quarter = (index: number) => CASES.filter(({ share }) => share === index % 4);
const half = (index: number) => CASES.filter(({ share }) => share % 2 === index % 2);

/** How a login is answered: in cookies from Dify 1.9.2 on, in its body before. */
let tokensIn: 'cookies' | 'body' = 'cookies';
/** What is answered instead of what Dify would. */
let quoting: ((request: ScriptedRequest) => ScriptedAnswer | undefined) | undefined;
const quote = (path: string, way: string, status: number): void => {
  quoting = (request) => (request.path.startsWith(path) ? WAYS[way]?.(seenBy(request))(status) : undefined);
};

const tool = wireTool('run', {
  parameters: [wireParameter('case'), wireParameter('file', { type: 'file' })],
});

function answerOf({ method, path, headers }: ScriptedRequest): ScriptedAnswer | undefined {
  if (path === LOGIN) {
    const tokens = { access_token: token(ACCESS), refresh_token: token(REFRESH), csrf_token: token(CSRF) };
    if (tokensIn === 'body') return jsonAnswer({ result: 'success', data: tokens });
    const lines = Object.entries(tokens).map(([name, value]) => `${name}=${value}; Path=/`);
    const { headers: usual = {}, ...answer } = jsonAnswer({ result: 'success' });
    return { ...answer, headers: { ...usual, 'set-cookie': lines } };
  }
  if (path.startsWith('/console/')) {
    const isKnown =
      headers.cookie !== undefined ||
      [ADMIN, ACCESS].some((key) => headers.authorization === `Bearer ${token(key)}`);
    if (path === '/console/api/ping') return jsonAnswer({ result: 'pong' });
    if (!isKnown) return jsonAnswer({ code: 'unauthorized', message: 'no' }, 401);
    const workspace = { id: WORKSPACE, name: 'fake', status: 'normal', current: true };
    if (path === '/console/api/workspaces') return jsonAnswer({ workspaces: [workspace] });
    if (path === WORKSPACE_ROOT) return jsonAnswer(workspace);
    return jsonAnswer(path === BUILTIN ? [wireProvider('builtin', 'acme/kit/kit', [tool])] : []);
  }
  if (path === INVOKE) {
    const meta = { filename: 'a.bin' };
    return messages({ type: 'binary_link', message: { text: `/files/tools/${FILE_ID}.bin` }, meta });
  }
  if (path === UPLOAD_REQUEST) return jsonAnswer({ data: { url: '/files/upload/for-plugin?sign=fake' } });
  if (method === 'POST' && path.startsWith('/files/upload/')) return jsonAnswer({ id: FILE_ID }, 201);
  if (path === DOWNLOAD_REQUEST) return jsonAnswer({ data: { download_url: '/files/none' } });
  return { status: 403 };
}

let dify: ScriptedDify;
const environment = (way: 'admin key' | 'login'): Record<string, string> => ({
  DIFY_API_URL: dify.url,
  DIFY_INNER_API_KEY: INNER,
  DIFY_WORKSPACE_ID: WORKSPACE,
  DIFY_SECRET_KEY: SIGNING,
  DIFY_BRIDGE_PORT: '0',
  ...(way === 'login'
    ? { DIFY_EMAIL: EMAIL, DIFY_PASSWORD: PASSWORD }
    : { DIFY_ADMIN_API_KEY: token(ADMIN) }),
});

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bridge-home-'));
  dify = await startScriptedDify((request) => quoting?.(request) ?? answerOf(request));
});
afterAll(async () => {
  await dify[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

/** Returns the secrets of which a part is in a text. */
function leaked(...texts: readonly unknown[]): readonly string[] {
  const text = texts.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join('\n');
  const encoded = [PASSWORD, INNER, SIGNING].map((secret) =>
    Buffer.from(secret).toString('base64').slice(0, 20),
  );
  return [...CORES, ...encoded].filter((core) => text.includes(core));
}

/** All that an error has for the reader. */
const shown = (error: unknown): string =>
  `${String(error)} ${error instanceof BridgeError ? error.toText() : ''} ${JSON.stringify(error)}`;

/** Over each transport, the clients together are answered in every way with every status. */
const CLIENTS = TRANSPORTS.flatMap((transport) =>
  CLIENT_KINDS.map((kind, index) => ({ transport, kind, cases: quarter(index) })),
);
const FILE = { data: Buffer.from('hello').toString('base64'), filename: 'a.txt' };
const ROADS = [
  { road: 'an invocation', path: INVOKE, args: {} },
  { road: 'the request for an upload', path: UPLOAD_REQUEST, args: { file: FILE } },
  { road: 'an upload', path: '/files/upload/', args: { file: FILE } },
  { road: 'the request for a download', path: DOWNLOAD_REQUEST, args: {} },
];

describe.each(CLIENTS)('what is quoted to a $kind client over $transport', ({ kind, transport, cases }) => {
  let bridge: RunningBridge;
  let client: TestClient;
  beforeAll(async () => {
    quoting = undefined;
    bridge = await startBridge({ env: environment('admin key') });
    await bridge.app.registry.ready();
    client = await bridge.connect(kind, transport);
  });
  afterAll(() => bridge[Symbol.asyncDispose]());

  it.each(ROADS)('has no secret: answers to $road', async ({ path, args }) => {
    for (const { way, status } of cases) {
      quote(path, way, status);
      const result = await client.callTool('acme_kit__run', { case: 'x', ...args });
      expect({ way, status, leaked: leaked(result, bridge.log) }).toEqual({ way, status, leaked: [] });
    }
    // The test would show nothing if nothing was quoted.
    quote(path, 'JSON', 400);
    const result = await client.callTool('acme_kit__run', { case: 'x', ...args });
    expect(JSON.stringify(result)).toMatch(/MARK/);
  });

  it.each<[string, (seen: string) => ScriptedAnswer]>([
    ['an error frame', (seen) => failing(seen, textMessage('before'))],
    [
      'an error frame of a plugin',
      (seen) => failing(`PluginInvokeError: ${JSON.stringify({ message: seen })}`),
    ],
    ['an error frame with an object', (seen) => streamed(errorFrame({ seen } as unknown as string))],
    ['a message of an unknown type', (seen) => messages({ type: 'request', message: { seen }, meta: null })],
    ['lines of JSON', (seen) => ({ headers: STREAM, body: JSON.stringify({ headers: seen, args: [] }) })],
    ['lines of text', (seen) => ({ headers: STREAM, body: `data: ${seen.replaceAll('\n', '\ndata: ')}\n` })],
  ])('has no secret: %s', async (_, made) => {
    quoting = (request) => (request.path === INVOKE ? made(seenBy(request)) : undefined);
    const result = await client.callTool('acme_kit__run', { case: 'x' });
    expect(JSON.stringify(result)).toContain('MARK');
    expect(leaked(result, bridge.log)).toEqual([]);
  });

  it('has no secret: steps of a tool, as progress and as log messages', async () => {
    quoting = (request) => {
      const seen = seenBy(request);
      const step = {
        id: '1',
        label: `${seen} label`,
        status: 'error',
        error: seen,
        data: { seen },
        metadata: {},
      };
      return request.path === INVOKE ? messages({ type: 'log', message: step, meta: null }) : undefined;
    };
    if (!client.modern) await client.setLogLevel('info');
    const progress: unknown[] = [];
    const options = { onprogress: (one: unknown) => void progress.push(one), logLevel: 'info' as const };
    await client.callTool('acme_kit__run', { case: 'x' }, options);
    const reports = JSON.stringify([progress, client.logs]);
    expect(reports.match(/MARK/g)?.length).toBeGreaterThan(2);
    expect(leaked(reports, bridge.log)).toEqual([]);
  });
});

describe.each(['admin key', 'login'] as const)('the console by %s', (way) => {
  const cases = half(way === 'login' ? 0 : 1);
  const paths = way === 'login' ? [BUILTIN, WORKSPACE_ROOT, LOGIN] : [BUILTIN, WORKSPACE_ROOT];

  it.each(paths)('quotes no secret to clients and the log: %s', async (path) => {
    const marked: string[] = [];
    for (const { way: form, status } of cases) {
      quote(path, form, status);
      await using bridge = await startBridge({ env: environment(way) });
      const client = await bridge.connect('v2 auto', 'stdio');
      const listing = await client.listPage().catch(shown);
      const call = await client.callTool('acme_kit__run').catch(shown);
      const said = [listing, call, bridge.app.status(), bridge.log];
      if (JSON.stringify(said).includes('MARK')) marked.push(form);
      expect({ form, status, leaked: leaked(...said) }).toEqual({ form, status, leaked: [] });
    }
    quoting = undefined;
    expect({ path, marked: [...new Set(marked)] }).toEqual({ path, marked: REPEATED });
  });

  it.each([...paths, UPLOAD_REQUEST, '/console/api/ping'])(
    'doctor and init show no secret: %s',
    async (path) => {
      const marked: string[] = [];
      // Doctor repeats what is said of the list for one status alone.
      const tried = path === BUILTIN ? CASES : cases;
      for (const { way: form, status } of tried.filter((one) => one.status > 401)) {
        quote(path, form, status);
        const env = { HOME: home, DIFY_BRIDGE_FILES_STORE: 'memory', ...environment(way) };
        const doctor = await cli(['doctor', '-o', 'json'], { env, io: { createApp } });
        const init = await cli(['init', '--yes', '--force'], { env });
        const said = [doctor.stdout, doctor.stderr, init.stdout, init.stderr];
        expect({ form, status, leaked: leaked(...said) }).toEqual({ form, status, leaked: [] });
        if (said.join('').includes('MARK')) marked.push(form);
      }
      quoting = undefined;
      expect({ path, marked: [...new Set(marked)] }).toEqual({ path, marked: REPEATED });
    },
  );
});

it.each(['cookies', 'body'] as const)(
  'a refused refresh quotes neither tokens in %s nor the password',
  async (place) => {
    quoting = undefined;
    tokensIn = place;
    const marked: string[] = [];
    for (const { way, status } of CASES) {
      quoting = undefined;
      await using bridge = await startBridge({ env: environment('login') });
      await bridge.app.registry.ready();
      quoting = (request) => {
        if (request.path === REFRESHING || request.path === LOGIN)
          return WAYS[way]?.(seenBy(request))(status);
        return request.path.startsWith('/console/') ? jsonAnswer({ code: 'unauthorized' }, 401) : undefined;
      };
      const error = await bridge.app.refresh().catch(shown);
      const said = [error, bridge.app.status(), bridge.log];
      expect({ way, status, leaked: leaked(...said) }).toEqual({ way, status, leaked: [] });
      if (JSON.stringify(said).includes('MARK')) marked.push(way);
    }
    expect([...new Set(marked)]).toEqual(REPEATED);
  },
);
