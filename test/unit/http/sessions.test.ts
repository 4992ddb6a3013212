import { describe, expect, it } from 'vitest';
import { fakeBridge, fakeSource } from '../../support/fake-bridge.ts';
import { runHost } from '../../support/http-host.ts';
import {
  callRequest,
  initializeRequest,
  modernRequest,
  openRawSession,
  raw,
  rawStream,
} from '../../support/raw-http.ts';

const STREAM = { Accept: 'text/event-stream' };
const LIST_REQUEST = { jsonrpc: '2.0', id: 7, method: 'tools/list' };
const notify = (method: string, params: object = {}) => ({ jsonrpc: '2.0', method, params });

describe('a session', () => {
  it('begins with initialize and has an id that nobody can guess', async () => {
    await using running = await runHost();
    const ids = await Promise.all(
      Array.from({ length: 5 }, async () => (await openRawSession(running.port))['Mcp-Session-Id']),
    );
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^2025-11-25\.[0-9a-z]+\.[\w-]{22}\.[\w-]{43}$/);
  });

  it('streams its answers to a client that wants streams, unbuffered and uncached', async () => {
    await using running = await runHost();
    const headers = { ...(await openRawSession(running.port)), ...STREAM };
    const answer = await raw(running.port, { headers, body: callRequest('echo', { text: 'hi' }, 'seven') });
    expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    expect(answer.headers['cache-control']).toContain('no-cache');
    expect(answer.messages).toMatchObject([{ id: 'seven', result: { content: [{ text: 'hi' }] } }]);
  });

  it('takes notifications with 202 and no body', async () => {
    await using running = await runHost();
    const headers = await openRawSession(running.port);
    const answer = await raw(running.port, { headers, body: notify('notifications/initialized') });
    expect(answer).toMatchObject({ status: 202, text: '' });
  });

  it('is offered no stream before it begins', async () => {
    await using running = await runHost();
    expect(await raw(running.port, { headers: STREAM })).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
    });
  });

  it.each(['DELETE', 'POST'])('is needed for %s: 400 without its id', async (method) => {
    await using running = await runHost();
    const body = method === 'POST' ? callRequest('echo') : undefined;
    const answer = await raw(running.port, { method, headers: STREAM, ...(body && { headers: {}, body }) });
    expect(answer).toMatchObject({ status: 400, messages: [{ error: { data: { code: 'bad_request' } } }] });
    expect(answer.messages[0]?.id).toBe(method === 'POST' ? 7 : null);
  });

  it.each(['GET', 'DELETE', 'POST', 'initialize'])('that is unknown is 404 for %s', async (kind) => {
    await using running = await runHost();
    const bodies = { POST: callRequest('echo'), initialize: initializeRequest() };
    const body = bodies[kind as keyof typeof bodies];
    const headers = { 'Mcp-Session-Id': 'f1b9f9a2-0000-4000-8000-000000000000', ...(body ? {} : STREAM) };
    const answer = await raw(running.port, { method: body ? 'POST' : kind, headers, body });
    expect(answer).toMatchObject({
      status: 404,
      messages: [{ error: { code: -32_001, data: { code: 'session_not_found' } } }],
    });
  });

  it('ends with DELETE, which cancels its calls', async () => {
    await using running = await runHost();
    const headers = await openRawSession(running.port);
    const call = raw(running.port, { headers, body: callRequest('hang') });
    await expect.poll(() => running.bridge.hanging).toBe(1);
    expect((await raw(running.port, { method: 'DELETE', headers })).status).toBe(200);
    expect((await call).messages).toEqual([]);
    await expect.poll(() => running.bridge.cancelled).toBe(1);
    expect((await raw(running.port, { headers, body: callRequest('echo') })).status).toBe(404);
    expect((await raw(running.port, { method: 'DELETE', headers })).status).toBe(404);
  });

  it('refuses a second initialize and an unknown protocol version', async () => {
    await using running = await runHost();
    const headers = await openRawSession(running.port);
    expect((await raw(running.port, { headers, body: initializeRequest() })).status).toBe(400);
    const versioned = { ...headers, 'MCP-Protocol-Version': '1999-01-01' };
    expect((await raw(running.port, { headers: versioned, body: callRequest('echo') })).status).toBe(400);
  });

  it('has one GET stream at a time, and another as soon as the first is gone', async () => {
    await using running = await runHost();
    const headers = { ...(await openRawSession(running.port)), ...STREAM };
    const first = rawStream(running.port, { headers });
    await new Promise((resolve) => first.request.once('response', resolve));
    expect((await raw(running.port, { headers })).status).toBe(409);
    first.request.destroy();
    const statuses = async (): Promise<number> => {
      const next = rawStream(running.port, { headers });
      const status = await new Promise<number>((resolve) => {
        next.request.once('response', (response) => resolve(response.statusCode ?? 0));
      });
      if (status === 200) next.request.destroy();
      return status;
    };
    await expect.poll(statuses).toBe(200);
  });
});

