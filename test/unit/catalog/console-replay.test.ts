import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createConsoleSource } from '../../../src/catalog/console-source.ts';
import { createConsole } from '../../../src/dify/console/console.ts';
import type { ConsoleCredentials } from '../../../src/dify/console/session.ts';
import { createDifyHttp, type DifyHttp } from '../../../src/dify/wire/http.ts';
import { startReplay } from '../../support/replay-console.ts';
import { recording, sharedIsPresent, sharedNote } from '../../support/shared.ts';

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
    expect(await dify.workspaces(signal)).toEqual([workspace]);
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
