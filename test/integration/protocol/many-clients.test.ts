import { request } from 'undici';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { HttpHost } from '../../../src/http/host.ts';
import { createServerFactory } from '../../../src/mcp/server.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { fakeBridge, serviceOf } from '../../support/fake-bridge.ts';
import { memoryRecords, runHost } from '../../support/http-host.ts';
import { CLIENT_KINDS, connectClient } from '../../support/mcp-clients.ts';
import { callRequest, initializeRequest, openRawSession, raw, rawStream } from '../../support/raw-http.ts';

const LIST_CHANGED = 'notifications/tools/list_changed';

// Vitest itself fails the run for a rejection that nobody handles.
describe('many clients at once', () => {
  it('8 clients with 25 calls each: every answer goes to its own', async () => {
    await using running = await runHost();
    const kinds = [...CLIENT_KINDS, ...CLIENT_KINDS];
    const clients = await Promise.all(kinds.map((kind) => connectClient(kind, running)));
    const answers = await Promise.all(
      clients.flatMap((client, c) =>
        Array.from({ length: 25 }, async (_, n) => {
          const text = `client ${c} call ${n} ${'é'.repeat(n * 40)}`;
          const result = await client.callTool('echo', { text });
          return result.content[0]?.text === text;
        }),
      ),
    );
    expect(answers).toEqual(Array(200).fill(true));
    for (const client of clients) {
      expect(client.errors).toEqual([]);
      await client.close();
    }
  });

  it('100 sessions and 100 stateless requests leave no server behind', async () => {
    const { host, made, alive } = countingHost();
    const { url } = await host.listen();
    for (let round = 0; round < 20; round += 1) {
      const clients = await Promise.all(Array.from({ length: 5 }, () => connectClient('v1', { url })));
      await Promise.all(clients.map((client) => client.callTool('echo', { text: 'x' })));
      await Promise.all(clients.map((client) => client.close()));
    }
    const modern = await connectClient('v2 pinned', { url });
    for (let n = 0; n < 100; n += 1) await modern.callTool('echo', { text: 'x' });
    await modern.close();
    // One for each session, and one that serves all stateless calls.
    expect(made()).toBeGreaterThan(100);

    // One may still be on the stack of the last request.
    await expect.poll(alive).toBeLessThanOrEqual(2);
    await host.close(0);
  });

  it('thousands of sessions that no client ends cost nothing, and none of them ends', async () => {
    // More than twice as many as a host holds in memory.
    const count = 2500;
    const { host, bridge, made, alive } = countingHost();
    const { url, port } = await host.listen();
    // Three times as fast as fetch.
    const post = async (body: object, session?: string) => {
      const headers = { 'Content-Type': 'application/json', 'Mcp-Session-Id': session };
      const answer = await request(url, { method: 'POST', headers, body: JSON.stringify(body) });
      await answer.body.dump();
      return answer;
    };
    // What is in use is not dropped from memory.
    const [streaming, calling, lost] = [
      await openRawSession(port),
      await openRawSession(port),
      await openRawSession(port),
    ];
    const stream = rawStream(port, { headers: { ...streaming, Accept: 'text/event-stream' } });
    await new Promise((resolve) => stream.request.once('response', resolve));
    const call = rawStream(port, { headers: calling, body: callRequest('hang') });
    const late = { headers: { ...lost, Accept: 'text/event-stream' }, body: callRequest('hang') };
    const cut = rawStream(port, late);
    await expect.poll(() => cut.text()).toMatch(/^id: .+/);
    await expect.poll(() => bridge.hanging).toBe(2);
    cut.request.destroy();

    const sessions: string[] = [];
    const opener = async (): Promise<void> => {
      while (sessions.length < count) {
        const response = await post(initializeRequest());
        sessions.push(String(response.headers['mcp-session-id']));
      }
    };
    await Promise.all(Array.from({ length: 16 }, opener));
    expect(made()).toBeGreaterThanOrEqual(count);
    await expect.poll(alive).toBeLessThanOrEqual(1010);
    for (const session of [sessions[0], sessions[count / 2], sessions[count - 1]]) {
      expect((await post(callRequest('echo', { text: 'x' }), session)).statusCode).toBe(200);
    }
    expect(bridge.cancelled).toBe(0);
    bridge.source.publish(['echo']);
    await expect.poll(() => stream.messages().map(({ method }) => method)).toContain(LIST_CHANGED);
    bridge.release();
    expect((await call.promise).messages).toMatchObject([
      { id: 7, result: { content: [{ text: 'released' }] } },
    ]);
    const [lastEventId = ''] = /(?<=^id: ).+$/m.exec(cut.text()) ?? [];
    const resumed = await raw(port, { headers: { ...late.headers, 'Last-Event-ID': lastEventId } });
    expect(resumed.messages).toMatchObject([{ id: 7, result: { content: [{ text: 'released' }] } }]);
    stream.request.destroy();

    const client = await connectClient('v1', { url });
    expect((await client.listPage()).tools.length).toBeGreaterThan(0);
    await client.close();
    expect(await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()).toEqual({ status: 'ready' });
    await host.close(0);
  });

  it('a client that loses its connection during a call fetches the answer by itself', async () => {
    await using running = await runHost();
    await using network = await fragileNetwork(running.port);
    const client = await connectClient('v1', { url: network.url });
    // What has not begun to be answered when the connection is lost is lost with it.
    let call: Promise<unknown> | undefined;
    await new Promise<void>((resolve) => {
      call = client.callTool('hang', {}, { onprogress: () => resolve() });
    });
    expect(running.bridge.hanging).toBe(1);
    network.drop();
    // The client comes back with Last-Event-ID on its own; the call ran on meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(running.bridge.cancelled).toBe(0);
    running.bridge.release();
    expect(await call).toMatchObject({ content: [{ text: 'released' }] });
    await client.close();
  });

  it('a host that closes during calls leaves no rejection behind', async () => {
    const running = await runHost();
    const clients = await Promise.all(CLIENT_KINDS.map((kind) => connectClient(kind, running)));
    const calls = clients.map(async (client) => {
      try {
        return await client.callTool('hang', {}, { signal: AbortSignal.timeout(3000) });
      } catch (error) {
        return error;
      }
    });
    await expect.poll(() => running.bridge.hanging).toBe(CLIENT_KINDS.length);
    await running.host.close(0);
    expect(running.bridge.cancelled).toBe(CLIENT_KINDS.length);
    for (const outcome of await Promise.all(calls)) expect(outcome).toBeInstanceOf(Error);
    for (const client of clients) await client.close().catch(() => undefined);
  });
});

