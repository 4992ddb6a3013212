import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createServerFactory } from '../../../src/mcp/server.ts';
import { serveOverStdio } from '../../../src/mcp/stdio.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { fakeBridge, serviceOf } from '../../support/fake-bridge.ts';
import { modernRequest } from '../../support/raw-http.ts';

interface Message {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: { readonly progress?: number };
  readonly result?: { readonly content?: readonly { readonly text: string }[] };
  readonly error?: { readonly code: number; readonly message: string };
}

interface Options {
  readonly maxMessageBytes?: number;
  readonly endGraceMs?: number;
  readonly revision?: string;
}

function start({ maxMessageBytes, endGraceMs = 10_000 }: Options = {}) {
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
    endGraceMs,
    logger: silentLogger,
    stdin,
    stdout,
    ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
  });
  return {
    bridge,
    host,
    stdin,
    stdout,
    /** Every line that was written, parsed: a line that is not JSON fails the test. */
    messages: () =>
      output
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Message | readonly Message[])
        .flat(),
    lines: () => output.split('\n').filter(Boolean),
    send: (message: object) => stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
  };
}

const initialize = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
};

async function introduced(options: Options = {}) {
  const running = start(options);
  const { revision: protocolVersion = '2025-06-18' } = options;
  running.send({ ...initialize, params: { ...initialize.params, protocolVersion } });
  await expect.poll(() => running.messages().length).toBe(1);
  running.send({ method: 'notifications/initialized' });
  return running;
}

