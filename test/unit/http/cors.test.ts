import { describe, expect, it } from 'vitest';
import { runHost } from '../../support/http-host.ts';
import { callRequest, initializeRequest, modernRequest, raw } from '../../support/raw-http.ts';

const ORIGIN = 'https://app.example';
const TOKEN = { Authorization: 'Bearer fake-token' };
const options = { token: 'fake-token', allowedOrigins: [ORIGIN] };
const preflight = (origin: string, more: Record<string, string> = {}) => ({
  method: 'OPTIONS',
  headers: {
    Origin: origin,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization,content-type,mcp-protocol-version',
    ...more,
  },
});

/** The names in a header, in small letters. */
const namesIn = (header: unknown): string[] => String(header).toLowerCase().split(', ');

describe('a page of an allowed origin', () => {
  it('may ask before it sends, without the token', async () => {
    await using running = await runHost(options);
    const answer = await raw(running.port, preflight(ORIGIN));
    expect(answer).toMatchObject({ status: 204, text: '' });
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'GET, POST, DELETE',
      vary: 'Origin',
    });
    expect(namesIn(answer.headers['access-control-allow-headers'])).toEqual(
      expect.arrayContaining([
        'authorization',
        'content-type',
        'last-event-id',
        'mcp-method',
        'mcp-name',
        'mcp-protocol-version',
        'mcp-session-id',
      ]),
    );
    expect(answer.headers['access-control-allow-private-network']).toBeUndefined();
  });

  it('may use a bridge in a private network', async () => {
    await using running = await runHost(options);
    const asking = preflight(ORIGIN, { 'Access-Control-Request-Private-Network': 'true' });
    expect((await raw(running.port, asking)).headers['access-control-allow-private-network']).toBe('true');
  });

  it('may read every answer, and the ID of its session', async () => {
    await using running = await runHost(options);
    const headers = { Origin: ORIGIN, ...TOKEN };
    const opened = await raw(running.port, { headers, body: initializeRequest() });
    const session = { ...headers, 'Mcp-Session-Id': String(opened.headers['mcp-session-id']) };
    const modern = modernRequest('tools/list');
    const answers = [
      opened,
      await raw(running.port, { headers: session, body: callRequest('echo') }),
      await raw(running.port, { headers: { ...modern.headers, ...headers }, body: modern.body }),
      await raw(running.port, { headers: { Origin: ORIGIN }, body: initializeRequest() }),
      await raw(running.port, { headers, body: '{' }),
      await raw(running.port, { headers, path: '/nowhere' }),
      await raw(running.port, { headers: session, method: 'DELETE' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401, 400, 404, 200]);
    for (const answer of answers) {
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': ORIGIN, vary: 'Origin' });
      expect(namesIn(answer.headers['access-control-expose-headers'])).toContain('mcp-session-id');
    }
  });
});

describe('a page of another origin', () => {
  it.each(['https://evil.example', 'null'])('gets no permission and no answer (%s)', async (origin) => {
    await using running = await runHost(options);
    const answers = [
      await raw(running.port, preflight(origin)),
      await raw(running.port, { headers: { Origin: origin, ...TOKEN }, body: initializeRequest() }),
    ];
    for (const { status, headers } of answers) {
      expect(status).toBe(403);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

it('a client that is no page gets no permission that it has no use for', async () => {
  await using running = await runHost(options);
  const { headers } = await raw(running.port, { headers: TOKEN, body: initializeRequest() });
  expect(headers['access-control-allow-origin']).toBeUndefined();
  expect(headers['vary']).toBe('Origin');
});