/** A host that knows how many servers it made, and how many of them are in memory. */
function countingHost() {
  const bridge = fakeBridge();
  const createServer = createServerFactory({
    service: serviceOf(bridge),
    logger: silentLogger,
    info: { name: 'fake-bridge', version: '1.2.3' },
    progressIntervalMs: 15_000,
    listTtlMs: 60_000,
  });
  const servers: WeakRef<object>[] = [];
  const counting: typeof createServer = Object.assign((context: Parameters<typeof createServer>[0]) => {
    const server = createServer(context);
    servers.push(new WeakRef(server));
    return server;
  }, createServer);
  const collect = exposedGc();
  const host = new HttpHost({
    host: '127.0.0.1',
    port: 0,
    sessions: memoryRecords(),
    maxStreams: 10,
    maxBodyBytes: 10_000,
    keepAliveMs: 5000,
    views: [{ name: 'default', path: '/mcp', createServer: counting, tools: bridge.source }],
    readiness: () => ({ ready: true }),
    logger: silentLogger,
  });
  return {
    host,
    bridge,
    made: () => servers.length,
    alive: (): number => {
      collect();
      return servers.filter((reference) => reference.deref() !== undefined).length;
    },
  };
}

/** A way to the host that can fail for a moment. */
async function fragileNetwork(port: number) {
  const sockets = new Set<Socket>();
  const proxy = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on('error', () => undefined);
      end.on('close', () => sockets.delete(end));
    }
    socket.pipe(onward).pipe(socket);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/mcp`,
    drop,
    async [Symbol.asyncDispose]() {
      drop();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

function exposedGc(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
