import { PassThrough } from 'node:stream';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { expect, it } from 'vitest';
import { StdioTransport } from '../../../src/mcp/stdio-transport.ts';

function connected() {
  const stdout = new PassThrough();
  const transport = new StdioTransport({ stdin: new PassThrough(), stdout, maxMessageBytes: 1000 });
  const lines = (): unknown[] =>
    String(stdout.read() ?? '')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown);
  return { transport, stdout, lines };
}

const answer = (id: number, result: object) => ({ jsonrpc: '2.0', id, result }) as unknown as JSONRPCMessage;

it('writes a message a line, with whole characters', async () => {
  const { transport, lines } = connected();
  await transport.send(answer(1, { content: [{ type: 'text', text: 'cut \ud83d' }] }));
  await transport.send(answer(2, { tools: [] }));
  expect(lines()).toEqual([
    answer(1, { content: [{ type: 'text', text: 'cut \ufffd' }] }),
    answer(2, { tools: [] }),
  ]);
});

it('writes nothing once it is closed', async () => {
  const { transport, stdout } = connected();
  await transport.close();
  await expect(transport.send(answer(1, { content: [] }))).rejects.toThrow('closed');
  expect(stdout.read()).toBeNull();
});

it('rejects when the output is broken', async () => {
  const { transport, stdout } = connected();
  stdout.on('error', () => undefined);
  stdout.destroy(new Error('gone'));
  await expect(transport.send(answer(1, { content: [] }))).rejects.toThrow(/gone|destroyed/);
});
