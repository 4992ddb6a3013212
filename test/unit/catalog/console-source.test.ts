import { afterEach, describe, expect, it } from 'vitest';
import { createConsoleSource } from '../../../src/catalog/console-source.ts';
import { createConsole } from '../../../src/dify/console/console.ts';
import type { ConsoleCredentials } from '../../../src/dify/console/session.ts';
import { createDifyHttp } from '../../../src/dify/wire/http.ts';
import type { CatalogListing } from '../../../src/model/ports.ts';
import { listingRoutes, listings, text, wireTool } from '../../support/console-listings.ts';
import {
  ADMIN_KEY,
  EMAIL,
  type FakeConsoleOptions,
  type FakeReply,
  PASSWORD,
  refusal,
  WORKSPACE_ROOT as root,
  startFakeConsole,
  WORKSPACE,
} from '../../support/fake-console.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const adminKey = { kind: 'admin-key', key: ADMIN_KEY, workspaceId: WORKSPACE } as const;
const login = { kind: 'login', email: EMAIL, password: PASSWORD, workspaceId: WORKSPACE } as const;
const TYPES = ['builtin', 'workflow', 'api', 'mcp'] as const;
const daemonDown = refusal(400, 'invalid_param', 'Failed to request plugin daemon');

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface OpenOptions extends FakeConsoleOptions {
  readonly credentials?: ConsoleCredentials;
  readonly timeoutMs?: number;
}

async function open({ credentials = adminKey, timeoutMs = 5_000, ...options }: OpenOptions = {}) {
  const dify = await startFakeConsole({ version: '1.12.1', routes: listingRoutes(), ...options });
  const http = createDifyHttp({ baseUrl: dify.url.href });
  cleanups.push(
    () => http.close(),
    () => dify.close(),
  );
  const logger = recordingLogger();
  const source = createConsoleSource(createConsole(http, credentials, timeoutMs), logger);
  const list = (signal = new AbortController().signal): Promise<CatalogListing> => source.list(signal);
  return { dify, list, logger };
}

const ids = ({ providers }: CatalogListing): string[] => providers.map(({ type, id }) => `${type}:${id}`);
const ALL = [
  'builtin:acme/keyed/keyed',
  'builtin:acme/kit/kit',
  'builtin:time',
  'workflow:0a2b6f1e-1111-4222-8333-444455556666',
  'api:9c0de1aa-1111-4222-8333-444455556666',
  'mcp:my-server',
];

/** Routes on which the whole list of builtin tools fails, but providers can be asked singly. */
function singly(tools: Record<string, FakeReply | (() => FakeReply)>, whole: FakeReply = daemonDown) {
  const overview = (listings.builtin as { tools: unknown }[]).map((provider) => ({ ...provider, tools: [] }));
  return {
    ...listingRoutes(),
    [`GET ${root}/tools/builtin`]: whole,
    [`GET ${root}/tool-providers?type=builtin`]: { json: overview },
    ...Object.fromEntries(
      Object.entries(tools).map(([id, reply]) => [`GET ${root}/tool-provider/builtin/${id}/tools`, reply]),
    ),
  };
}

const allSingly = {
  time: { json: [wireTool('current_time')] },
  'acme/kit/kit': { json: [wireTool('draw')] },
  'acme/keyed/keyed': { json: [wireTool('look_up')] },
};

