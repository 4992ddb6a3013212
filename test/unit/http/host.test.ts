import { connect } from 'node:net';
import { setInterval } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { HttpHost } from '../../../src/http/host.ts';
import { createServerFactory } from '../../../src/mcp/server.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { fakeBridge, fakeSource, serviceOf } from '../../support/fake-bridge.ts';
import { errorOf } from '../../support/error-of.ts';
import { memoryRecords, runHost } from '../../support/http-host.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import {
  callRequest,
  initializeRequest,
  modernRequest,
  openRawSession,
  raw,
} from '../../support/raw-http.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

describe('listening', () => {
  it('answers the address, with the port that was free', async () => {
    await using running = await runHost();
    expect(running.url).toBe(`http://127.0.0.1:${running.port}/mcp`);
    expect(running.port).toBeGreaterThan(0);
  });

  it('fails with port_unavailable where another program listens', async () => {
    await using running = await runHost();
    const error = await errorOf(runHost({ port: running.port }));
    expect(error.code).toBe('port_unavailable');
    expect(error.message).toBe(`Another program listens on 127.0.0.1:${running.port} already.`);
    expect(error.hint).toContain('--port');
  });

  it('fails with port_unavailable on an address that is not of this machine', async () => {
    const error = await errorOf(runHost({ host: '192.0.2.1', token: 'test-token' }));
    expect(error.code).toBe('port_unavailable');
    expect(error.message).toContain('192.0.2.1');
  });

  it('leaves nothing behind when it fails to listen, and can still be closed', async () => {
    await using running = await runHost();
    const { bridge } = running;
    const createServer = createServerFactory({
      service: serviceOf(bridge),
      logger: silentLogger,
      info: { name: 'b', version: '1' },
      progressIntervalMs: 1000,
      listTtlMs: 0,
    });
    const host = new HttpHost({
      host: '127.0.0.1',
      port: running.port,
      sessions: memoryRecords(),
      maxStreams: 1,
      maxBodyBytes: 1000,
      keepAliveMs: 1000,
      views: [{ name: 'default', path: '/mcp', createServer, tools: bridge.source }],
      readiness: () => ({ ready: true }),
      logger: silentLogger,
    });
    await expect(host.listen()).rejects.toMatchObject({ code: 'port_unavailable' });
    expect(bridge.source.listenerCount).toBe(1);
    await host.close(0);
    await host.closed;
  });

  it('refuses the network without a token', async () => {
    expect((await errorOf(runHost({ host: '0.0.0.0' }))).code).toBe('config_invalid');
  });

  it('closes once, however often it is asked to', async () => {
    const running = await runHost();
    await Promise.all([running.host.close(0), running.host.close(0)]);
    await running.host.closed;
    await expect(raw(running.port, { path: '/livez' })).rejects.toThrow('ECONNREFUSED');
  });
});

