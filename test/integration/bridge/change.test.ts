import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text } from '../../../src/sandbox/messages.ts';
import { defineTool } from '../../../src/sandbox/provider.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { CLIENT_KINDS, type TestClient } from '../../support/mcp-clients.ts';
import { startOutage } from '../../support/outage.ts';
import { type RunningBridge, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import { echoProvider } from '../../support/test-tools.ts';
import { said } from './rows/row.ts';

const CASES = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));

const namesOf = async (client: TestClient): Promise<string[]> =>
  (await client.listPage()).tools.map(({ name }) => name);

const everybody = (bridge: RunningBridge): Promise<TestClient[]> =>
  Promise.all(CASES.map(({ kind, transport }) => bridge.connect(kind, transport)));

const heard = (clients: readonly TestClient[]): number[] => clients.map(({ listChanges }) => listChanges);

/** The number of requests of a path so far. */
const count = ({ requests }: Sandbox, path: string): number =>
  requests.filter((request) => request.path === path).length;

describe('a change in Dify', () => {
  let sandbox: Sandbox;
  let bridge: RunningBridge;
  let clients: TestClient[];
  /** Changes so far that every client has to have heard of, and no more. */
  let changes = 0;
  beforeAll(async () => {
    sandbox = await createSandbox();
    bridge = await startBridge({ env: sandboxEnv(sandbox) });
    clients = await everybody(bridge);
    for (const client of clients) await client.listPage();
  });
  afterAll(async () => {
    await bridge[Symbol.asyncDispose]();
    await sandbox.close();
  });

  const tool = (name: string, description: string) =>
    defineTool(name, { description }, async function* () {
      yield text('new');
    });
  const STUDIO = 'paperkite/studio/studio';

  it.each([
    ['a new provider', () => sandbox.workspace.addProvider(echoProvider('acme/kit/kit'))],
    ['a new tool', () => sandbox.workspace.putTool('builtin', STUDIO, tool('fresh', 'Does this.'))],
    ['another description', () => sandbox.workspace.putTool('builtin', STUDIO, tool('fresh', 'Does that.'))],
    ['an authorised provider', () => sandbox.workspace.authorize('paperkite/postbox/postbox')],
    ['a tool that is gone', () => sandbox.workspace.removeTool('builtin', STUDIO, 'fresh')],
    ['a provider that is gone', () => sandbox.workspace.removeProvider('builtin', 'acme/kit/kit')],
  ])('%s reaches every client once', async (_, change) => {
    const names = await Promise.all(clients.map(namesOf));
    const next = clients.map((client) => client.nextListChange());
    // None of these is a change of what clients see.
    await bridge.app.refresh();
    sandbox.workspace.breakProvider(STUDIO);
    await bridge.app.refresh();
    sandbox.workspace.breakListing('workflow');
    await bridge.app.refresh();
    sandbox.workspace.repair();
    await bridge.app.refresh();
    expect(await Promise.all(clients.map(namesOf))).toEqual(names);
    expect(heard(clients)).toEqual(clients.map(() => changes));

    change();
    changes += 1;
    await bridge.app.refresh();
    await Promise.all(next);
    const listed = await Promise.all(clients.map(namesOf));
    expect(new Set(listed.map((list) => list.join())).size).toBe(1);
    expect(heard(clients)).toEqual(clients.map(() => changes));
  });

  it('a new tool can be called at once, and what is gone is not', async () => {
    sandbox.workspace.addProvider(echoProvider('acme/late/late'));
    await bridge.app.refresh();
    for (const client of clients) {
      expect((await client.callTool('acme_late__run')).content).toEqual([said('{}')]);
    }
    sandbox.workspace.removeProvider('builtin', 'acme/late/late');
    await bridge.app.refresh();
    for (const client of clients) {
      await expect(client.callTool('acme_late__run')).rejects.toMatchObject({ code: -32_602 });
    }
    expect(heard(clients)).toEqual(clients.map(() => changes + 2));
  });

  it('needs nobody to ask for it', async () => {
    await using own = await startBridge({
      env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_CATALOG_REFRESH: '1s' },
    });
    const client = await own.connect('v1', 'stdio');
    await client.listPage();
    const changed = client.nextListChange();
    sandbox.workspace.addProvider(echoProvider('acme/slow/slow'));
    await changed;
    expect(await namesOf(client)).toContain('acme_slow__run');
    sandbox.workspace.removeProvider('builtin', 'acme/slow/slow');
  });
});

