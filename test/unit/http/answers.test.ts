import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { MemoryBudget } from '../../../src/model/memory-budget.ts';
import { runHost } from '../../support/http-host.ts';
import {
  callRequest,
  initializeRequest,
  modernRequest,
  openRawSession,
  raw,
  rawStream,
} from '../../support/raw-http.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const PROGRESS = { progressToken: 'p' };
const typeOf = (answer: { readonly headers: Readonly<Record<string, unknown>> }): string =>
  String(answer.headers['content-type']);

/** A call of either era, with further headers and parameters. */
async function calling(
  port: number,
  era: string,
  name: string,
  { accept, args = {}, meta = {} }: { accept?: string; args?: object; meta?: object },
) {
  const headers = accept === undefined ? {} : { Accept: accept };
  if (era === 'legacy') {
    const session = await openRawSession(port);
    const { params, ...call } = callRequest(name);
    return raw(port, {
      headers: { ...session, ...headers },
      body: { ...call, params: { ...params, arguments: args, _meta: meta } },
    });
  }
  const modern = modernRequest('tools/call', { name, arguments: args });
  const body = modern.body as { params: { _meta: object } };
  return raw(port, {
    headers: { ...modern.headers, ...headers },
    body: { ...body, params: { ...body.params, _meta: { ...body.params._meta, ...meta } } },
  });
}

describe.each(['legacy', 'modern'])('the answer to a request (%s)', (era) => {
  it('is plain JSON if it comes soon and no progress is wanted', async () => {
    await using running = await runHost();
    const answer = await calling(running.port, era, 'echo', { args: { text: 'cut \ud83d é' } });
    expect(typeOf(answer)).toBe('application/json');
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.text)));
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.messages).toMatchObject([{ id: 7, result: { content: [{ text: 'cut \ufffd é' }] } }]);
  });

  it('is plain JSON for an error as well', async () => {
    await using running = await runHost();
    const answer = await calling(running.port, era, 'no_such_tool', {});
    expect(typeOf(answer)).toBe('application/json');
    expect(answer.messages).toMatchObject([{ id: 7, error: { code: -32_602 } }]);
  });

  it('is a stream where progress is wanted', async () => {
    await using running = await runHost();
    const answer = await calling(running.port, era, 'echo', { meta: PROGRESS });
    expect(typeOf(answer)).toBe('text/event-stream');
    expect(answer.messages).toMatchObject([
      { method: 'notifications/progress', params: { message: 'Started' } },
      { id: 7, result: {} },
    ]);
  });

  it('is a stream that begins with the first notification', async () => {
    await using running = await runHost();
    const meta = { 'io.modelcontextprotocol/logLevel': 'info' };
    const answer = await calling(running.port, era, 'steps', { meta });
    expect(typeOf(answer)).toBe('text/event-stream');
    expect(answer.messages.map(({ method }) => method)).toEqual([
      'notifications/message',
      'notifications/message',
      'notifications/message',
      undefined,
    ]);
  });

  it('comes to each of several clients that use the same ID at once', async () => {
    await using running = await runHost();
    const answers = await Promise.all(
      [1, 2, 3].map(() => calling(running.port, era, 'quiet', { args: { ms: 200 } })),
    );
    const answer = { id: 7, result: { content: [{ text: 'done' }] } };
    expect(answers.map(({ messages }) => messages[0])).toMatchObject([answer, answer, answer]);
  });

  it('is a stream if it takes long', async () => {
    await using running = await runHost();
    const answer = await calling(running.port, era, 'quiet', { args: { ms: 2300 } });
    expect(typeOf(answer)).toBe('text/event-stream');
    expect(answer.messages).toMatchObject([{ id: 7, result: { content: [{ text: 'done' }] } }]);
  });

  it('is JSON for a client that takes nothing else, without the notifications', async () => {
    await using running = await runHost();
    const answer = await calling(running.port, era, 'steps', { accept: 'Application/JSON', meta: PROGRESS });
    expect(typeOf(answer)).toBe('application/json');
    expect(answer.messages).toMatchObject([{ id: 7, result: { content: [{ text: 'stepped' }] } }]);
  });

  it('is a stream for a client that takes nothing else', async () => {
    await using running = await runHost();
    const answer = await calling(running.port, era, 'echo', { accept: 'TEXT/Event-Stream' });
    expect(typeOf(answer)).toBe('text/event-stream');
    expect(answer.messages).toMatchObject([{ id: 7, result: {} }]);
  });

  it.each(['*/*', 'application/*, text/*', 'text/html', ''])(
    'comes whatever Accept says: "%s"',
    async (accept) => {
      await using running = await runHost();
      const answer = await calling(running.port, era, 'echo', { accept });
      expect(answer.messages).toMatchObject([{ id: 7, result: {} }]);
    },
  );
});

