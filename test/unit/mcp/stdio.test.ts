import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createServerFactory } from '../../../src/mcp/server.ts';
import { serveOverStdio } from '../../../src/mcp/stdio.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { fakeBridge, serviceOf } from '../../support/fake-bridge.ts';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: { readonly content?: readonly { readonly text: string }[] };
}

function start(maxMessageBytes?: number) {
  const bridge = fakeBridge();
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  let output = '';
  stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const createServer = createServerFactory({
    service: serviceOf(bridge),
    logger: silentLogger,
    info: { name: 'fake-bridge', version: '1' },
    progressIntervalMs: 15_000,
    listTtlMs: 0,
  });
  const host = serveOverStdio({
    createServer,
    registry: bridge.source,
    logger: silentLogger,
    stdin,
    stdout,
    ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
  });
  return {
    bridge,
    host,
    stdin,
    /** Every line that was written, parsed: a line that is not JSON fails the test. */
    messages: () =>
      output
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Message),
    send: (message: object) => stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
  };
}

const initialize = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
};

async function introduced(maxMessageBytes?: number) {
  const running = start(maxMessageBytes);
  running.send(initialize);
  await expect.poll(() => running.messages().length).toBe(1);
  running.send({ method: 'notifications/initialized' });
  return running;
}

describe('the stdio host', () => {
  it('ends and cancels what runs when the input ends', async () => {
    const { host, bridge, stdin, send, messages } = await introduced();
    send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
    await expect.poll(() => bridge.hanging).toBe(1);
    stdin.end();
    await host.closed;
    await expect.poll(() => bridge.cancelled).toBe(1);
    expect(messages()).toHaveLength(1);
    expect(bridge.source.listenerCount).toBe(0);
  });

  it('tells nobody of a change before initialize', async () => {
    const { bridge, send, messages, host } = start();
    bridge.source.publish(['a']);
    send({ id: 1, method: 'ping' });
    await expect.poll(() => messages().length).toBe(1);
    bridge.source.publish(['a', 'b']);
    send({ ...initialize, id: 2 });
    await expect.poll(() => messages().length).toBe(2);
    bridge.source.publish(['a', 'b', 'c']);
    await expect
      .poll(() => messages().map(({ method }) => method))
      .toEqual([undefined, undefined, 'notifications/tools/list_changed']);
    await host.close(0);
  });

  it('lets a running call answer before it closes', async () => {
    const { host, bridge, send, messages } = await introduced();
    send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
    await expect.poll(() => bridge.hanging).toBe(1);
    const closing = host.close(10_000);
    bridge.release();
    await closing;
    await host.closed;
    expect(messages()[1]).toMatchObject({ id: 2, result: { content: [{ text: 'released' }] } });
  });

  it('cancels a call that outlasts the grace', async () => {
    const { host, bridge, send } = await introduced();
    send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
    await expect.poll(() => bridge.hanging).toBe(1);
    await host.close(10);
    await expect.poll(() => bridge.cancelled).toBe(1);
  });

  it('goes on after a line that is not JSON', async () => {
    const { host, stdin, send, messages } = await introduced();
    stdin.write('this is no message\n{"jsonrpc":\n');
    send({ id: 3, method: 'ping' });
    await expect.poll(() => messages().at(-1)).toMatchObject({ id: 3, result: {} });
    await host.close(0);
  });

  it('takes a message of many megabytes, and ends at one that is longer than the limit', async () => {
    const { host, send, messages } = await introduced(20_000_000);
    const text = 'x'.repeat(15_000_000);
    send({ id: 2, method: 'tools/call', params: { name: 'echo', arguments: { text } } });
    await expect.poll(() => messages().length).toBe(2);
    expect(messages()[1]?.result?.content?.[0]?.text).toHaveLength(15_000_000);
    send({ id: 3, method: 'tools/call', params: { name: 'echo', arguments: { text: text + text } } });
    await host.closed;
  });
});
