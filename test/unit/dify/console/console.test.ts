import { afterEach, describe, expect, it } from 'vitest';
import { createConsole, type DifyConsole } from '../../../../src/dify/console/console.ts';
import type { ConsoleCredentials } from '../../../../src/dify/console/session.ts';
import { createDifyHttp } from '../../../../src/dify/wire/http.ts';
import { listingRoutes, text, wireProvider, wireTool } from '../../../support/console-listings.ts';
import { recording, sharedNote } from '../../../support/shared.ts';
import { errorOf } from '../../../support/error-of.ts';
import {
  ADMIN_KEY,
  EMAIL,
  type FakeConsoleOptions,
  type FakeReply,
  HTML_404,
  PASSWORD,
  refusal,
  WORKSPACE_ROOT as root,
  startFakeConsole,
  WORKSPACE,
} from '../../../support/fake-console.ts';

const adminKey = { kind: 'admin-key', key: ADMIN_KEY, workspaceId: WORKSPACE } as const;
const login = { kind: 'login', email: EMAIL, password: PASSWORD } as const;
const signal = new AbortController().signal;

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function open(
  routes: FakeConsoleOptions['routes'] = listingRoutes(),
  credentials: ConsoleCredentials = adminKey,
  options: FakeConsoleOptions = {},
) {
  const dify = await startFakeConsole({ version: '1.12.1', routes, ...options });
  const http = createDifyHttp({ baseUrl: dify.url.href });
  cleanups.push(
    () => http.close(),
    () => dify.close(),
  );
  return { dify, console: createConsole(http, credentials) };
}

describe('lists', () => {
  it.each([
    ['builtin', ['time', 'acme/kit/kit', 'acme/keyed/keyed'], [true, true, false]],
    ['workflow', ['0a2b6f1e-1111-4222-8333-444455556666'], [true]],
    ['api', ['9c0de1aa-1111-4222-8333-444455556666'], [true]],
    ['mcp', ['my-server'], [true]],
  ] as const)('%s providers with their tools', async (type, ids, authorized) => {
    const { console } = await open();
    const listing = await console.listTools(type, signal);
    expect(listing?.problems).toEqual([]);
    expect(listing?.providers.map((provider) => provider.id)).toEqual(ids);
    expect(listing?.providers.map((provider) => provider.authorized)).toEqual(authorized);
    expect(listing?.providers.every(({ tools }) => tools.length > 0)).toBe(true);
  });

  it('are the same object until Dify says something else', async () => {
    const { dify, console } = await open();
    const first = await console.listTools('builtin', signal);
    expect(await console.listTools('builtin', signal)).toBe(first);
    dify.setRoute(`GET ${root}/tools/builtin`, {
      json: [wireProvider('builtin', 'acme/new/new', [wireTool('run')])],
    });
    const changed = await console.listTools('builtin', signal);
    expect(changed?.providers).toHaveLength(1);
    dify.setRoute(`GET ${root}/tools/builtin`, { status: 500, json: {} });
    await errorOf(console.listTools('builtin', signal));
    dify.setRoute(`GET ${root}/tools/builtin`, {
      json: [wireProvider('builtin', 'acme/new/new', [wireTool('run')])],
    });
    expect(await console.listTools('builtin', signal)).toBe(changed);
  });

  it('providers without their tools', async () => {
    const { console } = await open({
      [`GET ${root}/tool-providers?type=builtin`]: { json: [wireProvider('builtin', 'time', [])] },
    });
    const { providers } = await console.listProviders('builtin', signal);
    expect(providers).toMatchObject([{ id: 'time', tools: [] }]);
  });

  it.each([
    ['acme/kit/kit', 'acme/kit/kit'],
    ['time', 'time'],
    ['odd id?&#/x%', 'odd%20id%3F%26%23/x%25'],
  ])('the tools of %s, slashes kept in the path', async (id, inPath) => {
    const { console, dify } = await open({
      [`GET ${root}/tool-provider/builtin/${inPath}/tools`]: { json: [wireTool('draw'), null] },
    });
    const { tools, problems } = await console.builtinProviderTools(id, signal);
    expect(tools.map(({ name }) => name)).toEqual(['draw']);
    expect(problems).toMatchObject([{ providerType: 'builtin', providerId: id }]);
    expect(dify.seen).toHaveLength(1);
  });
});