describe('the way to a session', () => {
  it.each(['*/*', 'text/*', 'TEXT/EVENT-STREAM', ''])('has a stream for Accept "%s"', async (accept) => {
    await using running = await runHost();
    const headers = { ...(await openRawSession(running.port)), Accept: accept };
    const status = await new Promise<number>((resolve, reject) => {
      const asking = request({ port: running.port, host: '127.0.0.1', path: '/mcp', headers, agent: false });
      asking.on('error', reject).end();
      asking.on('response', (response) => {
        resolve(response.statusCode ?? 0);
        asking.destroy();
      });
    });
    expect(status).toBe(200);
  });

  it('may end with a slash', async () => {
    await using running = await runHost();
    const path = '/mcp/';
    const opened = await raw(running.port, { path, body: initializeRequest() });
    expect(opened.status).toBe(200);
    const headers = { 'Mcp-Session-Id': String(opened.headers['mcp-session-id']) };
    expect((await raw(running.port, { headers, body: callRequest('echo') })).status).toBe(200);
    expect((await raw(running.port, { path, headers, body: callRequest('echo') })).status).toBe(200);
    expect((await raw(running.port, { path, ...modernRequest('tools/list') })).status).toBe(200);
    expect((await raw(running.port, { path: '/other/', body: initializeRequest() })).status).toBe(404);
  });
});

describe('the limit on streams', () => {
  it('holds for both eras together, is logged and shown, and refuses no other request', async () => {
    const logger = recordingLogger();
    await using running = await runHost({ maxStreams: 2, logger });
    const { port } = running;
    const readiness = async (): Promise<unknown> =>
      JSON.parse((await raw(port, { path: '/readyz' })).text) as unknown;
    const listen = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });
    const session = await openRawSession(port);
    const get = { headers: { ...session, Accept: 'text/event-stream' } };
    const open = [get, listen].map((options) => rawStream(port, options));
    await expect.poll(() => open[1]?.messages().length).toBe(1);
    await expect.poll(readiness).toEqual({ status: 'ready', streams: 'full' });

    const other = await openRawSession(port);
    for (const refused of [{ headers: { ...other, Accept: '*/*' } }, listen]) {
      expect(await raw(port, refused)).toMatchObject({
        status: 503,
        messages: [{ error: { data: { code: 'overloaded' } } }],
      });
    }
    expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { reason: 'overloaded', detail: 'As many streams as allowed are open: 2.', refused: 1 } },
    ]);
    expect((await raw(port, { headers: other, body: callRequest('echo') })).status).toBe(200);
    expect((await raw(port, modernRequest('tools/list'))).status).toBe(200);
    open[0]?.request.destroy();
    await expect.poll(readiness).toEqual({ status: 'ready' });
    const client = new ClientV2({ name: 'test', version: '1' });
    await client.connect(new HttpV2(new URL(running.url)));
    await client.listTools();
    await client.close();
    open[1]?.request.destroy();
  });
});

it.each([
  ['JSON', 'application/json'],
  ['a stream', 'text/event-stream'],
])('counts the memory of an answer as %s until its client has read it', async (_form, accept) => {
  const memory = new MemoryBudget(1000);
  await using running = await runHost({ memory, maxBodyBytes: 64_000_000 });
  const { headers, body } = modernRequest('tools/call', {
    name: 'echo',
    arguments: { text: 'x'.repeat(20_000_000) },
  });
  const sent = request({
    port: running.port,
    path: '/mcp',
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers, Accept: accept },
  });
  sent.end(JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  await expect.poll(() => memory.used).toBeGreaterThan(20_000_000);
  response.resume();
  await once(response, 'end');
  await expect.poll(() => memory.used).toBe(0);
});