describe('a listing', () => {
  it.each([
    ['the admin key', adminKey],
    ['a login', login],
  ])('has the providers of all types, in order, with %s', async (_, credentials) => {
    const { list, dify } = await open({ credentials });
    const listing = await list();
    expect(ids(listing)).toEqual(ALL);
    expect(listing.problems).toEqual([]);
    expect(listing.providers.find(({ id }) => id === 'acme/keyed/keyed')?.authorized).toBe(false);
    for (const type of TYPES) expect(dify.count(`${root}/tools/${type}`)).toBe(1);
  });

  it('has no mcp tools from a Dify that does not know them, and no problem', async () => {
    const { [`GET ${root}/tools/mcp`]: _, ...routes } = listingRoutes();
    const { list } = await open({ credentials: login, version: '1.5.1', routes });
    const listing = await list();
    expect(ids(listing)).toEqual(ALL.slice(0, -1));
    expect(listing.problems).toEqual([]);
  });

  it.each(['workflow', 'api', 'mcp'] as const)(
    'goes without %s when that list fails, and says so',
    async (type) => {
      const { list } = await open({
        routes: { ...listingRoutes(), [`GET ${root}/tools/${type}`]: refusal(500, 'unknown', 'Oops') },
      });
      const listing = await list();
      expect(ids(listing)).toEqual(ALL.filter((id) => !id.startsWith(type)));
      expect(listing.problems).toEqual([
        {
          providerType: type,
          message: expect.stringMatching(`^The ${type} tools could not be listed: .*500`),
        },
      ]);
    },
  );

  it('goes without a type that the account may not see', async () => {
    const { list } = await open({
      routes: { ...listingRoutes(), [`GET ${root}/tools/api`]: refusal(403, 'forbidden', 'No.') },
    });
    const listing = await list();
    expect(listing.problems).toMatchObject([{ providerType: 'api' }]);
    expect(listing.providers).toHaveLength(ALL.length - 1);
  });

  it('names a bad tool and keeps its provider', async () => {
    const [time] = listings.builtin as { tools: unknown[] }[];
    const { list } = await open({
      routes: {
        ...listingRoutes(),
        [`GET ${root}/tools/builtin`]: { json: [{ ...time, tools: [null, ...(time?.tools ?? [])] }] },
      },
    });
    const listing = await list();
    expect(listing.providers[0]?.tools).toHaveLength(2);
    expect(listing.problems).toMatchObject([{ providerType: 'builtin', providerId: 'time' }]);
  });
});