describe('a Dify without tools/mcp', () => {
  it('has no mcp tools', async () => {
    const { console } = await open({}, login, { version: '1.5.1' });
    expect(await console.listTools('mcp', signal)).toBeUndefined();
  });

  it('is distinguished from a handler that answers 404', async () => {
    const { console } = await open({
      [`GET ${root}/tools/mcp`]: refusal(404, 'not_found', 'No such thing.'),
    });
    expect(await errorOf(console.listTools('mcp', signal))).toMatchObject({
      code: 'upstream_rejected',
      message: expect.stringContaining('Dify said: "No such thing."'),
    });
  });

  it('is distinguished from an address that leads elsewhere', async () => {
    const { console } = await open({ [`GET ${root}/tools/mcp`]: { html: '<html>Dify</html>' } });
    expect((await errorOf(console.listTools('mcp', signal))).code).toBe('upstream_wrong_address');
  });

  it.each(['builtin', 'api', 'workflow'] as const)('must have tools/%s', async (type) => {
    const { console } = await open({});
    expect((await errorOf(console.listTools(type, signal))).code).toBe('upstream_wrong_address');
  });
});

describe('an answer of Dify without a list', () => {
  const rows: [string, FakeReply, object][] = [
    [
      'plugin daemon down',
      refusal(400, 'invalid_param', 'Failed to request plugin daemon, url: plugin/x/management/tools'),
      {
        code: 'upstream_rejected',
        message: expect.stringContaining('Dify said: "Failed to request plugin daemon'),
        hint: expect.stringContaining('plugin daemon'),
        upstream: { status: 400, path: `${root}/tools/builtin` },
      },
    ],
    [
      'a plugin that cannot say its parameters',
      refusal(
        400,
        'invalid_param',
        'req_id: f00 PluginInvokeError: {"error_type":"Exception","message":"no"}',
      ),
      { code: 'upstream_rejected', message: expect.stringMatching(/Dify said: "no"$/) },
    ],
    [
      'forbidden',
      refusal(403, 'forbidden', 'No.'),
      { code: 'upstream_unauthorized', upstream: { status: 403 } },
    ],
    ['internal error', refusal(500, 'unknown', 'Internal Server Error'), { code: 'upstream_error' }],
    ['internal error as a page', { status: 500, html: '<h1>500</h1>' }, { code: 'upstream_error' }],
    [
      'not set up',
      refusal(401, 'not_setup', 'Dify has not been initialized.'),
      { code: 'upstream_not_ready' },
    ],
    ['rate limit', refusal(429, 'too_many_requests', 'Slow.'), { code: 'upstream_rate_limited' }],
    ['gateway', { status: 503, html: '<h1>503</h1>' }, { code: 'upstream_unreachable' }],
    [
      'web page',
      { html: '<!doctype html><title>Dify</title>' },
      { code: 'upstream_wrong_address', hint: expect.stringContaining('DIFY_API_URL') },
    ],
    ['unknown route', HTML_404, { code: 'upstream_wrong_address' }],
    [
      'redirect',
      { status: 301, html: '', headers: { location: 'https://dify.example.com' } },
      { code: 'upstream_wrong_address' },
    ],
    [
      'no list',
      { json: { data: [] } },
      { code: 'upstream_error', message: expect.stringContaining('a list') },
    ],
  ];

  it.each(rows)('is an error that says what to do: %s', async (_, reply, expected) => {
    const { console } = await open({ [`GET ${root}/tools/builtin`]: reply });
    const error = await errorOf(console.listTools('builtin', signal));
    expect(error).toMatchObject(expected);
    expect(error.hint).toBeTruthy();
    expect(error.toText()).not.toContain(ADMIN_KEY);
  });

  it('JSON that breaks off', async () => {
    const { console } = await open({
      [`GET ${root}/tools/builtin`]: { html: '[{"id":', headers: { 'content-type': 'application/json' } },
    });
    expect(await errorOf(console.listTools('builtin', signal))).toMatchObject({
      code: 'upstream_error',
      message: expect.stringContaining('not JSON'),
    });
  });

  it('a workspace id that is no UUID, which Dify answers with 500', async () => {
    const credentials = { ...adminKey, workspaceId: 'kitchen' };
    const { console } = await open({}, credentials, {
      overrides: { [`GET ${root}/tools/builtin`]: refusal(500, 'unknown', 'Internal Server Error') },
    });
    expect(await errorOf(console.listTools('builtin', signal))).toMatchObject({
      code: 'upstream_unauthorized',
      message: expect.stringContaining('DIFY_WORKSPACE_ID'),
      hint: expect.stringContaining('UUID'),
    });
  });

  it('a request that is cancelled while Dify is silent', async () => {
    const gone = new AbortController();
    const { console, dify } = await open({
      [`GET ${root}/tools/builtin`]: () => {
        gone.abort();
        return { json: [] };
      },
    });
    expect((await errorOf(console.listTools('builtin', gone.signal))).code).toBe('cancelled');
    expect(dify.seen).toHaveLength(1);
  });
});

