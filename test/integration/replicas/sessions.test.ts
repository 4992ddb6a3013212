// @module-tag redis
import { describe, expect, it } from 'vitest';
import { RedisSessions } from '../../../src/http/redis-sessions.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { runHost } from '../../support/http-host.ts';
import { connectClient } from '../../support/mcp-clients.ts';
import { callRequest, initializeRequest, openRawSession, raw, rawStream } from '../../support/raw-http.ts';
import { connectTo, keysOf, sharedRedis, startRedis } from '../../support/redis-server.ts';

const redis = await sharedRedis();
const recordsAt = async (url: string) => new RedisSessions(await connectTo(url), undefined, silentLogger);
const statusOf = async (port: number, headers: Record<string, string>): Promise<number> =>
  (await raw(port, { headers, body: callRequest('echo') })).status;

describe('a session of two replicas', () => {
  it('continues at either, and ends at both', async () => {
    const url = redis.newUrl();
    await using a = await runHost({ sessions: await recordsAt(url) });
    await using b = await runHost({ sessions: await recordsAt(url) });
    const headers = await openRawSession(a.port);
    expect([await statusOf(b.port, headers), await statusOf(a.port, headers)]).toEqual([200, 200]);
    const call = rawStream(b.port, { headers, body: callRequest('hang') });
    await expect.poll(() => b.bridge.hanging).toBe(1);

    expect((await raw(a.port, { method: 'DELETE', headers })).status).toBe(200);
    // The other replica hears of it, and ends what it runs.
    await expect.poll(() => b.bridge.cancelled).toBe(1);
    expect((await call.promise).messages).toEqual([]);
    expect([await statusOf(b.port, headers), await statusOf(a.port, headers)]).toEqual([404, 404]);
    await using late = await runHost({ sessions: await recordsAt(url) });
    expect(await statusOf(late.port, headers)).toBe(404);
  });

  it.each([7, 'seven'])(
    'passes a cancellation on to the replica that runs the request (ID %s)',
    async (id) => {
      const url = redis.newUrl();
      await using a = await runHost({ sessions: await recordsAt(url) });
      await using b = await runHost({ sessions: await recordsAt(url) });
      const headers = await openRawSession(a.port);
      const other = await openRawSession(a.port);
      const calls = [headers, other].map((session) =>
        rawStream(b.port, { headers: session, body: callRequest('hang', {}, id) }),
      );
      await expect.poll(() => b.bridge.hanging).toBe(2);
      const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } };
      expect((await raw(a.port, { headers, body: cancel })).status).toBe(202);
      expect((await calls[0]?.promise)?.messages).toEqual([]);
      // The request of another session has the same ID.
      expect(b.bridge.cancelled).toBe(1);
      expect(await statusOf(b.port, headers)).toBe(200);
      calls[1]?.request.destroy();
    },
  );

  it.each(['v1', 'v2 default'] as const)('is one for its client, whoever answers (%s)', async (kind) => {
    const url = redis.newUrl();
    const first = await runHost({ sessions: await recordsAt(url) });
    const client = await connectClient(kind, { url: first.url });
    await client.listPage();
    const { port } = first;
    await first.host.close(0);
    await using _second = await runHost({ sessions: await recordsAt(url), port });
    await expect
      .poll(async () => (await client.callTool('echo', { text: 'there' })).content)
      .toMatchObject([{ text: 'there' }]);
    await client.close();
  });
});

describe('the key in Redis', () => {
  it('is one for replicas that start at the same time', async () => {
    const url = redis.newUrl();
    const records = await Promise.all(Array.from({ length: 6 }, () => recordsAt(url)));
    const keys = await Promise.all(records.map((record) => record.key()));
    expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(1);
  });

  it('comes back when Redis has lost it, and sessions go on meanwhile', async () => {
    const own = await startRedis();
    const url = own.newUrl();
    await using a = await runHost({ sessions: await recordsAt(url) });
    const headers = await openRawSession(a.port);
    await own.kill();
    expect(await statusOf(a.port, headers)).toBe(200);
    expect(await statusOf(a.port, await openRawSession(a.port))).toBe(200);
    await own.start();
    await expect.poll(async () => keysOf(await connectTo(url))).toEqual(['dify-mcp-bridge:session-key']);
    await using b = await runHost({ sessions: await recordsAt(url) });
    expect(await statusOf(b.port, headers)).toBe(200);
  });

  it('is needed: a replica that has never reached Redis answers 503', async () => {
    const own = await startRedis();
    const url = own.newUrl();
    await own.kill();
    await using host = await runHost({ sessions: await recordsAt(url) });
    const answer = await raw(host.port, { body: initializeRequest() });
    expect(answer).toMatchObject({
      status: 503,
      messages: [{ error: { data: { code: 'state_unavailable' } } }],
    });
    await own.start();
    await expect.poll(() => openRawSession(host.port)).toHaveProperty('Mcp-Session-Id');
  });
});
