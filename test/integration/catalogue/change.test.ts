import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/model/json.ts';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool, type SandboxTool } from '../../../src/sandbox/provider.ts';
import { type CatalogueBridge, startCatalogueBridge } from '../../support/catalogue-bridge.ts';
import { type ClientKind, type TestClient } from '../../support/mcp-clients.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const NOTES = 'tests/notes/notes';
const KEPT = ['one', 'two', 'three', 'four'];

/** A tool that answers its own name and what it was given, after a moment. */
function note(
  name: string,
  options: { readonly arguments?: readonly string[]; readonly says?: string } = {},
): SandboxTool {
  const { arguments: names = ['word'], says = name } = options;
  const parameters = names.map((word) => parameter(word, { description: 'A word.' }));
  return defineTool(name, { description: `Says ${says}.`, parameters }, async function* (given) {
    await delay(Math.random() * 15);
    yield text(`${says}:${names.map((word) => wordOf(given[word])).join()}`);
  });
}

/** A word as it was given. */
function wordOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function notes(tools: readonly SandboxTool[]) {
  return builtinProvider(NOTES, { label: 'Notes', description: 'Notes.', tools });
}

/** Calls the tools that stay, one after the other, until told to stop; every answer is checked. */
function callOn(client: TestClient): { stop(): Promise<number> } {
  const stopping = new AbortController();
  const work = (async () => {
    let calls = 0;
    while (!stopping.signal.aborted) {
      const name = KEPT[calls % KEPT.length] ?? '';
      const result = await client.callTool(`tests_notes__${name}`, { word: String(calls) });
      expect(result.isError).not.toBe(true);
      expect(result.content[0]?.text).toBe(`${name}:${calls}`);
      calls += 1;
    }
    return calls;
  })();
  // A failure is reported at the end.
  work.catch(() => undefined);
  return {
    stop() {
      stopping.abort();
      return work;
    },
  };
}

const listed = (bridge: CatalogueBridge): string[] =>
  bridge.app.registry
    .current()
    ?.tools.map(({ name }) => name)
    .filter((name) => name.startsWith('tests_')) ?? [];

describe('a workspace that changes while calls run', () => {
  it('loses no call, calls no wrong tool, and reports each change once', async () => {
    await using bridge = await startCatalogueBridge({ login: true });
    const { workspace, sessions } = bridge.sandbox;
    workspace.addProvider(notes(KEPT.map((name) => note(name))));
    await bridge.app.refresh();
    const clients = await Promise.all(ERAS.map((kind) => bridge.connect(kind)));
    for (const client of clients) await client.listPage();
    const callers = clients.flatMap((client) => [callOn(client), callOn(client)]);

    let changes = 0;
    /** Refreshes after a change, and again to see that it counts once. */
    const settle = async (isChange: boolean): Promise<void> => {
      const heard = isChange ? clients.map((client) => client.nextListChange()) : [];
      if (isChange) changes += 1;
      await bridge.app.refresh().catch(() => undefined);
      await Promise.all(heard);
      await bridge.app.refresh().catch(() => undefined);
    };

    for (let round = 0; round < 3; round += 1) {
      await settle(false);
      workspace.putTool('builtin', NOTES, note('extra'));
      await settle(true);
      workspace.renameTool('builtin', NOTES, 'extra', 'renamed');
      await settle(true);
      expect(listed(bridge)).toContain('tests_notes__renamed');
      expect(listed(bridge)).not.toContain('tests_notes__extra');
      workspace.putTool('builtin', NOTES, note('renamed', { arguments: ['word', 'other'] }));
      await settle(true);
      workspace.breakProvider(NOTES);
      await settle(false);
      expect(listed(bridge)).toContain('tests_notes__renamed');
      expect(bridge.app.status().stale).toMatchObject([{ providerType: 'builtin', providerId: NOTES }]);
      workspace.repair();
      await settle(false);
      expect(bridge.app.status().stale).toEqual([]);
      workspace.breakListing('api');
      await settle(false);
      workspace.repair();
      sessions.expireAccessTokens();
      await settle(false);
      sessions.expireAccessTokens();
      sessions.expireRefreshTokens();
      await settle(false);
      expect(bridge.app.status().lastError).toBeUndefined();
      workspace.removeTool('builtin', NOTES, 'renamed');
      await settle(true);
    }

    const counts = await Promise.all(callers.map((caller) => caller.stop()));
    for (const count of counts) expect(count).toBeGreaterThan(10);
    for (const client of clients) {
      expect(client.listChanges).toBe(changes);
      expect(client.errors).toEqual([]);
    }
  });

  it('finishes a call with the tool that it started with', async () => {
    await using bridge = await startCatalogueBridge();
    const { workspace } = bridge.sandbox;
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const slow = defineTool('slow', { description: 'Slow.' }, async function* () {
      yield text('begun, ');
      await answered;
      yield text('ended');
    });
    workspace.addProvider(notes([slow]));
    await bridge.app.refresh();
    const clients = await Promise.all(ERAS.map((kind) => bridge.connect(kind)));
    const arrived = bridge.sandbox.nextRequest('/inner/api/invoke/tool');
    const calls = clients.map((client) => client.callTool('tests_notes__slow'));
    await arrived;
    await expect
      .poll(() => bridge.sandbox.requests.filter(({ path }) => path === '/inner/api/invoke/tool').length)
      .toBe(clients.length);
    workspace.removeProvider('builtin', NOTES);
    await bridge.app.refresh();
    expect(listed(bridge)).toEqual([]);
    answer();
    for (const call of calls) expect((await call).content[0]?.text).toBe('begun, ended');
  });
});

