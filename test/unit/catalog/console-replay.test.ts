import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { providersFromPlugins } from '../../../src/catalog/builtin-providers.ts';
import { createConsoleSource } from '../../../src/catalog/console-source.ts';
import { createConsole } from '../../../src/dify/console/console.ts';
import type { ConsoleCredentials } from '../../../src/dify/console/session.ts';
import { createDifyHttp, type DifyHttp } from '../../../src/dify/wire/http.ts';
import type { ToolProvider } from '../../../src/model/tool.ts';
import { startReplay } from '../../support/replay-console.ts';
import { type Recorded, recording, recordings, sharedIsPresent, sharedNote } from '../../support/shared.ts';

const WORKSPACE = 'fca33602-f62e-46d2-801c-630340289682';
const login = {
  kind: 'login',
  email: 'admin@example.com',
  password: 'Passw0rd1',
  workspaceId: WORKSPACE,
} as const;
const adminKey = { kind: 'admin-key', key: 'adm-key-123', workspaceId: WORKSPACE } as const;
const signal = new AbortController().signal;

interface RecordedProvider {
  readonly id: string;
  readonly name: string;
  readonly is_team_authorization: boolean;
  readonly tools: readonly {
    readonly name: string;
    readonly parameters: readonly { readonly name: string }[];
  }[];
}

const recorded = (name: string): RecordedProvider[] =>
  (recording(`console/${name}`)?.response.json ?? []) as RecordedProvider[];