describe('health', () => {
  it('is alive at once and ready when the catalogue was loaded', async () => {
    const source = fakeSource();
    await using running = await runHost({ bridge: fakeBridge(source), token: 'test-token' });
    const at = (path: string, method = 'GET') =>
      raw(running.port, { path, method, headers: { Host: 'probe' } });
    expect(await at('/livez')).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect(await at('/readyz')).toMatchObject({ status: 503, text: '{"status":"loading"}' });
    source.publish(['echo']);
    expect(await at('/readyz?verbose')).toMatchObject({ status: 200, text: '{"status":"ready"}' });
    expect(await at('/livez', 'HEAD')).toMatchObject({ status: 200, text: '' });
    expect(await at('/livez', 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });
});

describe('admission', () => {
  it('answers 401 with a challenge and nothing about the token', async () => {
    await using running = await runHost({ token: 'test-token' });
    const answer = await raw(running.port, {
      headers: { Authorization: 'Bearer guess' },
      body: initializeRequest(),
    });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(answer.messages[0]?.error).toMatchObject({ code: -32_001, data: { code: 'unauthorized' } });
    expect(answer.text).not.toContain('test-token');
    expect(answer.text).not.toContain('guess');
  });

  it.each([
    ['a foreign Host', { Host: 'evil.example' }],
    ['a foreign Origin', { Origin: 'https://evil.example' }],
    ['a foreign Host, even with the token', { Host: 'evil.example', Authorization: 'Bearer test-token' }],
  ])('answers 403 to %s', async (_, headers) => {
    await using running = await runHost({ token: 'test-token' });
    const answer = await raw(running.port, { headers, body: initializeRequest() });
    expect(answer).toMatchObject({ status: 403, messages: [{ error: { data: { code: 'forbidden' } } }] });
    expect(answer.headers['www-authenticate']).toBeUndefined();
  });

  it('holds for every method and both eras', async () => {
    await using running = await runHost({ token: 'test-token' });
    for (const request of [{ method: 'GET' }, { method: 'DELETE' }, modernRequest('tools/list')]) {
      expect((await raw(running.port, request)).status).toBe(401);
    }
  });

  it('logs neither the token nor the body', async () => {
    const logger = recordingLogger();
    await using running = await runHost({ token: 'test-token', logger });
    const session = await openRawSession(running.port, { Authorization: 'Bearer test-token' });
    await raw(running.port, { headers: session, body: callRequest('throwing', { text: 'private' }) });
    await raw(running.port, {
      headers: { Authorization: 'Bearer guess' },
      body: callRequest('echo', { text: 'private' }),
    });
    expect(logger.lines.length).toBeGreaterThan(1);
    expect(JSON.stringify(logger.lines)).not.toMatch(/test-token|guess|private/);
  });
});

describe('the body', () => {
  it.each([
    ['no JSON type', { 'Content-Type': 'text/plain' }, '{}', 415, -32_600],
    ['no type', { 'Content-Type': '' }, '{}', 415, -32_600],
    ['compressed JSON', { ...JSON_TYPE, 'Content-Encoding': 'gzip' }, '{}', 415, -32_600],
    ['broken JSON', JSON_TYPE, '{"jsonrpc":', 400, -32_700],
    ['nothing', JSON_TYPE, '', 400, -32_700],
    ['a batch', JSON_TYPE, JSON.stringify([initializeRequest()]), 400, -32_600],
    ['an empty batch', JSON_TYPE, '[]', 400, -32_600],
    ['a number', JSON_TYPE, '7', 400, -32_600],
    ['null', JSON_TYPE, 'null', 400, -32_600],
    ['another object', JSON_TYPE, '{"hello":1}', 400, -32_600],
    ['a null id', JSON_TYPE, '{"jsonrpc":"2.0","id":null,"method":"ping"}', 400, -32_600],
  ])('of %s is refused', async (_, headers, body, status, code) => {
    await using running = await runHost();
    const answer = await raw(running.port, { method: 'POST', headers, body });
    expect(answer.status).toBe(status);
    expect(answer.messages[0]?.error?.code).toBe(code);
  });

  it('may have a charset', async () => {
    await using running = await runHost();
    const headers = { 'Content-Type': 'application/json; charset=utf-8' };
    expect((await raw(running.port, { headers, body: initializeRequest() })).status).toBe(200);
  });

  it('may be as large as the limit and no larger, announced or not', async () => {
    await using running = await runHost({ maxBodyBytes: 2000 });
    const session = await openRawSession(running.port);
    const sized = (size: number): string =>
      JSON.stringify(callRequest('echo', { text: '' })).padEnd(size, ' ');
    expect((await raw(running.port, { headers: session, body: sized(2000) })).status).toBe(200);
    for (const more of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      const answer = await raw(running.port, { headers: { ...session, ...more }, body: sized(2001) });
      expect(answer).toMatchObject({
        status: 413,
        messages: [{ error: { data: { code: 'body_too_large' } } }],
      });
      expect(answer.messages[0]?.error?.message).toContain('http.maxBodyBytes');
    }
    const large = await raw(running.port, { headers: session, body: sized(8_000_000) });
    expect(large.status).toBe(413);
  });

  it('that breaks off harms nobody', async () => {
    await using running = await runHost();
    const socket = connect(running.port, '127.0.0.1');
    socket.write(
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.destroy();
    expect((await raw(running.port, { body: initializeRequest() })).status).toBe(200);
  });
});

describe('routes', () => {
  it('has nothing elsewhere, and says where the endpoint is', async () => {
    await using running = await runHost({ path: '/tools' });
    const answer = await raw(running.port, { path: '/mcp', body: initializeRequest() });
    expect(answer.status).toBe(404);
    expect(answer.text).toContain('/tools');
    expect((await raw(running.port, { path: '/tools?x=1', body: initializeRequest() })).status).toBe(200);
  });

  it.each(['PUT', 'PATCH', 'OPTIONS'])('does not take %s', async (method) => {
    await using running = await runHost();
    const answer = await raw(running.port, { method });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, POST, DELETE' } });
  });

  it.each(['GET', 'DELETE'])('has no %s in the modern era', async (method) => {
    await using running = await runHost();
    const headers = { 'MCP-Protocol-Version': '2026-07-28', Accept: 'text/event-stream' };
    expect(await raw(running.port, { method, headers })).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
    });
  });
});

describe('the modern era', () => {
  it('streams its answers where progress is wanted, unbuffered and uncached', async () => {
    await using running = await runHost();
    const { headers, body } = modernRequest('tools/call', { name: 'echo', arguments: { text: 'hi' } });
    const answer = await raw(running.port, { headers: { ...headers, Accept: 'text/event-stream' }, body });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    expect(answer.headers['cache-control']).toContain('no-cache');
    expect(answer.messages).toMatchObject([{ id: 7, result: { content: [{ type: 'text', text: 'hi' }] } }]);
  });

  it('ignores a session id', async () => {
    await using running = await runHost();
    const { headers, body } = modernRequest('tools/list');
    expect(
      (await raw(running.port, { headers: { ...headers, 'Mcp-Session-Id': 'gone' }, body })).status,
    ).toBe(200);
  });

  it.each([
    ['another method in the header', { 'Mcp-Method': 'tools/call' }, 400, -32_020],
    ['another version in the header', { 'MCP-Protocol-Version': '2025-11-25' }, 400, -32_020],
  ])('refuses %s', async (_, headers, status, code) => {
    await using running = await runHost();
    const request = modernRequest('tools/list');
    const answer = await raw(running.port, { ...request, headers: { ...request.headers, ...headers } });
    expect(answer).toMatchObject({ status, messages: [{ error: { code } }] });
  });

  it('takes the empty cursor for the beginning', async () => {
    await using running = await runHost({ pageSize: 2 });
    const answer = await raw(running.port, modernRequest('tools/list', { cursor: '' }));
    expect(answer.messages[0]?.result).toMatchObject({
      tools: [{ name: 'cancelled_calls' }, { name: 'change_list' }],
    });
  });

  it('shows a stream that stays silent to be alive, with comments that end no event', async () => {
    await using running = await runHost({ keepAliveMs: 20 });
    const { headers, body } = modernRequest('tools/call', { name: 'hang' });
    const call = raw(running.port, { headers: { ...headers, Accept: 'text/event-stream' }, body });
    await expect.poll(() => running.bridge.hanging).toBe(1);
    // This clock and the one of the host tick in turns, however busy the machine is.
    let ticks = 0;
    for await (const _ of setInterval(20)) if ((ticks += 1) === 6) break;
    running.bridge.release();
    const answer = await call;
    expect(answer.text.match(/^: ?keepalive$/gm)?.length).toBeGreaterThan(2);
    expect(answer.text).not.toMatch(/keepalive\n\n/);
  });
});
