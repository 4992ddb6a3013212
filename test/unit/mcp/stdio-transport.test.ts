import { PassThrough } from 'node:stream';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { expect, it } from 'vitest';
import { StdioTransport } from '../../../src/mcp/stdio-transport.ts';

function connected() {
  const stdout = new PassThrough();
  const transport = new StdioTransport(new PassThrough(), stdout);
  const lines = (): unknown[] =>
    String(stdout.read() ?? '')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown);
  return { transport, stdout, lines };
}

/** A tool that counts how often it becomes JSON. */
function countedTool(name: string) {
  const tool = { name, description: 'Zählt "mit", 数える.', made: 0 };
  const toJSON = (): object => {
    tool.made += 1;
    return { name, description: tool.description };
  };
  return Object.defineProperty(tool, 'toJSON', { value: toJSON });
}

const answer = (id: number, result: object) => ({ jsonrpc: '2.0', id, result }) as unknown as JSONRPCMessage;

it('writes a list of tools as any other answer, and makes its JSON once', async () => {
  const { transport, lines } = connected();
  const tool = countedTool('a');
  const tools = Object.freeze([tool]);
  const shown = [{ name: 'a', description: tool.description }];
  await transport.send(answer(1, { tools }));
  await transport.send(answer(2, { tools, nextCursor: 'b' }));
  await transport.send(answer(3, { resultType: 'complete', tools, ttlMs: 5, _meta: {} }));
  expect(lines()).toEqual([
    { jsonrpc: '2.0', id: 1, result: { tools: shown } },
    { jsonrpc: '2.0', id: 2, result: { tools: shown, nextCursor: 'b' } },
    { jsonrpc: '2.0', id: 3, result: { resultType: 'complete', tools: shown, ttlMs: 5, _meta: {} } },
  ]);
  expect(tool.made).toBe(1);
});

it('makes the JSON of a list that may still change each time', async () => {
  const { transport, lines } = connected();
  const tools = [countedTool('a')];
  await transport.send(answer(1, { tools }));
  tools.push(countedTool('b'));
  await transport.send(answer(2, { tools }));
  expect(lines()).toMatchObject([{ result: { tools: [{}] } }, { result: { tools: [{}, {}] } }]);
});

it('passes on everything else', async () => {
  const { transport, lines } = connected();
  const messages = [
    { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
    answer(1, { content: [] }),
    { jsonrpc: '2.0', id: 2, error: { code: -32602, message: 'tools' } },
  ] as JSONRPCMessage[];
  for (const message of messages) await transport.send(message);
  expect(lines()).toEqual(messages);
});

it('writes nothing once it is closed', async () => {
  const { transport, stdout } = connected();
  await transport.close();
  await expect(transport.send(answer(1, { content: [] }))).rejects.toThrow('closed');
  expect(stdout.read()).toBeNull();
});

it.each([{ tools: Object.freeze([]) }, { content: [] }])(
  'rejects when the output is broken',
  async (result) => {
    const { transport, stdout } = connected();
    stdout.on('error', () => undefined);
    stdout.destroy(new Error('gone'));
    await expect(transport.send(answer(1, result))).rejects.toThrow(/gone|destroyed/);
  },
);
