import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import { startCatalogueBridge } from '../../support/catalogue-bridge.ts';
import { GATE, startGatedSandbox } from '../../support/gated-sandbox.ts';
import { connectClient, type TestClient } from '../../support/mcp-clients.ts';

const names = async (client: TestClient): Promise<string[]> =>
  (await client.listPage()).tools.map(({ name }) => name);

describe('reload', () => {
  it('applies rules, presets and views, and tells each client once', async () => {
    await using bridge = await startCatalogueBridge({
      file: { views: { old: {}, same: { allow: ['time__*'] } } },
    });
    await bridge.app.registry.ready();
    const client = await bridge.connect('v1');
    const modern = await bridge.connect('v2 pinned');
    const old = await bridge.connect('v1', 'old');
    const same = await bridge.connect('v1', 'same');
    for (const each of [client, modern, same]) await each.listPage();
    bridge.write({
      tools: { deny: ['time__*'], presets: { paperkite_studio__draw_chart: { title: 'Bars' } } },
      views: { same: { allow: ['time__*'], deny: [] }, new: { allow: ['time__weekday'], deny: [] } },
    });
    const heard = Promise.all([client.nextListChange(), modern.nextListChange()]);
    expect(await bridge.app.reload()).toMatchObject({ error: undefined });
    await heard;
    const page = await client.listPage();
    expect(page.tools.some(({ name }) => name.startsWith('time__'))).toBe(false);
    expect(page.tools).toContainEqual(expect.objectContaining({ title: 'Bars' }));
    expect(await names(await bridge.connect('v2 pinned', 'new'))).toEqual([
      'cancel_call',
      'get_call_result',
      'time__weekday',
    ]);
    expect([...bridge.app.views.keys()]).toEqual(['default', 'same', 'new']);
    expect([client.listChanges, modern.listChanges, same.listChanges]).toEqual([1, 1, 0]);
    await expect(old.listPage()).rejects.toThrow(/404|Nothing is here/);
  });

  it('leaves the old configuration in force when the new one is wrong, and says all that is', async () => {
    await using bridge = await startCatalogueBridge({ file: { tools: { allow: ['time__*'] } } });
    await bridge.app.registry.ready();
    const before = bridge.app.registry.current()?.fingerprint;
    bridge.write({ tools: { deny: ['*'], alow: [] }, calls: { timeout: 'soon' } });
    expect(await bridge.app.reload()).toHaveProperty('error.code');
    expect(bridge.app.registry.current()?.fingerprint).toBe(before);
    const errors = bridge.logger.lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    const told = JSON.stringify(errors[0]?.fields);
    expect(told).toContain('alow');
    expect(told).toContain('calls.timeout');
    bridge.write({ tools: { allow: ['time__weekday'] } });
    expect(await bridge.app.reload()).toMatchObject({ error: undefined });
    expect(bridge.app.registry.current()?.tools.map(({ name }) => name)).toEqual(['time__weekday']);
  });

  it('lists the tools again, whatever the file contains', async () => {
    await using bridge = await startCatalogueBridge();
    await bridge.app.registry.ready();
    bridge.sandbox.workspace.removeTool('builtin', 'time', 'weekday');
    bridge.write({ nonsense: true });
    expect(await bridge.app.reload()).toHaveProperty('error.code');
    expect(bridge.app.registry.current()?.get('time__weekday')).toBeUndefined();
  });

  it('changes hand-off, and clients are notified because its tools appear and disappear', async () => {
    await using bridge = await startCatalogueBridge({
      file: { tools: { allow: ['time__*'], handOff: 'off' } },
    });
    await bridge.app.registry.ready();
    const client = await bridge.connect('v1');
    const before = await names(client);
    expect(before).not.toContain('get_call_result');
    const heard = client.nextListChange();
    bridge.write({ tools: { allow: ['time__*'], handOff: '5s' } });
    expect(await bridge.app.reload()).toMatchObject({ error: undefined });
    await heard;
    expect(await names(client)).toEqual(['cancel_call', 'get_call_result', ...before]);
    bridge.write({ tools: { allow: ['time__*'], handOff: 'off' } });
    await bridge.app.reload();
    expect(await names(client)).toEqual(before);
  });

  it('names what needs a restart until it got one, and applies the rest', async () => {
    await using bridge = await startCatalogueBridge();
    await bridge.app.registry.ready();
    const pending = (): unknown =>
      bridge.logger.lines.filter(({ message }) => message.includes('after a restart')).at(-1)?.fields?.[
        'settings'
      ];
    const file = {
      http: { keepAlive: '7s' },
      calls: { maxQueued: 3 },
      tools: { pageSize: 5, deny: ['time__*'] },
    };
    bridge.write(file);
    await bridge.app.reload();
    expect(pending()).toEqual(['http.keepAlive', 'calls.maxQueued', 'tools.pageSize']);
    expect(bridge.app.registry.current()?.tools.some(({ name }) => name.startsWith('time__'))).toBe(false);
    bridge.write({ ...file, calls: {} });
    await bridge.app.reload();
    expect(pending()).toEqual(['http.keepAlive', 'tools.pageSize']);
  });

  it('lets a call of a view that goes end', async () => {
    await using bridge = await startCatalogueBridge({ file: { views: { old: {} } } });
    await bridge.app.registry.ready();
    const [arrived, gate] = [latch(), latch()];
    bridge.sandbox.workspace.addProvider(
      gateProvider(() => {
        arrived.open();
        return gate.opened;
      }),
    );
    await bridge.app.refresh();
    const clients = [await bridge.connect('v1', 'old'), await bridge.connect('v2 pinned', 'old')];
    const calls = [clients[0]?.callTool('tests_gate__wait')];
    await arrived.opened;
    calls.push(clients[1]?.callTool('tests_gate__wait'));
    await expect
      .poll(() => bridge.sandbox.requests.filter(({ path }) => path.includes('invoke')).length)
      .toBe(2);
    bridge.write({});
    const reloaded = bridge.app.reload();
    await expect.poll(() => bridge.app.views.has('old')).toBe(false);
    gate.open();
    for (const call of calls) expect((await call)?.content[0]?.text).toBe('passed');
    expect(await reloaded).toEqual({ error: undefined, needRestart: [] });
    expect((await fetch(`${await bridge.url()}/old`, { method: 'POST' })).status).toBe(404);
  });

  it('ends a call of a view that goes if it takes longer, also one that was handed off', async () => {
    await using gated = await startGatedSandbox();
    const common = { calls: { shutdownGrace: '1s' }, tools: { handOff: '1s' } };
    const file = { ...common, views: { old: {} } };
    await using bridge = await startCatalogueBridge({ sandbox: gated.sandbox, file });
    for (const kind of ['v1', 'v2 pinned'] as const) {
      const client = await bridge.connect(kind, 'old');
      expect((await client.callTool(GATE)).content[0]?.text).toContain('is still running');
    }
    bridge.write(common);
    expect(await bridge.app.reload()).toEqual({ error: undefined, needRestart: [] });
    await Promise.all([gated.abandoned(), gated.abandoned()]);
  });

  it('ends a client over streams whose view is gone', async () => {
    await using bridge = await startCatalogueBridge({ file: { views: { old: {} } } });
    const ends = { stdin: new PassThrough(), stdout: new PassThrough() };
    const served = bridge.app.serveStdio({ ...ends, view: 'old' });
    const client = await connectClient('v1', ends);
    await client.listPage();
    bridge.write({});
    await bridge.app.reload();
    await served;
    expect(bridge.logger.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: { view: 'old' } }),
    );
    await client.close();
  });
});

function gateProvider(wait: () => Promise<void>) {
  const tool = defineTool('wait', { description: 'Waits.' }, async function* () {
    await wait();
    yield text('passed');
  });
  return builtinProvider('tests/gate/gate', { label: 'Gate', description: 'A gate.', tools: [tool] });
}

function latch(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