describe('a name that is gone', () => {
  it.each(ERAS)('is answered with what replaced it (%s)', async (kind) => {
    await using bridge = await startCatalogueBridge({ file: { views: { find: { mode: 'search' } } } });
    const { workspace } = bridge.sandbox;
    workspace.addProvider(notes([note('one'), note('two')]));
    await bridge.app.refresh();
    const client = await bridge.connect(kind);
    const finder = await bridge.connect(kind, 'find');
    bridge.write({ tools: { names: 'bare' }, views: { find: { mode: 'search' } } });
    await bridge.app.reload();
    await expect(client.callTool('tests_notes__one')).rejects.toThrow(/is now called one.*Call one/s);
    const found = await finder.callTool('call_tool', { name: 'tests_notes__one' });
    expect(found).toMatchObject({ isError: true });
    expect(found.content[0]?.text).toContain('is now called one');
    workspace.removeTool('builtin', NOTES, 'one');
    await bridge.app.refresh();
    await expect(client.callTool('tests_notes__one')).rejects.toThrow(/no longer exists in Dify/);
    await expect(client.callTool('one')).rejects.toThrow(/no longer exists in Dify/);
    await expect(client.callTool('tests_notes__never')).rejects.toThrow(/There is no tool named/);
  });

  it.each(ERAS)('goes on working as an alias (%s)', async (kind) => {
    await using bridge = await startCatalogueBridge({
      file: { tools: { aliases: { old_note: 'tests_notes__one' } }, views: { find: { mode: 'search' } } },
    });
    bridge.sandbox.workspace.addProvider(notes([note('one')]));
    await bridge.app.refresh();
    const client = await bridge.connect(kind);
    expect((await client.callTool('old_note', { word: 'x' })).content[0]?.text).toBe('one:x');
    const finder = await bridge.connect(kind, 'find');
    const called = await finder.callTool('call_tool', { name: 'old_note', arguments: { word: 'y' } });
    expect(called.content[0]?.text).toBe('one:y');
  });
});

