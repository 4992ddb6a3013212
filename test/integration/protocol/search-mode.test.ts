import { afterEach, describe, expect, it } from 'vitest';
import { createServerFactory } from '../../../src/mcp/server.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { FAKE_TOOLS, type FakeBridge, fakeBridge } from '../../support/fake-bridge.ts';
import { runHost } from '../../support/http-host.ts';
import {
  CLIENT_KINDS,
  type ClientKind,
  connectClient,
  type TestProgress,
} from '../../support/mcp-clients.ts';
import { listingOf, testView, type TestViewOptions } from '../../support/test-view.ts';

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

/** Calls the tools of a fake bridge, which take any arguments. */
function callerOf(bridge: FakeBridge): NonNullable<TestViewOptions['caller']> {
  return {
    check: () => ({ parameters: {} }),
    record: () => () => undefined,
    call: ({ tool, parameters }, context) => bridge.callTool(tool.name, parameters, context),
    start: () => {
      throw new Error('no call is handed off');
    },
  };
}

/** A bridge in mode `search` over HTTP; tools whose name begins with `read_` are declared as only reading. */
async function connect(kind: ClientKind) {
  const bridge = fakeBridge();
  const presets = { 'read_*': { parameters: {}, readOnly: true } };
  const config = { mode: 'search', pinned: ['echo'], presets } as const;
  const view = await testView({ config, caller: callerOf(bridge) });
  const publish = (...names: string[]): void => view.update(listingOf(...names));
  publish(...FAKE_TOOLS);
  const createServer = createServerFactory({
    service: view,
    logger: silentLogger,
    info: { name: 'fake-bridge', version: '1.2.3' },
    progressIntervalMs: 15_000,
    listTtlMs: 60_000,
  });
  const running = await runHost({
    bridge,
    views: [{ name: 'default', path: '/mcp', createServer, tools: view.tools }],
  });
  open.push(() => running.host.close(0));
  const client = await connectClient(kind, { url: running.url });
  open.push(() => client.close());
  return { client, bridge, publish };
}

describe.each(CLIENT_KINDS)('%s client of a large catalogue', (kind) => {
  it('sees the own tools and what is pinned, finds a tool, reads its definition and calls it', async () => {
    const { client } = await connect(kind);
    const { tools } = await client.listPage();
    expect(tools.map(({ name }) => name)).toEqual(['call_tool', 'describe_tool', 'echo', 'search_tools']);

    const found = await client.callTool('search_tools', { query: 'does structured' });
    expect(found.content[0]?.text).toMatch(/:\nstructured — /);
    const described = await client.callTool('describe_tool', { name: 'structured' });
    expect(JSON.parse(described.content[0]?.text ?? '')).toMatchObject({ inputSchema: { type: 'object' } });
    const called = await client.callTool('call_tool', { name: 'structured', arguments: {} });
    expect(called).toEqual(await client.callTool('structured'));
    expect(called.content[0]?.text).toBe('{"n":[1,null]}');
    // The client sees no output schema of these tools.
    expect([found, described, called].map(({ structuredContent }) => structuredContent)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(client.errors).toEqual([]);
  });

  it('gets progress and log messages of the tool that it calls', async () => {
    const { client } = await connect(kind);
    if (!client.modern) await client.setLogLevel('info');
    const heard: TestProgress[] = [];
    let goingOn: Promise<unknown> | undefined;
    const onprogress = (progress: TestProgress): void => {
      heard.push(progress);
      if (progress.message === 'Rank: failed') goingOn = client.callTool('echo', { text: 'go on' });
    };
    const result = await client.callTool(
      'call_tool',
      { name: 'steps', arguments: { until: 'echo' } },
      { onprogress, logLevel: 'info' },
    );
    expect(result.content).toEqual([{ type: 'text', text: 'stepped' }]);
    await goingOn;
    expect(heard.map(({ message }) => message)).toContain('Search: done');
    expect(client.logs.map(({ level }) => level)).toEqual(['info', 'info', 'error']);
  });

  it('reads what it did wrong, and what a tool did wrong', async () => {
    const { client } = await connect(kind);
    const unknown = await client.callTool('call_tool', { name: 'structurd' });
    expect(unknown.isError).toBe(true);
    expect(unknown.content[0]?.text).toContain('Similar names: structured.');
    const failing = await client.callTool('call_tool', { name: 'failing' });
    expect(failing).toEqual(await client.callTool('failing'));
    const thrown = await client.callTool('call_tool', { name: 'throwing' });
    expect(thrown.content[0]?.text).not.toContain('a detail that nobody should read');
  });

  it('hears of a change only where its list changes', async () => {
    const { client, publish } = await connect(kind);
    await client.listPage();
    publish(...FAKE_TOOLS, 'late_comer');
    const found = await client.callTool('search_tools', { query: 'late comer' });
    expect(found.content[0]?.text).toMatch(/^1 tool .*:\nlate_comer — /);
    expect(client.listChanges).toBe(0);

    const change = client.nextListChange();
    publish(...FAKE_TOOLS, 'read_all');
    await change;
    const { tools } = await client.listPage();
    expect(tools.map(({ name }) => name)).toEqual([
      'call_read_tool',
      'call_write_tool',
      'describe_tool',
      'echo',
      'search_tools',
    ]);
    expect(client.listChanges).toBe(1);
  });

  it('cancels the call of a tool by cancelling its own', async () => {
    const { client, bridge } = await connect(kind);
    const controller = new AbortController();
    const hanging = client.callTool('call_tool', { name: 'hang' }, { signal: controller.signal });
    const ended = hanging.then(
      () => 'answered',
      () => 'ended',
    );
    await expect.poll(() => bridge.hanging).toBe(1);
    controller.abort();
    expect(await ended).toBe('ended');
    await expect.poll(() => bridge.cancelled).toBe(1);
  });
});
