import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeManifest } from '../../../src/manifest/write.ts';
import { mcpProvider } from '../../../src/sandbox/mcp-provider.ts';
import { text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool, type SandboxTool } from '../../../src/sandbox/provider.ts';
import { type CatalogueBridge, startCatalogueBridge } from '../../support/catalogue-bridge.ts';
import { CLIENT_KINDS } from '../../support/mcp-clients.ts';

const say = (name: string, says = name): SandboxTool =>
  defineTool(name, { description: `Says ${name}.` }, async function* () {
    yield text(says);
  });
const withTools = (id: string, tools: SandboxTool[], labels: string[] = []) =>
  builtinProvider(id, { label: 'Kit', description: 'Kit.', credentialFields: ['key'], tools, labels });
/** Installs a plugin with tools, and authorises it. */
function install({ sandbox }: CatalogueBridge, id: string, tools: SandboxTool[], credential?: string): void {
  sandbox.workspace.addProvider(withTools(id, tools));
  sandbox.workspace.authorize(id, credential);
}
const listed = ({ app }: CatalogueBridge, view = 'default'): string[] =>
  app.views
    .get(view)
    ?.registry.current()
    ?.tools.map(({ name }) => name) ?? [];

const OFFICIAL = 'langgenius/chart/chart';
const STRANGER = 'chart/chart/chart';

describe.each(CLIENT_KINDS)('what clients know, client %s', (kind) => {
  it('a name stays with its tool when another that would have it is installed', async () => {
    await using bridge = await startCatalogueBridge({
      file: { tools: { allow: [{ provider: '*chart' }], aliases: { old: 'chart__draw' } } },
    });
    const { workspace } = bridge.sandbox;
    install(bridge, OFFICIAL, [say('draw', 'official')]);
    await bridge.app.refresh();
    for (const client of [await bridge.connect(kind), await bridge.connectStdio(kind)]) {
      const answer = async (name: string): Promise<string | undefined> =>
        (await client.callTool(name, {})).content[0]?.text;
      install(bridge, STRANGER, [say('draw', 'stranger')]);
      await bridge.app.refresh();
      expect(await answer('chart__draw')).toBe('official');
      expect(await answer('old')).toBe('official');
      const [other = ''] = listed(bridge).filter((name) => name !== 'chart__draw');
      expect(other).toMatch(/^chart__draw_[0-9a-f]{6}$/);
      expect(await answer(other)).toBe('stranger');
      workspace.removeProvider('builtin', STRANGER);
      await bridge.app.refresh();
      expect(await answer('chart__draw')).toBe('official');
    }
    workspace.removeProvider('builtin', OFFICIAL);
    workspace.addProvider(withTools(STRANGER, [say('draw', 'stranger')]));
    await bridge.app.refresh();
    expect(listed(bridge)).toEqual(['chart__draw']);
  });

  it('a bare name goes to no other tool while its own is there', async () => {
    const file = { tools: { names: 'bare', allow: [{ tool: 'draw' }] } };
    await using bridge = await startCatalogueBridge({ file });
    const { workspace } = bridge.sandbox;
    for (const id of ['tests/a/a', 'tests/b/b']) {
      install(bridge, id, [say('draw', id)]);
    }
    bridge.write({ tools: { ...file.tools, deny: ['tests_b__*'] } });
    expect(await bridge.app.reload()).toMatchObject({ error: undefined });
    const client = await bridge.connect(kind);
    expect((await client.callTool('draw', {})).content[0]?.text).toBe('tests/a/a');
    bridge.write({ tools: { ...file.tools, deny: ['tests_a__*'] } });
    expect(await bridge.app.reload()).toMatchObject({ error: undefined });
    expect(listed(bridge)).toEqual(['tests_b__draw']);
    workspace.removeProvider('builtin', 'tests/a/a');
    await bridge.app.refresh();
    expect(listed(bridge)).toEqual(['draw']);
  });

  it('they hear of it when a tag of Dify pins a tool in mode search, and when it goes', async () => {
    const file = { tools: { mode: 'search', pinned: [{ label: 'search' }] } };
    await using bridge = await startCatalogueBridge({ file });
    const { workspace } = bridge.sandbox;
    install(bridge, 'tests/a/a', [say('draw')]);
    await bridge.app.refresh();
    for (const connect of [() => bridge.connect(kind), () => bridge.connectStdio(kind)]) {
      const client = await connect();
      const hasTool = async (): Promise<boolean> =>
        (await client.listPage()).tools.some(({ name }) => name === 'tests_a__draw');
      expect(await hasTool()).toBe(false);
      let changes = 0;
      for (const labels of [['search'], []]) {
        workspace.addProvider(withTools('tests/a/a', [say('draw')], labels));
        await bridge.app.refresh();
        changes += 1;
        await expect.poll(() => client.listChanges).toBe(changes);
        expect(await hasTool()).toBe(labels.length > 0);
      }
    }
  });
});