describe('workspaces', () => {
  const other = '11111111-2222-4333-8444-555555555555';

  const list = (...workspaces: unknown[]) => ({ 'GET /console/api/workspaces': { json: { workspaces } } });

  it.each([
    ['the admin key', adminKey],
    ['a login', login],
    ['a login for that workspace', { ...login, workspaceId: WORKSPACE.toUpperCase() }],
  ])('tells the current one of several to %s', async (_, credentials) => {
    const { console } = await open(
      list(
        { id: other, name: 'Cellar', status: 'normal', current: null },
        { id: WORKSPACE, name: 'Kitchen', status: 'normal', current: true },
      ),
      credentials,
    );
    expect(await console.currentWorkspace(signal)).toEqual({
      id: WORKSPACE,
      name: 'Kitchen',
      status: 'normal',
    });
  });

  it.each([
    [
      'the admin key',
      adminKey,
      /with the workspace "Cellar" \(1{8}.*, not for DIFY_WORKSPACE_ID/,
      /X-WORKSPACE-ID/,
    ],
    ['a login', { ...login, workspaceId: WORKSPACE }, /in the workspace "Cellar"/, /Switch that account/],
  ])('says so when %s gets the tools of another one', async (_, credentials, message, hint) => {
    const { console } = await open(
      list({ id: other, name: 'Cellar', current: true }, { id: WORKSPACE, name: 'Kitchen', current: false }),
      credentials,
    );
    expect(await errorOf(console.currentWorkspace(signal))).toMatchObject({
      code: 'upstream_unauthorized',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  it.each([
    ['the admin key', adminKey, /archived/],
    ['a login', login, /Switch the account/],
  ])('says so when none is current for %s', async (_, credentials, hint) => {
    const { console } = await open(list({ id: other, name: 'Cellar', current: false }), credentials);
    expect(await errorOf(console.currentWorkspace(signal))).toMatchObject({
      code: 'upstream_error',
      hint: expect.stringMatching(hint),
    });
  });

  it('tells those of the account', async () => {
    const { console } = await open({
      'GET /console/api/workspaces': {
        json: { workspaces: [{ id: other, name: 'Cellar', current: true }, {}] },
      },
    });
    expect(await console.workspaces(signal)).toEqual([
      { id: other, name: 'Cellar', status: undefined, current: true },
    ]);
  });

  it('tells all of the installation, page by page, to the admin key', async () => {
    const page = (ids: string[], more: boolean) => ({
      json: { data: ids.map((id) => ({ id, name: id, status: 'normal' })), has_more: more, total: 3 },
    });
    const { console, dify } = await open({
      'GET /console/api/all-workspaces?page=1&limit=20': page(['a', 'b'], true),
      'GET /console/api/all-workspaces?page=2&limit=20': page(['c'], false),
    });
    expect((await console.allWorkspaces(signal)).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(dify.seen[0]?.headers).not.toHaveProperty('x-workspace-id');
  });

  it('tells all of the installation to nobody else', async () => {
    const { console, dify } = await open({}, login);
    expect(await errorOf(console.allWorkspaces(signal))).toMatchObject({
      code: 'upstream_unauthorized',
      hint: expect.stringContaining('DIFY_ADMIN_API_KEY'),
    });
    expect(dify.seen).toEqual([]);
  });

  it.each([
    ['/console/api/workspaces', (console: DifyConsole) => console.workspaces(signal)],
    ['/console/api/all-workspaces?page=1&limit=20', (console: DifyConsole) => console.allWorkspaces(signal)],
  ])('does not take another answer of %s for none', async (path, ask) => {
    const { console } = await open({ [`GET ${path}`]: { json: { result: 'success' } } });
    expect((await errorOf(ask(console))).code).toBe('upstream_error');
  });

  it('says so when the account of a login is in another workspace, and switches nothing', async () => {
    const { console, dify } = await open(
      {},
      { ...login, workspaceId: WORKSPACE },
      { accountWorkspace: other },
    );
    expect(await errorOf(console.checkWorkspace(signal))).toMatchObject({
      code: 'upstream_unauthorized',
      message: `The account DIFY_EMAIL is in the workspace "Kitchen" (${other}), not in DIFY_WORKSPACE_ID.`,
      hint: expect.stringContaining('Switch that account'),
    });
    expect(dify.count('/console/api/workspaces/switch')).toBe(0);
  });

  it('is content with the right one, in any case of letters', async () => {
    const { console, dify } = await open({}, { ...login, workspaceId: WORKSPACE.toUpperCase() });
    await console.checkWorkspace(signal);
    expect(dify.count('/console/api/workspaces')).toBe(1);
  });

  it.each([
    ['the admin key', adminKey],
    ['a login for any workspace', login],
  ])('has nothing to check with %s', async (_, credentials) => {
    const { console, dify } = await open({}, credentials);
    await console.checkWorkspace(signal);
    expect(dify.seen).toEqual([]);
  });
});

describe('plugins', () => {
  const plugin = (id: string, fields: object = {}, tool: object = {}) => ({
    plugin_id: `acme/${id}`,
    declaration: {
      tool: {
        identity: {
          name: id,
          label: text(`Label ${id}`),
          description: text(`About ${id}`),
          tags: ['search'],
        },
        credentials_schema: [],
        oauth_schema: null,
        ...tool,
      },
    },
    ...fields,
  });
  const page = (number: number) => `GET ${root}/plugin/list?page=${number}&page_size=100`;

  it('are the providers of those that bring tools, from every page', async () => {
    const first = Array.from({ length: 100 }, (_, index) => plugin(`p${index}`));
    const { console } = await open({
      [page(1)]: { json: { plugins: first, total: 102 } },
      [page(2)]: {
        json: { plugins: [plugin('model', { declaration: { tool: null } }), plugin('last')], total: 102 },
      },
    });
    const { providers, problems, needCredentials } = await console.listPlugins(signal);
    expect({ problems, needCredentials }).toEqual({ problems: [], needCredentials: new Set() });
    expect(providers).toHaveLength(101);
    expect(providers.at(-1)).toEqual({
      type: 'builtin',
      id: 'acme/last/last',
      name: 'acme/last/last',
      label: text('Label last'),
      description: text('About last'),
      authorized: true,
      tags: ['search'],
      tools: [],
    });
  });

  it('are on one page where Dify knows no pages', async () => {
    const { console, dify } = await open({ [page(1)]: { json: { plugins: [plugin('only')] } } });
    expect((await console.listPlugins(signal)).providers).toHaveLength(1);
    expect(dify.seen).toHaveLength(1);
  });

  it('say which need credentials, of either kind', async () => {
    const field = [{ name: 'key', type: 'secret-input' }];
    const plugins = [
      plugin('open', {}, { oauth_schema: { client_schema: field, credentials_schema: [] } }),
      plugin('key', {}, { credentials_schema: field }),
      plugin('oauth', {}, { oauth_schema: { client_schema: field, credentials_schema: field } }),
      plugin('older', {}, { credentials_schema: undefined, oauth_schema: undefined }),
    ];
    const { console } = await open({ [page(1)]: { json: { plugins, total: 4 } } });
    expect((await console.listPlugins(signal)).needCredentials).toEqual(
      new Set(['acme/key/key', 'acme/oauth/oauth']),
    );
  });

  it('that cannot be read are left out and named', async () => {
    const plugins = [null, plugin('good'), { plugin_id: 'acme/odd' }, plugin('good')];
    const { console } = await open({ [page(1)]: { json: { plugins, total: 4 } } });
    const { providers, problems } = await console.listPlugins(signal);
    expect(providers.map(({ id }) => id)).toEqual(['acme/good/good']);
    expect(problems.map(({ message }) => message)).toEqual([
      'The builtin provider "entry 1" is left out: it has no id.',
      'The builtin provider "entry 3" is left out: it has no id.',
      'Dify lists the provider "acme/good/good" twice; the first one is used.',
    ]);
  });

  it('that are no list are an error', async () => {
    const { console } = await open({ [page(1)]: { json: [] } });
    expect((await errorOf(console.listPlugins(signal))).code).toBe('upstream_error');
  });
});

describe('credentials', () => {
  const path = `${root}/tool-provider/builtin/acme/sec/sec/credential/info`;
  const answer = (credentials: unknown): FakeConsoleOptions['routes'] => ({
    [`GET ${path}`]: { json: { supported_credential_types: ['api-key'], credentials } },
  });

  it('of a provider have their names', async () => {
    const { console } = await open(
      answer([
        { id: 'c1', name: 'one', is_default: true, credentials: { api_key: '******' } },
        { id: 'c2', name: 'two', is_default: false, visibility: 'only_me' },
        { id: 'c3' },
        'broken',
      ]),
    );
    expect(await console.credentials('acme/sec/sec', signal)).toEqual({
      needed: true,
      credentials: [
        { id: 'c1', name: 'one' },
        { id: 'c2', name: 'two', visibility: 'only_me' },
      ],
    });
  });

  const recorded = recording('console/credential-info');

  it.skipIf(recorded === undefined)(`are read as Dify was recorded to list them${sharedNote}`, async () => {
    const { console } = await open({ [`GET ${path}`]: { json: recorded?.response.json } });
    const names = (await console.credentials('acme/sec/sec', signal))?.credentials.map(({ name }) => name);
    expect(names).toEqual(['one', 'two']);
  });

  it('are not known where Dify is too old to have the list', async () => {
    const { console } = await open({ [`GET ${path}`]: HTML_404 });
    expect(await console.credentials('acme/sec/sec', signal)).toBeUndefined();
  });

  it('that are no list are an error', async () => {
    const { console } = await open(answer('none'));
    expect((await errorOf(console.credentials('acme/sec/sec', signal))).code).toBe('upstream_error');
  });
});