describe('builtin tools that cannot be listed as a whole', () => {
  it('are listed by provider', async () => {
    const { list, logger } = await open({ routes: singly(allSingly) });
    const listing = await list();
    expect(ids(listing)).toEqual(ALL);
    expect(listing.problems).toEqual([]);
    expect(listing.providers.slice(0, 3).map(({ tools }) => tools[0]?.name)).toEqual([
      'look_up',
      'draw',
      'current_time',
    ]);
    expect(listing.providers[0]?.authorized).toBe(false);
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { code: 'upstream_rejected' } }]);
  });

  it('are warned of once, while it goes on', async () => {
    const { list, logger } = await open({ routes: singly(allSingly) });
    await list();
    await list();
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'debug']);
  });

  it('lack only the provider that fails', async () => {
    const { list } = await open({
      routes: singly({ ...allSingly, 'acme/kit/kit': refusal(500, 'unknown', 'Oops') }),
    });
    const listing = await list();
    expect(ids(listing)).toEqual(ALL.filter((id) => id !== 'builtin:acme/kit/kit'));
    expect(listing.problems).toEqual([
      {
        providerType: 'builtin',
        providerId: 'acme/kit/kit',
        message: expect.stringContaining('"acme/kit/kit" could not be listed'),
      },
    ]);
  });

  it('are listed by plugin when the providers cannot be listed either', async () => {
    const plugin = (name: string, fields: readonly unknown[] = []) => ({
      plugin_id: `acme/${name}`,
      declaration: { tool: { identity: { name, label: text(name) }, credentials_schema: fields } },
    });
    const key = [{ name: 'api_key', type: 'secret-input' }];
    const plugins = [plugin('kit'), plugin('keyed', key), plugin('locked', key), plugin('secret', key)];
    const info = (name: string) => `GET ${root}/tool-provider/builtin/acme/${name}/${name}/credential/info`;
    const unreadable = refusal(400, 'invalid_param', 'Failed to parse response from plugin daemon');
    const tool = { json: [wireTool('run')] };
    const { list, logger } = await open({
      routes: {
        ...singly(
          {
            ...allSingly,
            audio: { json: [] },
            code: tool,
            webscraper: tool,
            'acme/kit/kit': unreadable,
            'acme/locked/locked': tool,
            'acme/secret/secret': tool,
          },
          unreadable,
        ),
        [`GET ${root}/tool-providers?type=builtin`]: unreadable,
        [`GET ${root}/plugin/list?page=1&page_size=100`]: { json: { plugins, total: 4 } },
        [info('keyed')]: { json: { credentials: [{ id: 'c1', name: 'one' }] } },
        [info('locked')]: { json: { credentials: [] } },
        [info('secret')]: refusal(500, 'unknown', 'Oops'),
      },
    });
    const { providers, problems } = await list();
    const builtin = providers.filter(({ type }) => type === 'builtin');
    expect(builtin.map(({ id, authorized, tools }) => [id, authorized, tools.length])).toEqual([
      ['acme/keyed/keyed', true, 1],
      ['acme/locked/locked', false, 1],
      ['acme/secret/secret', true, 1],
      ['audio', true, 0],
      ['code', true, 1],
      ['time', true, 1],
      ['webscraper', true, 1],
    ]);
    expect(providers).toHaveLength(builtin.length + 3);
    expect(problems).toEqual([
      {
        providerType: 'builtin',
        providerId: 'acme/kit/kit',
        message: expect.stringMatching(/"acme\/kit\/kit" could not be listed: .*Failed to parse response/),
      },
    ]);
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', expect.stringContaining('the bridge lists each provider')],
      ['warn', expect.stringContaining('from the list of plugins')],
    ]);
  });

  it('are those of Dify itself when the plugins cannot be listed either', async () => {
    const { list, logger } = await open({
      routes: {
        ...singly({ time: { json: [wireTool('current_time')] }, code: { json: [wireTool('run')] } }),
        [`GET ${root}/tool-providers?type=builtin`]: daemonDown,
        [`GET ${root}/plugin/list?page=1&page_size=100`]: daemonDown,
      },
    });
    const listing = await list();
    expect(ids(listing)).toEqual(['builtin:code', 'builtin:time', ...ALL.slice(3)]);
    expect(listing.problems.map(({ providerType, providerId }) => [providerType, providerId])).toEqual([
      ['builtin', undefined],
      ['builtin', 'audio'],
      ['builtin', 'webscraper'],
    ]);
    expect(listing.problems[0]?.message).toMatch(
      /^The plugins could not be listed: .*Failed to request plugin daemon/,
    );
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'warn']);
  });

  it('are missing as a whole when those cannot be listed either', async () => {
    const { list } = await open({
      routes: {
        ...singly({}),
        [`GET ${root}/tool-providers?type=builtin`]: daemonDown,
        [`GET ${root}/plugin/list?page=1&page_size=100`]: daemonDown,
      },
    });
    const listing = await list();
    expect(ids(listing)).toEqual(ALL.slice(3));
    expect(listing.problems).toEqual([
      { providerType: 'builtin', message: expect.stringContaining('Failed to request plugin daemon') },
    ]);
  });

  it('are listed by provider also when one keeps the whole list from ever ending', async () => {
    const { list } = await open({
      timeoutMs: 200,
      routes: singly(allSingly, { delayMs: 60_000, json: [] }),
    });
    expect(ids(await list())).toEqual(ALL);
  });

  it('are asked for a few providers at a time', async () => {
    const overview = Array.from({ length: 12 }, (_, index) => ({ id: `p${index}` }));
    let now = 0;
    let most = 0;
    const tools = overview.map(({ id }) => [
      `GET ${root}/tool-provider/builtin/${id}/tools`,
      () => {
        now += 1;
        most = Math.max(most, now);
        return {
          json: [wireTool('t')],
          delayMs: 10,
          onSent: () => {
            now -= 1;
          },
        };
      },
    ]);
    const { list } = await open({
      routes: {
        ...singly({}),
        [`GET ${root}/tool-providers?type=builtin`]: { json: overview },
        ...(Object.fromEntries(tools) as Record<string, () => FakeReply>),
      },
    });
    expect((await list()).providers.filter(({ type }) => type === 'builtin')).toHaveLength(12);
    expect(most).toBe(4);
  });
});