describe('Dify is down', () => {
  it('at the start: an error that says what to do, then the list comes by itself', async () => {
    const sandbox = await createSandbox();
    await using outage = await startOutage(sandbox.url);
    await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), DIFY_API_URL: outage.url } });
    const clients = await everybody(bridge);
    const changes = clients.map((client) => client.nextListChange());
    for (const client of clients) {
      await expect(client.listPage()).rejects.toMatchObject({
        code: -32_603,
        message: expect.stringMatching(/Dify cannot be reached at [^]*Check that Dify is running/),
        data: { code: 'catalog_unavailable' },
      });
      await expect(client.callTool('time__current_time')).rejects.toMatchObject({ code: -32_603 });
    }
    await outage.up();
    await Promise.all(changes);
    for (const client of clients) {
      expect(await namesOf(client)).toContain('time__current_time');
      expect((await client.callTool('time__current_time')).isError).toBeUndefined();
    }
    expect(heard(clients)).toEqual(clients.map(() => 1));
    await sandbox.close();
  });

  it('later: the list stays, calls say so, and nobody hears of a change', async () => {
    const sandbox = await createSandbox();
    await using outage = await startOutage(sandbox.url);
    await outage.up();
    await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), DIFY_API_URL: outage.url } });
    const clients = await everybody(bridge);
    const before = await Promise.all(clients.map(namesOf));
    await outage.down();
    await expect(bridge.app.refresh()).rejects.toMatchObject({ code: 'upstream_unreachable' });
    expect(bridge.app.status().lastError).toContain('Dify cannot be reached');
    expect(await Promise.all(clients.map(namesOf))).toEqual(before);
    for (const client of clients) {
      expect(await client.callTool('time__current_time')).toMatchObject({
        isError: true,
        content: [said(expect.stringContaining('the connection was refused') as unknown as string)],
      });
    }
    await outage.up();
    await bridge.app.refresh();
    expect(bridge.app.status().lastError).toBeUndefined();
    for (const client of clients) {
      expect((await client.callTool('time__current_time')).isError).toBeUndefined();
    }
    expect(heard(clients)).toEqual(clients.map(() => 0));
    await sandbox.close();
  });
});

describe.each(['1.9.1', '1.13.0'])('the login of Dify %s', (version) => {
  const LOGIN = '/console/api/login';
  const REFRESH = '/console/api/refresh-token';

  it('runs out: it is renewed once, by its refresh token or with the password', async () => {
    const sandbox = await createSandbox({ version });
    await using bridge = await startBridge({ env: sandboxEnv(sandbox, 'login') });
    const client = await bridge.connect('v2 auto');
    const names = await namesOf(client);
    const logins = (): number[] => [count(sandbox, LOGIN), count(sandbox, REFRESH)];
    expect(logins()).toEqual([1, 0]);

    sandbox.sessions.expireAccessTokens();
    sandbox.workspace.addProvider(echoProvider('acme/first/first'));
    await bridge.app.refresh();
    expect(await namesOf(client)).toEqual(['acme_first__run', ...names]);
    expect(logins()).toEqual([1, 1]);

    sandbox.sessions.expireAccessTokens();
    sandbox.sessions.expireRefreshTokens();
    sandbox.workspace.removeProvider('builtin', 'acme/first/first');
    await bridge.app.refresh();
    expect(await namesOf(client)).toEqual(names);
    expect(logins()).toEqual([2, 2]);

    expect(bridge.app.status().lastError).toBeUndefined();
    expect((await client.callTool('time__current_time')).isError).toBeUndefined();
    expect(client.listChanges).toBe(2);
    await sandbox.close();
  });
});
