import { describe, expect, it } from 'vitest';
import { runHost } from '../../support/http-host.ts';
import {
  callRequest,
  initializeRequest,
  modernRequest,
  openRawSession,
  raw,
  rawStream,
} from '../../support/raw-http.ts';

describe('closing', () => {
  it('lets running calls of both eras answer, then ends everything', async () => {
    const running = await runHost();
    const headers = await openRawSession(running.port);
    const events = rawStream(running.port, { headers: { ...headers, Accept: 'text/event-stream' } });
    const calls = [
      raw(running.port, { headers, body: callRequest('hang') }),
      raw(running.port, modernRequest('tools/call', { name: 'hang', arguments: {} })),
    ];
    await expect.poll(() => running.bridge.hanging).toBe(2);
    const closing = running.host.close(10_000);
    running.bridge.release();
    for (const answer of await Promise.all(calls)) {
      expect(answer.messages).toMatchObject([{ id: 7, result: { content: [{ text: 'released' }] } }]);
    }
    await closing;
    await running.host.closed;
    expect((await events.promise).messages).toEqual([]);
    expect(running.bridge.source.listenerCount).toBe(0);
    await expect(raw(running.port, { path: '/livez' })).rejects.toThrow('ECONNREFUSED');
  });

  it('cancels what outlasts the grace', async () => {
    const running = await runHost();
    const headers = await openRawSession(running.port);
    const calls = [
      raw(running.port, { headers, body: callRequest('hang') }),
      raw(running.port, modernRequest('tools/call', { name: 'hang', arguments: {} })),
    ];
    await expect.poll(() => running.bridge.hanging).toBe(2);
    await running.host.close(20);
    await expect.poll(() => running.bridge.cancelled).toBe(2);
    for (const call of calls) expect((await call).messages).toEqual([]);
  });

  it('takes nothing new meanwhile: not ready, no session, no stateless request', async () => {
    const running = await runHost();
    const headers = await openRawSession(running.port);
    const call = raw(running.port, { headers, body: callRequest('hang') });
    await expect.poll(() => running.bridge.hanging).toBe(1);
    const closing = running.host.close(10_000);
    const answers = await Promise.all([
      raw(running.port, { path: '/readyz' }),
      raw(running.port, { path: '/livez' }),
      raw(running.port, { body: initializeRequest() }),
      raw(running.port, modernRequest('tools/list')),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([503, 200, 503, 503]);
    expect(answers.map(({ headers: { connection } }) => connection)).toEqual(Array(4).fill('close'));
    expect(answers[0]?.text).toContain('stopping');
    for (const { messages } of answers.slice(2)) {
      expect(messages[0]?.error?.data?.code).toBe('shutting_down');
    }
    running.bridge.release();
    expect((await call).messages).toHaveLength(1);
    await closing;
  });

  it('still takes cancellations', async () => {
    const running = await runHost();
    const headers = await openRawSession(running.port);
    const call = raw(running.port, { headers, body: callRequest('hang') });
    await expect.poll(() => running.bridge.hanging).toBe(1);
    const closing = running.host.close(10_000);
    const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } };
    expect((await raw(running.port, { headers, body })).status).toBe(202);
    await Promise.all([call, closing]);
    expect(running.bridge.cancelled).toBe(1);
  });

  it('ends the subscriptions of the modern era with their result', async () => {
    const running = await runHost();
    const listening = rawStream(
      running.port,
      modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } }, 'sub'),
    );
    await expect.poll(() => listening.messages().length).toBe(1);
    running.bridge.source.publish(['echo']);
    await expect
      .poll(() => listening.messages().map(({ method }) => method))
      .toContain('notifications/tools/list_changed');
    await running.host.close(0);
    expect((await listening.promise).messages.at(-1)).toMatchObject({ id: 'sub', result: {} });
  });
});
