import { describe, expect, it } from 'vitest';
import { definitionOf } from '../../../src/model/tool-definition.ts';
import { fakeBridge, fakeSource, fakeTool } from '../../support/fake-bridge.ts';
import { runHost } from '../../support/http-host.ts';
import { modernRequest, openRawSession, raw } from '../../support/raw-http.ts';

interface ListResult {
  readonly tools: readonly { readonly name: string }[];
  readonly nextCursor?: string;
}

/** Asks for a list as each era does. */
const ERAS = {
  'a session': async (port: number) => {
    const headers = await openRawSession(port);
    return (params: object = {}) =>
      raw(port, { headers, body: { jsonrpc: '2.0', id: 1, method: 'tools/list', params } });
  },
  '2026-07-28':
    async (port: number) =>
    (params: Record<string, unknown> = {}) =>
      raw(port, modernRequest('tools/list', params)),
};
const NAMES = Array.from({ length: 120 }, (_, index) => `tool_${String(index).padStart(3, '0')}`);

describe.each(Object.entries(ERAS))('a list by %s', (_, open) => {
  it('has every tool as it is, time and again', async () => {
    await using running = await runHost({ bridge: fakeBridge(fakeSource(NAMES)) });
    const list = await open(running.port);
    for (const _time of [1, 2]) {
      const { messages } = await list();
      expect(messages).toHaveLength(1);
      const { tools } = (messages[0] as unknown as { result: ListResult }).result;
      expect(tools).toEqual(NAMES.map((name) => definitionOf(fakeTool(name))));
    }
  });

  it('is divided into pages, and may be empty', async () => {
    await using running = await runHost({ bridge: fakeBridge(fakeSource(NAMES)), pageSize: 70 });
    const list = await open(running.port);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { messages } = await list(cursor === undefined ? {} : { cursor });
      const { result } = messages[0] as unknown as { result: ListResult };
      seen.push(...result.tools.map(({ name }) => name));
      cursor = result.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(NAMES);
    running.bridge.source.publish([]);
    expect((await list()).messages).toMatchObject([{ result: { tools: [] } }]);
  });

  it('is answered alike each time, but for the ID, until the list changes', async () => {
    await using running = await runHost({ bridge: fakeBridge(fakeSource(['a', 'b'])) });
    const list = await open(running.port);
    const [first, second] = [await list(), await list()];
    expect(second.messages).toEqual(first.messages);
    expect({ ...second.headers, date: '' }).toEqual({ ...first.headers, date: '' });
    running.bridge.source.publish(['c']);
    for (const _time of [1, 2])
      expect((await list()).messages).toMatchObject([{ result: { tools: [{ name: 'c' }] } }]);
  });

  it('that cannot be had is an error', async () => {
    await using running = await runHost({ bridge: fakeBridge(fakeSource(NAMES)), pageSize: 70 });
    const list = await open(running.port);
    const { messages } = await list({ cursor: 'nonsense' });
    expect(messages).toMatchObject([{ error: { code: -32_602 } }]);
  });
});

describe('a prepared list', () => {
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

  it('is in the words of the revision of each session, and names its own session', async () => {
    await using running = await runHost({ bridge: fakeBridge(fakeSource(['a'])) });
    for (const [version, hasTitle] of [
      ['2025-11-25', true],
      ['2024-11-05', false],
      ['2025-11-25', true],
      ['2024-11-05', false],
    ] as const) {
      const session = await openRawSession(running.port, {}, version);
      // Some clients of older revisions send no version with their requests.
      const headers = { 'Mcp-Session-Id': String(session['Mcp-Session-Id']) };
      for (const _time of [1, 2]) {
        const answer = await raw(running.port, { headers, body });
        const [message] = answer.messages;
        expect(message).toMatchObject({ result: { tools: [{ name: 'a' }] } });
        expect(JSON.stringify(message).includes('"title"')).toBe(hasTitle);
        expect(answer.headers['mcp-session-id']).toBe(session['Mcp-Session-Id']);
      }
    }
  });

  it('is for those alone who may have it: the checks of a request stay', async () => {
    await using running = await runHost({
      bridge: fakeBridge(fakeSource(['a'])),
      token: 'fake-token-1234567890',
    });
    const { port } = running;
    const token = { Authorization: 'Bearer fake-token-1234567890' };
    const modern = modernRequest('tools/list', {});
    const session = { ...(await openRawSession(port, token)), ...token };
    const status = async (headers: Record<string, string>, more: object = {}) =>
      (await raw(port, { headers, body: { ...body, ...more } })).status;
    for (const _time of [1, 2]) {
      expect(await status(session)).toBe(200);
      expect((await raw(port, { ...modern, headers: { ...modern.headers, ...token } })).status).toBe(200);
      expect((await raw(port, modern)).status).toBe(401);
      expect(await status({ ...session, Authorization: 'Bearer wrong' })).toBe(401);
      expect(await status({ ...session, 'Mcp-Session-Id': 'unknown' })).toBe(404);
      expect(await status({ ...session, 'MCP-Protocol-Version': '1999-01-01' })).toBe(400);
      const wrong = { ...modern.headers, ...token, 'Mcp-Method': 'tools/call' };
      expect((await raw(port, { ...modern, headers: wrong })).status).toBe(400);
    }
  });
});