describe('nothing is listed', () => {
  it('when the admin key is wrong', async () => {
    const { list } = await open({ credentials: { ...adminKey, key: 'fake-other-key' } });
    await expect(list()).rejects.toMatchObject({
      code: 'upstream_unauthorized',
      hint: expect.stringContaining('DIFY_ADMIN_API_KEY'),
    });
  });

  it('when one list is refused; the others are closed and not waited for', async () => {
    let closed = (): void => undefined;
    const whenClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { list } = await open({
      timeoutMs: 60_000,
      routes: {
        ...listingRoutes(),
        [`GET ${root}/tools/api`]: { delayMs: 60_000, json: [], onAborted: () => closed() },
      },
      overrides: { [`GET ${root}/tools/mcp`]: refusal(401, 'unauthorized', 'Invalid token.') },
    });
    await expect(list()).rejects.toMatchObject({ code: 'upstream_unauthorized' });
    await whenClosed;
  });

  it('when the login is refused; that login was tried once for all lists of all times', async () => {
    const { list, dify } = await open({ credentials: { ...login, password: 'wrong' } });
    await expect(list()).rejects.toMatchObject({ code: 'upstream_unauthorized' });
    await expect(list()).rejects.toMatchObject({ code: 'upstream_unauthorized' });
    expect(dify.count('/console/api/login')).toBe(1);
    expect(dify.count(`${root}/tools/builtin`)).toBe(0);
  });

  it('when the login is in another workspace', async () => {
    const { list } = await open({
      credentials: login,
      accountWorkspace: '11111111-2222-4333-8444-555555555555',
    });
    await expect(list()).rejects.toMatchObject({
      code: 'upstream_unauthorized',
      message: expect.stringContaining('not in DIFY_WORKSPACE_ID'),
    });
  });

  it('when the address leads to a web app, which knows no route', async () => {
    const { list, dify } = await open({ routes: {} });
    await expect(list()).rejects.toMatchObject({ code: 'upstream_wrong_address' });
    expect(dify.count(`${root}/tool-providers`)).toBe(0);
  });

  it('when Dify is down, without asking for providers', async () => {
    const { list, dify } = await open();
    await dify.close();
    await expect(list()).rejects.toMatchObject({ code: 'upstream_unreachable' });
  });

  it('when every list fails', async () => {
    const routes = Object.fromEntries(
      TYPES.map((type) => [`GET ${root}/tools/${type}`, refusal(500, 'unknown', 'Oops')]),
    );
    const { list } = await open({
      routes: { ...routes, [`GET ${root}/tool-providers?type=builtin`]: refusal(500, 'unknown', 'Oops') },
    });
    await expect(list()).rejects.toMatchObject({ code: 'upstream_error' });
  });

  it('when the listing is cancelled', async () => {
    const gone = new AbortController();
    const { list } = await open({
      routes: {
        ...listingRoutes(),
        [`GET ${root}/tools/api`]: () => {
          gone.abort();
          return { delayMs: 60_000, json: [] };
        },
      },
    });
    await expect(list(gone.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });
});

it('lists the tools even if the workspace of the login cannot be looked up', async () => {
  const { list, logger } = await open({
    credentials: login,
    overrides: { 'GET /console/api/workspaces': refusal(500, 'unknown', 'Oops') },
  });
  expect(ids(await list())).toEqual(ALL);
  expect(logger.lines).toMatchObject([{ level: 'warn', fields: { code: 'upstream_error' } }]);
});
