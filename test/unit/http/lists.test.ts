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

  it('that cannot be had is an error', async () => {
    await using running = await runHost({ bridge: fakeBridge(fakeSource(NAMES)), pageSize: 70 });
    const list = await open(running.port);
    const { messages } = await list({ cursor: 'nonsense' });
    expect(messages).toMatchObject([{ error: { code: -32_602 } }]);
  });
});
