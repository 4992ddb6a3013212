import { describe, expect, it } from 'vitest';
import { type CatalogueBridge, startCatalogueBridge } from '../../support/catalogue-bridge.ts';
import type { ClientKind, TestClient } from '../../support/mcp-clients.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const WEEKDAY = { year: 2026, month: 11, day: 22 };

const FILE = {
  tools: { handOff: 'off' },
  views: {
    clock: { allow: ['time__*'] },
    bare: { names: 'bare', allow: [{ provider: 'time' }] },
    finder: { mode: 'search', pinned: ['time__weekday'] },
  },
};

const names = async (client: TestClient): Promise<string[]> =>
  (await client.listPage()).tools.map(({ name }) => name);
const text = async (client: TestClient, name: string, args: Record<string, unknown>): Promise<string> => {
  const { content } = await client.callTool(name, args);
  return content.map((block) => block.text ?? '').join('\n');
};

describe.each(['HTTP', 'stdio'] as const)('views over %s', (transport) => {
  const connect = (bridge: CatalogueBridge, kind: ClientKind, view?: string): Promise<TestClient> =>
    transport === 'HTTP' ? bridge.connect(kind, view) : bridge.connectStdio(kind, view);

  it.each(ERAS)('list and call what is theirs (%s)', async (kind) => {
    await using bridge = await startCatalogueBridge({ file: FILE });
    const all = await names(await connect(bridge, kind));
    expect(all).toContain('paperkite_studio__draw_chart');

    const clock = await connect(bridge, kind, 'clock');
    const own = await names(clock);
    expect(own).toContain('time__weekday');
    expect(own.every((name) => name.startsWith('time__'))).toBe(true);
    expect(await text(clock, 'time__weekday', WEEKDAY)).toContain('Sunday');
    await expect(clock.callTool('paperkite_studio__draw_chart', { values: [1] })).rejects.toThrow(
      /not published/,
    );

    const bare = await connect(bridge, kind, 'bare');
    expect(await names(bare)).toContain('weekday');
    expect(await text(bare, 'weekday', WEEKDAY)).toContain('Sunday');

    const finder = await connect(bridge, kind, 'finder');
    expect(await names(finder)).toEqual(['call_tool', 'describe_tool', 'search_tools', 'time__weekday']);
    expect(await text(finder, 'search_tools', { query: 'bar chart' })).toContain('draw_chart');
    const called = { name: 'time__weekday', arguments: WEEKDAY };
    expect(await text(finder, 'call_tool', called)).toContain('Sunday');
    await expect(finder.callTool('time__weekdy')).rejects.toThrow(
      /time__weekday.* search_tools finds tools by what they do\./s,
    );
    await expect(clock.callTool('time__weekdy')).rejects.toThrow(
      /time__weekday.* tools\/list returns the names of all tools\./s,
    );
  });
});

describe('views over HTTP', () => {
  it('know no session of one another', async () => {
    await using bridge = await startCatalogueBridge({ file: FILE });
    const url = await bridge.url();
    const session = await openSession(`${url}/clock`);
    expect((await post(`${url}/clock`, LIST, session)).status).toBe(200);
    expect((await post(url, LIST, session)).status).toBe(404);
    expect((await post(`${url}/bare`, LIST, session)).status).toBe(404);
  });

  it('answer 404 for a view that is not there, and name those that are', async () => {
    await using bridge = await startCatalogueBridge({ file: FILE });
    const answer = await fetch(`${await bridge.url()}/nothing`, { method: 'POST' });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({
      error: 'Nothing is here: MCP is at /mcp, /mcp/clock, /mcp/bare, /mcp/finder.',
    });
    const failed = bridge.app.serveStdio({ view: 'nothing' });
    await expect(failed).rejects.toMatchObject({
      code: 'usage',
      hint: 'The views are default, clock, bare, finder.',
    });
  });

  it('share the number of streams', async () => {
    await using bridge = await startCatalogueBridge({ file: FILE, env: { DIFY_BRIDGE_MAX_STREAMS: '1' } });
    const url = await bridge.url();
    const [first, second] = [await openSession(url), await openSession(`${url}/clock`)];
    const closing = new AbortController();
    const stream = (address: string, session: Record<string, string>): Promise<Response> =>
      fetch(address, {
        headers: { ...session, Accept: 'text/event-stream' },
        signal: closing.signal,
      });
    expect((await stream(url, first)).status).toBe(200);
    expect((await stream(`${url}/clock`, second)).status).toBe(503);
    expect((await post(`${url}/clock`, LIST, second)).status).toBe(200);
    closing.abort();
  });

  it.each(ERAS)('tell of changes only those who see them (%s)', async (kind) => {
    await using bridge = await startCatalogueBridge({ file: FILE });
    await bridge.app.registry.ready();
    const [all, clock, finder] = [
      await bridge.connect(kind),
      await bridge.connect(kind, 'clock'),
      await bridge.connect(kind, 'finder'),
    ];
    const { workspace } = bridge.sandbox;
    for (const client of [all, clock, finder]) await client.listPage();
    const heard = all.nextListChange();
    workspace.removeTool('builtin', 'paperkite/studio/studio', 'draw_chart');
    await bridge.app.refresh();
    await heard;
    const [again, told] = [all.nextListChange(), clock.nextListChange()];
    workspace.removeTool('builtin', 'time', 'current_time');
    await bridge.app.refresh();
    await Promise.all([again, told]);
    const pinned = finder.nextListChange();
    workspace.removeTool('builtin', 'time', 'weekday');
    await bridge.app.refresh();
    await pinned;
    expect({ all: all.listChanges, clock: clock.listChanges, finder: finder.listChanges }).toEqual({
      all: 3,
      clock: 2,
      finder: 1,
    });
  });
});

describe('mode auto', () => {
  it('is decided once, by the first registry, and said in the log', async () => {
    await using bridge = await startCatalogueBridge({
      file: {
        views: { few: { mode: 'auto', auto: { tools: 5 } }, many: { mode: 'auto', auto: { tools: 500 } } },
      },
    });
    await bridge.app.registry.ready();
    await expect.poll(() => bridge.app.views.get('few')?.mode).toBe('search');
    expect(bridge.app.views.get('many')?.mode).toBe('list');
    const decisions = bridge.logger.lines.filter(({ message }) => message.startsWith('The size of a view'));
    expect(decisions.map(({ fields }) => [fields?.['view'], fields?.['mode']])).toEqual([
      ['few', 'search'],
      ['many', 'list'],
    ]);
    const few = await bridge.connect('v1', 'few');
    expect(await names(few)).toContain('search_tools');
    for (const { id, type } of bridge.sandbox.workspace.providers) {
      if (id !== 'time') bridge.sandbox.workspace.removeProvider(type, id);
    }
    await bridge.app.refresh();
    expect(bridge.app.views.get('few')?.registry.current()?.tools.length).toBeLessThan(6);
    expect(await names(few)).toContain('search_tools');
    await bridge.app.reload();
    expect(await names(few)).toContain('search_tools');
  });
});

const LIST = { jsonrpc: '2.0', id: 2, method: 'tools/list' };

/** Opens a session without a stream; the header of its requests. */
async function openSession(url: string): Promise<Record<string, string>> {
  const opened = await post(url, {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
  });
  await opened.text();
  return { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
}

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  });
}
