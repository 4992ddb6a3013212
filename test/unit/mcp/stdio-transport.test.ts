import { PassThrough } from 'node:stream';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../src/model/memory-budget.ts';
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

describe('a list', () => {
  /** A tool that counts how often its JSON is made. */
  function countedTool() {
    const tool = { name: 'cut \ud83d', made: 0, toJSON: () => ({ name: tool.name, made: (tool.made += 1) }) };
    return tool;
  }

  it('is made into JSON once, if it cannot change', async () => {
    const { transport, lines } = connected();
    const tools = Object.freeze([countedTool()]);
    await transport.send(answer(1, { tools }));
    await transport.send({ ...answer(1, { tools }), id: 'another "id"' });
    const result = { tools: [{ name: 'cut \ufffd', made: 1 }] };
    expect(lines()).toEqual([answer(1, result), { ...answer(1, result), id: 'another "id"' }]);
  });

  it('is made again for another list, and where the rest of the result differs', async () => {
    const { transport, lines } = connected();
    const tools = Object.freeze([{ name: 'a' }]);
    const others = Object.freeze([{ name: 'b' }]);
    const results = [{ tools }, { tools, nextCursor: 'x' }, { tools: others }, { tools, ttlMs: 1 }];
    for (const [id, result] of results.entries()) await transport.send(answer(id, result));
    expect(lines()).toEqual(results.map((result, id) => answer(id, result)));
  });

  it('that may change is made each time', async () => {
    const { transport, lines } = connected();
    const tools = [countedTool()];
    for (const id of [1, 2]) await transport.send(answer(id, { tools }));
    expect(lines()).toMatchObject([1, 2].map((made) => ({ result: { tools: [{ made }] } })));
  });
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

it('counts what the client has yet to read', async () => {
  const memory = new MemoryBudget(1000);
  const stdout = new PassThrough({ highWaterMark: 10 });
  const transport = new StdioTransport({ stdin: new PassThrough(), stdout, maxMessageBytes: 1000, memory });
  const sent = Promise.all([1, 2].map((id) => transport.send(answer(id, { text: 'x'.repeat(500) }))));
  expect(memory.used).toBeGreaterThan(1000);
  stdout.resume();
  await sent;
  expect(memory.used).toBe(0);
});

describe('what arrives', () => {
  function receiving() {
    const stdin = new PassThrough();
    const transport = new StdioTransport({
      stdin,
      stdout: new PassThrough(),
      maxMessageBytes: 16 * 1024 * 1024,
    });
    const first = new Promise<JSONRPCMessage>((resolve) => {
      transport.onmessage = resolve;
    });
    return { stdin, transport, first };
  }

  it('keeps the digits of its numbers', async () => {
    const { stdin, transport, first } = receiving();
    await transport.start();
    stdin.write('not JSON\n{"jsonrpc":"2.0","id":1,"method":"x","params":{"n":1234567890123456789}}\n');
    expect(await first).toMatchObject({ params: { n: 1234567890123456789n } });
  });

  it('is copied once, however small its pieces are', async () => {
    const { stdin, transport, first } = receiving();
    await transport.start();
    const text = 'x'.repeat(8_000_000);
    const line = Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"text":"${text}"}}\n`);
    // Copying what has arrived for each of 400,000 pieces would not end.
    for (let at = 0; at < line.length; at += 20) stdin.emit('data', line.subarray(at, at + 20));
    expect(await first).toMatchObject({ params: { text } });
  });
});