it('a rule that takes a tool away does not wait for a Dify that does not answer', async () => {
  await using bridge = await startCatalogueBridge();
  const { workspace } = bridge.sandbox;
  for (const id of ['tests/a/a', 'tests/b/b']) {
    install(bridge, id, [say('draw')], 'Sales');
  }
  await bridge.app.refresh();
  // Longer than any test may take.
  workspace.delay = 3_600_000;
  bridge.write({
    tools: { deny: ['tests_a__*'], presets: { tests_b__draw: { credential: 'Sales' } } },
  });
  const gone = new Promise<void>((resolve) => {
    bridge.app.registry.onChange(() => resolve());
  });
  const reload = bridge.app.reload();
  await gone;
  expect(listed(bridge)).not.toContain('tests_a__draw');
  await bridge.app.close(0);
  await reload;
});

it.each(['true', 'false'])(
  'what was approved for one view is there when Dify cannot list it, frozen %s',
  async (frozen) => {
    const file = {
      tools: { deny: [{ type: 'mcp' }] },
      views: { support: { deny: [], allow: [{ type: 'mcp', provider: 'desk' }] } },
    };
    await using first = await startCatalogueBridge({ file });
    const ask = {
      name: 'ask',
      description: 'Asks.',
      inputSchema: { type: 'object' },
      run: () => ({ content: [{ type: 'text' as const, text: 'asked' }] }),
    };
    const { sandbox } = first;
    sandbox.workspace.addProvider(
      mcpProvider({ serverIdentifier: 'desk', databaseId: 'desk-1', name: 'Desk', tools: [ask] }),
    );
    await first.app.refresh();
    const dir = join(first.folder, 'tools');
    const providers = first.app.status().listing?.providers ?? [];
    for (const [name, { registry }] of first.app.views) {
      await writeManifest(name === 'default' ? dir : join(dir, name), await registry.ready(), providers);
    }
    sandbox.workspace.breakListing('mcp');
    const env = { DIFY_BRIDGE_MANIFEST: dir, DIFY_BRIDGE_MANIFEST_FROZEN: frozen };
    await using bridge = await startCatalogueBridge({ sandbox, file, env });
    expect(listed(bridge, 'support')).toEqual(['mcp_desk__ask']);
    await bridge.app.refresh();
    expect(listed(bridge, 'support')).toEqual(['mcp_desk__ask']);
    expect(listed(bridge)).not.toContain('mcp_desk__ask');
    expect(bridge.app.status().stale).toMatchObject([{ providerType: 'mcp' }]);
  },
);

it('a provider whose tools cannot be listed is as Dify has it otherwise', async () => {
  const tools = { unauthorized: 'hide', deny: [{ label: 'blocked' }] };
  await using bridge = await startCatalogueBridge({ file: { tools } });
  const { workspace } = bridge.sandbox;
  const [id, name] = ['tests/a/a', 'tests_a__draw'];
  const changed = async (change: () => void): Promise<boolean> => {
    change();
    await bridge.app.refresh();
    return listed(bridge).includes(name);
  };
  const add = (labels: string[]) => workspace.addProvider(withTools(id, [say('draw')], labels));
  add([]);
  expect(await changed(() => workspace.authorize(id))).toBe(true);
  expect(await changed(() => workspace.breakProvider(id))).toBe(true);
  expect(await changed(() => workspace.revoke(id))).toBe(false);
  expect(await changed(() => workspace.authorize(id))).toBe(true);
  expect(await changed(() => add(['blocked']))).toBe(false);
  expect(bridge.app.status().stale).toMatchObject([{ providerId: id }]);
  expect(bridge.app.status().listing).not.toHaveProperty('unlisted');
});

it('tools that nobody has approved take neither the names nor the places of frozen ones', async () => {
  const file = {
    tools: { allow: [{ provider: 'tests/*' }], maxTools: 2 },
    views: { bare: { names: 'bare', maxTools: 100 } },
  };
  await using first = await startCatalogueBridge({ file });
  const { sandbox } = first;
  const add = (id: string, names: string[]): void => {
    sandbox.workspace.addProvider(
      withTools(
        id,
        names.map((name) => say(name)),
      ),
    );
    sandbox.workspace.authorize(id);
  };
  add('tests/notes/notes', ['one', 'two']);
  await first.app.refresh();
  const dir = join(first.folder, 'tools');
  await writeManifest(dir, await first.app.registry.ready(), first.app.status().listing?.providers ?? []);
  const env = { DIFY_BRIDGE_MANIFEST: dir, DIFY_BRIDGE_MANIFEST_FROZEN: 'true' };
  await using bridge = await startCatalogueBridge({ file, sandbox, env });
  const approved = [
    ['tests_notes__one', 'tests_notes__two'],
    ['one', 'two'],
  ];
  const served = () => [listed(bridge), listed(bridge, 'bare')];
  await bridge.app.refresh();
  expect(served()).toEqual(approved);
  add('tests/a/a', ['one', 'two', 'three']);
  await bridge.app.refresh();
  expect(served()).toEqual(approved);
  expect(bridge.app.manifests()).toMatchObject([{ difference: { added: { length: 3 } } }]);
  await first.app.refresh();
  await writeManifest(dir, await first.app.registry.ready(), first.app.status().listing?.providers ?? []);
  expect(await bridge.app.reload()).toMatchObject({ error: undefined });
  expect(served()[0]).toEqual(['tests_a__one', 'tests_a__three']);
});