describe('the stdio host', () => {
  it('lets what runs end when the input ends', async () => {
    const { host, bridge, stdin, send, messages } = await introduced();
    send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
    await expect.poll(() => bridge.hanging).toBe(1);
    stdin.end();
    bridge.release();
    await host.closed;
    expect(messages()[1]).toMatchObject({ id: 2, result: { content: [{ text: 'released' }] } });
    expect(bridge.cancelled).toBe(0);
    expect(bridge.source.listenerCount).toBe(0);
  });

  it('cancels what outlasts the grace after the end of the input', async () => {
    const { host, bridge, stdin, send, messages } = await introduced({ endGraceMs: 20 });
    send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
    await expect.poll(() => bridge.hanging).toBe(1);
    stdin.end();
    await host.closed;
    await expect.poll(() => bridge.cancelled).toBe(1);
    expect(messages()).toHaveLength(1);
  });

  it('answers everything that a file of requests asks, also its last line without a newline', async () => {
    const { host, stdin, send, messages } = start();
    send(initialize);
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/list' });
    stdin.end(JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'echo' } }));
    await host.closed;
    expect(messages().map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('does not wait for what its client cancelled, nor for a subscription', async () => {
    const { host, bridge, stdin, send } = await introduced();
    send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
    await expect.poll(() => bridge.hanging).toBe(1);
    send({ method: 'notifications/cancelled', params: { requestId: 2 } });
    stdin.end();
    await host.closed;
    const modern = start({ endGraceMs: 600_000 });
    const { body } = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });
    modern.send(body as object);
    await expect.poll(() => modern.messages().length).toBe(1);
    modern.stdin.end();
    await modern.host.closed;
  });

  it('ends at once if nobody reads any longer', async () => {
    const { host, bridge, stdin, stdout, send } = await introduced({ endGraceMs: 600_000 });
    send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
    await expect.poll(() => bridge.hanging).toBe(1);
    stdin.end();
    stdout.destroy(new Error('gone'));
    await host.closed;
    await expect.poll(() => bridge.cancelled).toBe(1);
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

  it('answers what is no message, and goes on', async () => {
    const { host, stdin, send, messages } = await introduced();
    const wrong: readonly [string, number, number | null][] = [
      ['this is no message', -32_700, null],
      ['{"jsonrpc":', -32_700, null],
      ['7', -32_600, null],
      ['{"jsonrpc":"2.0","id":5}', -32_600, 5],
      ['{"jsonrpc":"1.0","id":5,"method":"ping"}', -32_600, 5],
      ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32_600, null],
      ['{"jsonrpc":"2.0","id":5,"method":"ping","params":[]}', -32_600, 5],
      ['{"jsonrpc":"2.0","id":5,"method":"ping","more":1}', -32_600, 5],
      ['[]', -32_600, null],
      ['[{"jsonrpc":"2.0","id":5,"method":"ping"}]', -32_600, null],
    ];
    for (const [line] of wrong) stdin.write(`${line}\n\n`);
    send({ id: 3, method: 'ping' });
    await expect.poll(() => messages().at(-1)).toMatchObject({ id: 3, result: {} });
    expect(
      messages()
        .slice(1, -1)
        .map(({ id, error }) => [error?.code, id]),
    ).toEqual(wrong.map(([, code, id]) => [code, id]));
    for (const { error } of messages().slice(1, -1)) expect(error?.message).toMatch(/^[A-Z].*\.$/);
    await host.close(0);
  });

  it('takes a byte order mark before the first message', async () => {
    const { host, stdin, messages } = start();
    stdin.write(`\ufeff${JSON.stringify({ jsonrpc: '2.0', ...initialize })}\r\n`);
    await expect.poll(() => messages()).toMatchObject([{ id: 1, result: {} }]);
    await host.close(0);
  });

  it('takes characters that are split between chunks', async () => {
    const { host, stdin, messages } = await introduced();
    const params = { name: 'echo', arguments: { text: 'é€😀' } };
    for (const byte of Buffer.from(
      `${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params })}\n`,
    )) {
      stdin.write(Buffer.from([byte]));
    }
    await expect.poll(() => messages()[1]).toMatchObject({ result: { content: [{ text: 'é€😀' }] } });
    await host.close(0);
  });

  it('answers a batch of 2025-03-26 as one', async () => {
    const { host, stdin, bridge, messages, lines } = await introduced({ revision: '2025-03-26' });
    const call = (id: number, name: string) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name },
    });
    const batch = [
      call(2, 'hang'),
      { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
      call(3, 'echo'),
      call(4, 'hang'),
    ];
    stdin.write(`${JSON.stringify(batch)}\n`);
    await expect.poll(() => bridge.hanging).toBe(2);
    stdin.write('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4}}\n');
    await expect.poll(() => bridge.cancelled).toBe(1);
    bridge.release();
    await expect.poll(() => lines().length).toBe(2);
    expect(
      messages()
        .slice(1)
        .map(({ id }) => id),
    ).toEqual([3, 2]);
    await host.close(0);
  });

  it('refuses the ID of a request in progress', async () => {
    const { host, bridge, send, messages } = await introduced();
    send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
    await expect.poll(() => bridge.hanging).toBe(1);
    send({ id: 2, method: 'ping' });
    await expect.poll(() => messages()[1]).toMatchObject({ id: null, error: { code: -32_600 } });
    bridge.release();
    await expect.poll(() => messages()[2]).toMatchObject({ id: 2, result: {} });
    send({ id: 2, method: 'ping' });
    await expect.poll(() => messages()[3]).toMatchObject({ id: 2, result: {} });
    await host.close(0);
  });

  it('sends the last progress before the result', async () => {
    const { host, send, messages } = await introduced();
    const params = { name: 'stretches', arguments: { until: 'echo' }, _meta: { progressToken: 'p' } };
    send({ id: 2, method: 'tools/call', params });
    send({ id: 3, method: 'tools/call', params: { name: 'echo' } });
    await expect.poll(() => messages().some(({ id }) => id === 2)).toBe(true);
    const at = messages().findIndex(({ id }) => id === 2);
    expect(messages()[at - 1]).toMatchObject({ params: { message: 'Received 50 messages' } });
    await host.close(0);
  });

  it('takes a message of many megabytes, and ends at one that is longer than the limit', async () => {
    const { host, send, messages } = await introduced({ maxMessageBytes: 20_000_000 });
    const text = 'x'.repeat(15_000_000);
    send({ id: 2, method: 'tools/call', params: { name: 'echo', arguments: { text } } });
    await expect.poll(() => messages().length).toBe(2);
    expect(messages()[1]?.result?.content?.[0]?.text).toHaveLength(15_000_000);
    send({ id: 3, method: 'tools/call', params: { name: 'echo', arguments: { text: text + text } } });
    await expect(host.closed).rejects.toMatchObject({ code: 'body_too_large' });
    expect(messages()[2]).toMatchObject({
      id: null,
      error: { code: -32_600, data: { code: 'body_too_large' } },
    });
  });
});
