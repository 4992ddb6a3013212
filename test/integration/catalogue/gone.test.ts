import { expect, it } from 'vitest';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const CLIENTS = [
  { kind: 'v1', transport: 'stdio' },
  { kind: 'v1', transport: 'HTTP' },
  { kind: 'v2 auto', transport: 'stdio' },
  { kind: 'v2 auto', transport: 'HTTP' },
] as const;

const GONE = [
  {
    what: 'an API',
    type: 'api',
    tool: 'api_Pet_store__getPet',
    args: { petId: 1 },
    says: /no longer has the tool/,
  },
  {
    what: 'a workflow',
    type: 'workflow',
    tool: 'workflow__compare_texts',
    args: { first: 'a', second: 'b' },
    says: /workflow behind the tool no longer exists/,
  },
  {
    what: 'a plugin',
    type: 'builtin',
    tool: 'paperkite_studio__draw_chart',
    args: { values: [1] },
    says: /plugin is no longer installed/,
  },
] as const;

it.each(CLIENTS)(
  'a call of a tool that got credentials meanwhile refreshes the list: a $kind client over $transport then calls it',
  async ({ kind, transport }) => {
    const sandbox = await createSandbox();
    await using bridge = await startBridge({
      env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_CATALOG_REFRESH: '24h' },
    });
    const client = await bridge.connect(kind, transport);
    const name = 'paperkite_postbox__send_letter';
    await client.listPage();
    sandbox.workspace.authorize('paperkite/postbox/postbox');
    const changed = client.nextListChange();
    // The list has no parameters of a tool that cannot run.
    expect(JSON.stringify((await client.callTool(name)).content)).toContain('no credentials');
    await changed;
    const result = await client.callTool(name, { to: 'Ada', body: 'Hello' });
    expect(result.isError ?? false).toBe(false);
    await sandbox.close();
  },
);

const CASES = CLIENTS.flatMap((client) => GONE.map((gone) => ({ ...client, ...gone })));

it.each(CASES)(
  'a call shows that $what is gone: a $kind client over $transport hears of the new list',
  async ({ kind, transport, type, tool, args, says }) => {
    const sandbox = await createSandbox({ version: '1.17.1' });
    // Only a failed call refreshes the list.
    await using bridge = await startBridge({
      env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_CATALOG_REFRESH: '24h' },
    });
    const client = await bridge.connect(kind, transport);
    const names = async (): Promise<string[]> =>
      ((await client.listPage()).tools as readonly { name: string }[]).map(({ name }) => name);
    const name = (await names()).find((each) => each.startsWith(tool)) ?? '';
    const provider = bridge.app
      .status()
      .listing?.providers.find((each) => each.type === type && each.tools.some((t) => name.endsWith(t.name)));

    const changed = client.nextListChange();
    sandbox.workspace.removeProvider(type, provider?.id ?? '');
    const result = await client.callTool(name, args);
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).toMatch(says);
    await changed;
    expect(await names()).not.toContain(name);
    await sandbox.close();
  },
);
