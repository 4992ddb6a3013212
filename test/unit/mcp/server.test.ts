import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { type JSONRPCMessage, ProgressNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { type BridgeServerOptions, createServerFactory } from '../../../src/mcp/server.ts';
import type { CallTool } from '../../../src/model/call.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { type FakeSource, fakeBridge, fakeSource, serviceOf } from '../../support/fake-bridge.ts';

const info = { name: 'fake-bridge', version: '1.2.3' };

interface Changes extends Partial<Omit<BridgeServerOptions, 'service'>> {
  readonly source?: FakeSource;
  readonly callTool?: CallTool;
  readonly instructions?: string;
}

function factory({ source, callTool, instructions, ...options }: Changes = {}) {
  const bridge = fakeBridge(source);
  const createServer = createServerFactory({
    service: serviceOf({ source: bridge.source, callTool: callTool ?? bridge.callTool }, { instructions }),
    logger: silentLogger,
    info,
    progressIntervalMs: 15_000,
    listTtlMs: 60_000,
    ...options,
  });
  return { bridge, createServer };
}

async function connected(options: Changes = {}) {
  const { bridge, createServer } = factory(options);
  const [here, there] = InMemoryTransport.createLinkedPair();
  const server = createServer({ era: 'legacy' });
  await server.connect(there);
  const received: JSONRPCMessage[] = [];
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(here);
  const { onmessage } = here;
  here.onmessage = (message, extra) => {
    received.push(message);
    onmessage?.(message, extra);
  };
  return { bridge, client, server, received, createServer };
}

describe('before the catalogue is loaded', () => {
  it('initialize is answered and tools/list waits', async () => {
    const source = fakeSource();
    const { client } = await connected({
      source,
      instructions: 'Tools of a Dify workspace.',
    });
    expect(client.getInstructions()).toBe('Tools of a Dify workspace.');
    const list = client.listTools();
    let answered = false;
    void list.then(() => (answered = true));
    await client.ping();
    expect(answered).toBe(false);
    source.publish(['echo']);
    expect((await list).tools.map(({ name }) => name)).toEqual(['echo']);
  });

  it('a first load that fails is an error that says what to do', async () => {
    const source = fakeSource();
    const { client } = await connected({ source });
    const list = client.listTools();
    source.fail(
      new BridgeError('catalog_unavailable', 'The tools could not be listed: no connection to Dify.', {
        hint: 'Check DIFY_API_URL.',
      }),
    );
    await expect(list).rejects.toMatchObject({
      code: -32_603,
      message: expect.stringContaining('no connection to Dify.\nCheck DIFY_API_URL.'),
      data: { code: 'catalog_unavailable' },
    });
  });

  it('a call without a catalogue is the same error, not a result', async () => {
    const { client } = await connected({
      callTool: () => Promise.reject(new BridgeError('catalog_unavailable', 'Nothing is loaded yet.')),
    });
    await expect(client.callTool({ name: 'echo' })).rejects.toMatchObject({ code: -32_603 });
  });

  it('a cancelled tools/list stops waiting', async () => {
    const source = fakeSource();
    const waits: AbortSignal[] = [];
    const { client } = await connected({
      source: {
        ...source,
        current: () => undefined,
        ready: (signal) => {
          if (signal) waits.push(signal);
          return source.ready(signal);
        },
      },
    });
    const cancel = new AbortController();
    const list = client.listTools({}, { signal: cancel.signal });
    await client.ping();
    cancel.abort('enough');
    await expect(list).rejects.toThrow('enough');
    await client.ping();
    expect(waits.map(({ aborted }) => aborted)).toEqual([true]);
  });
});

describe('tools/call', () => {
  it('hands over name, arguments, a signal and an id of its own', async () => {
    const seen: unknown[] = [];
    const { client } = await connected({
      callTool: async (name, args, { origin, signal }) => {
        seen.push([name, args, typeof origin?.requestId, signal.aborted]);
        return { content: [{ type: 'text', text: 'ok' }] };
      },
    });
    await client.callTool({ name: 'a', arguments: { deep: { list: [1] } } });
    await client.callTool({ name: 'b' });
    expect(seen).toEqual([
      ['a', { deep: { list: [1] } }, 'string', false],
      ['b', {}, 'string', false],
    ]);
  });

  it('turns an error for the model into a result with its hint', async () => {
    const { client } = await connected({
      callTool: () => Promise.reject(new BridgeError('busy', 'All slots are taken.', { hint: 'Try again.' })),
    });
    expect(await client.callTool({ name: 'echo' })).toEqual({
      isError: true,
      content: [{ type: 'text', text: 'All slots are taken.\nTry again.' }],
    });
  });

  it('logs a fault of the bridge with the id that the result names', async () => {
    const lines: unknown[][] = [];
    const logger = { ...silentLogger, error: (...line: unknown[]) => void lines.push(line) };
    const { client } = await connected({ logger });
    const result = await client.callTool({ name: 'throwing' });
    const [block] = result.content as { text: string }[];
    expect(block?.text).not.toContain('detail');
    expect(lines).toHaveLength(1);
    const [, fields] = lines[0] as [string, { requestId: string; tool: string; error: Error }];
    expect(fields).toMatchObject({
      tool: 'throwing',
      error: { message: 'a detail that nobody should read' },
    });
    expect(block?.text).toContain(fields.requestId);
  });

  it('sends nothing at all after a cancellation', async () => {
    const { client, bridge, received } = await connected({ progressIntervalMs: 20 });
    const cancel = new AbortController();
    const call = client.callTool({ name: 'hang' }, undefined, {
      signal: cancel.signal,
      onprogress: () => undefined,
    });
    await expect.poll(() => bridge.hanging).toBe(1);
    cancel.abort('no');
    await expect(call).rejects.toThrow('no');
    await expect.poll(() => bridge.cancelled).toBe(1);
    const count = received.length;
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(received).toHaveLength(count);
    expect(received.some((message) => 'result' in message || 'error' in message)).toBe(false);
  });

  it('ends its progress before the result is sent', async () => {
    const { client, received } = await connected();
    client.setNotificationHandler(ProgressNotificationSchema, () => undefined);
    await client.callTool({ name: 'steps' }, undefined, { onprogress: () => undefined });
    const kinds = received.map((message) => ('method' in message ? message.method : 'result'));
    expect(kinds).toEqual([
      'notifications/progress',
      'notifications/message',
      'notifications/progress',
      'notifications/message',
      'notifications/progress',
      'notifications/message',
      'notifications/progress',
      'result',
    ]);
  });

  it('sends no progress to a client that did not ask', async () => {
    const { client, received } = await connected({ progressIntervalMs: 5 });
    await client.callTool({ name: 'quiet', arguments: { ms: 40 } });
    expect(received.map((message) => 'method' in message)).toEqual([false]);
  });

  it('is counted while it runs', async () => {
    const { client, createServer, bridge } = await connected();
    const call = client.callTool({ name: 'hang' });
    await expect.poll(() => bridge.hanging).toBe(1);
    let isIdle = false;
    const idle = createServer.idle(60_000).then(() => (isIdle = true));
    await client.ping();
    expect(isIdle).toBe(false);
    bridge.release();
    await Promise.all([call, idle]);
  });
});

describe('what the bridge does not have', () => {
  it.each(['resources/list', 'prompts/list', 'completion/complete'])(
    '%s is an unknown method',
    async (method) => {
      const { client, received } = await connected();
      await client.transport?.send({ jsonrpc: '2.0', id: 99, method, params: {} });
      await expect.poll(() => received).toMatchObject([{ id: 99, error: { code: -32_601 } }]);
    },
  );
});