describe.skipIf(!sharedIsPresent)(`recordings of Dify's console API${sharedNote}`, () => {
  let replay: Awaited<ReturnType<typeof startReplay>>;
  let http: DifyHttp;

  beforeEach(async () => {
    replay = await startReplay();
    http = createDifyHttp({ baseUrl: replay.url });
  });

  afterEach(async () => {
    await http.close();
    await replay.close();
    // A request that Dify's recordings do not have is a fault of the console, whatever became of it.
    if (replay.unmatched.length > 0) throw new Error(`not recorded: ${replay.unmatched.join(', ')}`);
  });

  const open = (credentials: ConsoleCredentials) => createConsole(http, credentials);

  it('give the whole catalogue to a login: every provider, tool and parameter', async () => {
    const listing = await createConsoleSource(open(login)).list(signal);
    expect(listing.problems).toEqual([]);
    for (const [type, providers, tools] of [
      ['builtin', 6, 17],
      ['workflow', 14, 14],
      ['api', 3, 21],
      ['mcp', 1, 1],
    ] as const) {
      const found = listing.providers.filter((provider) => provider.type === type);
      expect(found).toHaveLength(providers);
      expect(found.flatMap((provider) => provider.tools)).toHaveLength(tools);
      for (const expected of recorded(`tools-${type}`)) {
        expect(found.find(({ id }) => id === expected.id)).toMatchObject({
          name: expected.name,
          authorized: expected.is_team_authorization,
          tools: expected.tools.map(({ name, parameters }) => ({
            name,
            parameters: parameters.map((parameter) => ({ name: parameter.name })),
          })),
        });
      }
    }
  });

  it.each(['builtin', 'workflow', 'api', 'mcp'] as const)(
    'name the same %s providers with and without tools',
    async (type) => {
      const dify = open(login);
      const [withTools, without] = [
        await dify.listTools(type, signal),
        await dify.listProviders(type, signal),
      ];
      expect(without.providers.map(({ id }) => id)).toEqual(withTools?.providers.map(({ id }) => id));
    },
  );

  it.each(['time', 'acme/kit/kit'])('give the tools of %s alone as in the whole list', async (id) => {
    const dify = open(login);
    const { tools, problems } = await dify.builtinProviderTools(id, signal);
    const whole = await dify.listTools('builtin', signal);
    expect(problems).toEqual([]);
    const expected = whole?.providers.find((provider) => provider.id === id)?.tools;
    const byName = (list: readonly { name: string }[] = []): unknown[] =>
      [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(byName(tools)).toEqual(byName(expected));
  });

  it('give the workspaces to a login', async () => {
    const dify = open(login);
    const workspace = { id: WORKSPACE, name: "Admin's Workspace", status: 'normal' };
    expect(await dify.workspaces(signal)).toEqual([{ ...workspace, current: true }]);
    expect(await dify.currentWorkspace(signal)).toEqual(workspace);
    await dify.checkWorkspace(signal);
  });

  it('give workflow tools and all workspaces to the admin key', async () => {
    const dify = open(adminKey);
    expect((await dify.listTools('workflow', signal))?.providers).toHaveLength(14);
    expect((await dify.allWorkspaces(signal)).map(({ id }) => id)).toEqual([WORKSPACE]);
  });

  it.each([
    ['a wrong admin key', { ...adminKey, key: 'wrong' }],
    ['an unknown workspace', { ...adminKey, workspaceId: 'ed5acd1d-44a2-4663-8d5f-4956a41c7c92' }],
  ])('refuse %s', async (_, credentials) => {
    await expect(open(credentials).listTools('workflow', signal)).rejects.toMatchObject({
      code: 'upstream_unauthorized',
      upstream: { status: 401 },
    });
  });

  it('refuse a wrong password', async () => {
    const wrong = { kind: 'login', email: 'nobody2@example.com', password: 'wrong-password1' } as const;
    await expect(open(wrong).workspaces(signal)).rejects.toMatchObject({
      code: 'upstream_unauthorized',
      message: expect.stringContaining('Invalid email or password.'),
    });
  });
});

it.skipIf(!sharedIsPresent)(`recordings of 1.4.1 give every list to the admin key${sharedNote}`, async () => {
  const replay = await startReplay('1.4.1');
  const http = createDifyHttp({ baseUrl: replay.url });
  onTestFinished(async () => {
    await http.close();
    await replay.close();
    expect(replay.unmatched).toEqual([]);
  });
  const [lists] = recordings('console', '1.4.1').filter(({ name }) => name === 'console/tools-builtin');
  const workspaceId = lists?.request.headers['x-workspace-id'] ?? '';
  const dify = createConsole(http, { kind: 'admin-key', key: 'ADMIN-KEY', workspaceId });
  for (const [type, count] of [
    ['builtin', 7],
    ['workflow', 1],
    ['api', 1],
  ] as const) {
    const listing = await dify.listTools(type, signal);
    expect([type, listing?.problems, listing?.providers.length]).toEqual([type, [], count]);
  }
});

const NEWER: readonly Recorded[] = ['1.16.1', 'main of August 2026'];

describe.skipIf(!sharedIsPresent).each(NEWER)(`recordings of %s${sharedNote}`, (release) => {
  const adminHeaders = recordings('console', release).find(({ name }) => name === 'console/workspaces')
    ?.request.headers;
  const workspaceId = adminHeaders?.['x-workspace-id'] ?? '';

  async function replayed() {
    const replay = await startReplay(release);
    const http = createDifyHttp({ baseUrl: replay.url });
    onTestFinished(async () => {
      await http.close();
      await replay.close();
      expect(replay.unmatched).toEqual([]);
    });
    return createConsole(http, { kind: 'admin-key', key: 'ADMIN-KEY', workspaceId });
  }

  it('give the whole catalogue and its workspace to the admin key', async () => {
    const dify = await replayed();
    expect(await dify.currentWorkspace(signal)).toMatchObject({ id: workspaceId });
    const { providers, problems } = await createConsoleSource(dify).list(signal);
    expect(problems).toEqual([]);
    expect(providers.filter(({ type }) => type === 'builtin')).toHaveLength(25);
  });

  it('name the same providers in the list of plugins as in the list of providers', async () => {
    const dify = await replayed();
    const plugins = await dify.listPlugins(signal);
    expect(plugins.problems).toEqual([]);
    const listed = (await dify.listProviders('builtin', signal)).providers;
    const fromPlugins = listed.filter(({ id }) => id.includes('/'));
    const byId = <T extends { id: string }>(items: readonly T[]): T[] =>
      [...items].sort((a, b) => (a.id < b.id ? -1 : 1));
    // Whether there are credentials is in the list of providers alone.
    expect(byId(plugins.providers)).toEqual(byId(fromPlugins.map((each) => ({ ...each, authorized: true }))));
    const locked = fromPlugins.filter(({ authorized }) => !authorized).map(({ id }) => id);
    expect([...plugins.needCredentials]).toEqual(expect.arrayContaining(locked));
    expect(plugins.needCredentials).not.toContain('acme/probe/probe');

    const rest = listed.filter(({ id }) => !id.includes('/'));
    const known = await providersFromPlugins(
      { listPlugins: async () => plugins, credentials: async () => undefined },
      1,
      signal,
    );
    const facts = ({ id, name, label, tags }: ToolProvider) => ({ id, name, label: label['en_US'], tags });
    expect(known.providers.filter(({ id }) => !id.includes('/')).map(facts)).toEqual(byId(rest).map(facts));
  });
});