describe('a lost connection', () => {
  it('does not cancel the call, and its answer can be fetched', async () => {
    await using running = await runHost();
    const headers = await openRawSession(running.port);
    const resume = await loseConnection(running.port, headers, callRequest('hang'));
    const again = await waitForResume(running.port, resume);
    running.bridge.release();
    expect((await again.promise).messages).toMatchObject([
      { id: 7, result: { content: [{ text: 'released' }] } },
    ]);

    // Once more after the end: the answer is repeated and the stream closes.
    const late = await raw(running.port, { headers: resume });
    expect(late.messages).toMatchObject([{ id: 7 }]);
    expect(running.bridge.cancelled).toBe(0);
  });

  it('does not lose the list of tools, which is repeated as it was', async () => {
    await using running = await runHost();
    const headers = await openRawSession(running.port);
    const listed = await raw(running.port, { headers: { ...headers, ...STREAM }, body: LIST_REQUEST });
    expect((listed.messages[0] as { result: { tools: unknown[] } }).result.tools).not.toHaveLength(0);
    const eventId = /^id: (.+)$/m.exec(listed.text)?.[1] ?? '';
    const again = await raw(running.port, { headers: { ...headers, ...STREAM, 'Last-Event-ID': eventId } });
    expect(again.messages).toEqual(listed.messages);
  });

  it('does not lose a list that is asked for before and answered after it', async () => {
    const source = fakeSource();
    await using running = await runHost({ bridge: fakeBridge(source) });
    const headers = await openRawSession(running.port);
    const resume = await loseConnection(running.port, headers, LIST_REQUEST);
    const again = await waitForResume(running.port, resume);
    source.publish(['echo', 'hang']);
    expect((await again.promise).messages).toMatchObject([
      { id: 7, result: { tools: [{ name: 'echo' }, { name: 'hang' }] } },
    ]);
  });

  it('is not offered a stream that is not kept', async () => {
    await using running = await runHost();
    const headers = { ...(await openRawSession(running.port)), ...STREAM, 'Last-Event-ID': 'unknown/3' };
    expect(await raw(running.port, { headers })).toMatchObject({ status: 204, text: '' });
  });

  it('does not get events of another session', async () => {
    await using running = await runHost();
    const [mine, other] = [await openRawSession(running.port), await openRawSession(running.port)];
    const body = callRequest('echo', { text: 'mine' });
    const answer = await raw(running.port, { headers: { ...mine, ...STREAM }, body });
    const eventId = /^id: (.+)$/m.exec(answer.text)?.[1] ?? '';
    const stolen = await raw(running.port, { headers: { ...other, ...STREAM, 'Last-Event-ID': eventId } });
    expect(stolen).toMatchObject({ status: 204, text: '' });
  });
});

describe('a cancellation', () => {
  it.each(['2025-11-25', '2025-06-18', '2025-03-26'])(
    'ends the stream of the call without an answer (%s)',
    async (version) => {
      await using running = await runHost();
      const headers = await openRawSession(running.port, {}, version);
      const call = rawStream(running.port, { headers: { ...headers, ...STREAM }, body: callRequest('hang') });
      await expect.poll(() => running.bridge.hanging).toBe(1);
      await raw(running.port, { headers, body: notify('notifications/cancelled', { requestId: 7 }) });
      const answer = await call.promise;
      expect(answer.messages).toEqual([]);
      expect(running.bridge.cancelled).toBe(1);
      // Revisions before 2025-11-25 have no event to resume from: there was nothing to send yet.
      const eventId = /^id: (.+)$/m.exec(answer.text)?.[1] ?? 'none';
      const resume = { ...headers, ...STREAM, 'Last-Event-ID': eventId };
      expect((await raw(running.port, { headers: resume })).status).toBe(204);
      // The id is free again.
      expect(
        (await raw(running.port, { headers, body: callRequest('echo', { text: 'next' }) })).messages,
      ).toMatchObject([{ id: 7 }]);
    },
  );

  it('of a call that has answered, or that never was, changes nothing', async () => {
    await using running = await runHost();
    const headers = await openRawSession(running.port);
    await raw(running.port, { headers, body: callRequest('echo', {}, 5) });
    for (const requestId of [5, 'never', null]) {
      const answer = await raw(running.port, {
        headers,
        body: notify('notifications/cancelled', { requestId }),
      });
      expect(answer.status).toBe(202);
    }
    expect((await raw(running.port, { headers, body: callRequest('echo') })).status).toBe(200);
  });

  it('is the end of the connection in the modern era', async () => {
    await using running = await runHost();
    const call = rawStream(running.port, modernRequest('tools/call', { name: 'hang', arguments: {} }));
    await expect.poll(() => running.bridge.hanging).toBe(1);
    call.request.destroy();
    await expect.poll(() => running.bridge.cancelled).toBe(1);
  });
});

/** Sends a request whose connection breaks off before its answer; the headers that resume it. */
async function loseConnection(port: number, headers: Record<string, string>, body: object) {
  const lost = rawStream(port, { headers: { ...headers, ...STREAM }, body });
  await expect.poll(() => lost.text()).toMatch(/^id: .+/);
  const eventId = /^id: (.+)$/m.exec(lost.text())?.[1] ?? '';
  lost.request.destroy();
  await expect(lost.promise).rejects.toThrow('aborted');
  return { ...headers, ...STREAM, 'Last-Event-ID': eventId };
}

/** The SDK answers 409 until it has noticed that the first connection is gone. */
async function waitForResume(port: number, headers: Record<string, string>) {
  for (;;) {
    const stream = rawStream(port, { headers });
    const status = await new Promise<number>((resolve) => {
      stream.request.once('response', (response) => resolve(response.statusCode ?? 0));
    });
    if (status === 200) return stream;
    if (status !== 409) throw new Error(`Resuming was answered with ${status}.`);
  }
}