describe('readiness', () => {
  it('is 503 before there are tools, and 200 with what is stale afterwards', async () => {
    await using bridge = await startCatalogueBridge({ start: false });
    const ready = async (): Promise<[number, unknown]> => {
      const answer = await fetch(new URL('/readyz', await bridge.url()));
      return [answer.status, await answer.json()];
    };
    expect(await ready()).toEqual([503, { status: 'loading' }]);
    await bridge.app.refresh();
    const since = bridge.app.status().loadedAt?.toISOString();
    expect(await ready()).toEqual([200, { status: 'ready' }]);
    bridge.sandbox.workspace.breakListing('workflow');
    await bridge.app.refresh();
    expect(await ready()).toEqual([200, { status: 'ready', stale: [{ providerType: 'workflow', since }] }]);
    expect(listed(bridge)).toEqual([]);
    expect(bridge.app.registry.current()?.tools.some(({ name }) => name.startsWith('workflow__'))).toBe(true);
    bridge.sandbox.workspace.repair();
    await bridge.app.refresh();
    expect(await ready()).toEqual([200, { status: 'ready' }]);
  });
});

describe('a credential named in a preset', () => {
  const POST = 'tests/post/post';
  const file = { tools: { presets: { 'tests_post__*': { credential: 'Sales' } } } };

  async function withPost(config: Parameters<CatalogueBridge['write']>[0]): Promise<CatalogueBridge> {
    const bridge = await startCatalogueBridge({ file: config });
    const who = defineTool('who', { description: 'Says who.' }, async function* (_given, { credential }) {
      yield text(credential?.name ?? 'nobody');
    });
    bridge.sandbox.workspace.addProvider(
      builtinProvider(POST, { label: 'Post', description: 'Post.', credentialFields: ['key'], tools: [who] }),
    );
    return bridge;
  }
  const called = async (bridge: CatalogueBridge): Promise<string | undefined> => {
    const context = { signal: new AbortController().signal };
    const { content } = await bridge.app.callTool('tests_post__who', {}, context);
    return content[0]?.type === 'text' ? content[0].text : undefined;
  };
  const asked = ({ sandbox }: CatalogueBridge): number =>
    sandbox.requests.filter(({ path }) => path.endsWith('/credential/info')).length;

  it('is looked up in Dify and used, whatever its id', async () => {
    await using bridge = await withPost(file);
    const { workspace } = bridge.sandbox;
    workspace.authorize(POST, 'Support');
    const id = workspace.authorize(POST, 'Sales');
    await bridge.app.refresh();
    expect(await called(bridge)).toBe('Sales');
    workspace.renameCredential(id, 'Old');
    const other = workspace.authorize(POST, 'Sales');
    await bridge.app.refresh();
    expect(bridge.app.registry.current()?.get('tests_post__who')?.credentialId).toBe(other);
    workspace.renameCredential(other, 'Gone');
    await bridge.app.refresh();
    expect(bridge.app.registry.current()?.get('tests_post__who')).toBeUndefined();
    expect(bridge.app.registry.current()?.withheld).toContainEqual(
      expect.objectContaining({ name: 'tests_post__who', detail: expect.stringContaining('"Sales"') }),
    );
  });

  it('is asked for where a preset names one, and of that provider alone', async () => {
    await using bridge = await withPost({});
    bridge.sandbox.workspace.authorize(POST, 'Support');
    bridge.sandbox.workspace.authorize(POST, 'Sales');
    await bridge.app.refresh();
    expect(asked(bridge)).toBe(0);
    expect(await called(bridge)).toBe('Support');
    const client = await bridge.connect('v1');
    await client.listPage();
    bridge.write(file);
    await bridge.app.reload();
    expect(await called(bridge)).toBe('Sales');
    expect(asked(bridge)).toBeGreaterThan(0);
    // Which credential is used is nothing that clients see.
    expect(client.listChanges).toBe(0);
    const paths = new Set(
      bridge.sandbox.requests.map(({ path }) => path).filter((path) => path.includes('credential')),
    );
    expect([...paths]).toEqual([
      `/console/api/workspaces/current/tool-provider/builtin/${POST}/credential/info`,
    ]);
  });

  it('stays in use while Dify does not give the list', async () => {
    await using bridge = await withPost(file);
    const { workspace } = bridge.sandbox;
    workspace.authorize(POST, 'Support');
    workspace.authorize(POST, 'Sales');
    await bridge.app.refresh();
    workspace.breakProvider(POST);
    await bridge.app.refresh();
    expect(bridge.app.status().stale).toMatchObject([{ providerId: POST }]);
    expect(await called(bridge)).toBe('Sales');
  });
});
