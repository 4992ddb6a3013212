import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createTokenCheck } from '../../../src/http/admission.ts';
import { PreparedLists } from '../../../src/http/prepared-lists.ts';
import type { Incoming } from '../../../src/mcp/incoming.ts';
import { SessionGroup } from '../../../src/http/session-group.ts';
import { Sessions } from '../../../src/http/sessions.ts';
import { createServerFactory } from '../../../src/mcp/server.ts';
import type { CallContext } from '../../../src/model/call.ts';
import { asBridgeError } from '../../../src/model/errors.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { fakeBridge, serviceOf } from '../../support/fake-bridge.ts';
import { memoryRecords, runHost } from '../../support/http-host.ts';
import { CLIENT_KINDS, connectClient } from '../../support/mcp-clients.ts';
import { callRequest, modernRequest, openRawSession, raw, rawStream } from '../../support/raw-http.ts';

const principalOf = async (token: string): Promise<string> =>
  (await createTokenCheck(token)({ authorization: `Bearer ${token}` })).principal;

/** A bridge whose calls answer whose they are. */
function whoami() {
  const bridge = fakeBridge();
  return {
    ...bridge,
    callTool: async (_name: string, _args: unknown, { principal = 'nobody' }: CallContext) => ({
      content: [{ type: 'text' as const, text: principal }],
    }),
  };
}

describe('whose a request is', () => {
  it('follows from the token, which cannot be read from it, and is the same after a restart', async () => {
    const [first, second] = await Promise.all([principalOf('fake-token-1'), principalOf('fake-token-2')]);
    expect(first).toMatch(/^token-[\w-]{22}$/);
    expect(first).toBe(await principalOf('fake-token-1'));
    expect(first).not.toBe(second);
  });

  it('is anybody’s where no token is asked for, whatever is sent', () => {
    expect(createTokenCheck(undefined)({})).toEqual({ principal: 'anonymous' });
    const something = { authorization: 'Bearer something' };
    expect(createTokenCheck(undefined)(something)).toEqual({ principal: 'anonymous' });
  });

  it.each(CLIENT_KINDS)('reaches the call (%s)', async (kind) => {
    await using running = await runHost({ token: 'fake-token-1', bridge: whoami() });
    const client = await connectClient(kind, { url: running.url, token: 'fake-token-1' });
    expect((await client.callTool('echo')).content).toEqual([
      { type: 'text', text: await principalOf('fake-token-1') },
    ]);
    await client.close();
  });
});

describe('one of several people with access tokens', () => {
  it('can take half of the streams', async () => {
    const verifier = { verify: async (token: string) => ({ principal: `user-${token}` }) };
    await using running = await runHost({ verifiers: [verifier], maxStreams: 2 });
    const listen = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });
    const open = (token: string) =>
      rawStream(running.port, {
        ...listen,
        headers: { ...listen.headers, Authorization: `Bearer ${token}` },
      }).request;
    const statuses = [];
    for (const token of ['ada', 'ada', 'grace']) {
      const [response] = (await once(open(token), 'response')) as [IncomingMessage];
      statuses.push(response.statusCode);
    }
    expect(statuses).toEqual([200, 503, 200]);
  });
});

describe('a session of somebody else', () => {
  it('is as unknown as one that never was, and goes on undisturbed', async () => {
    const records = memoryRecords();
    const sessions = new Sessions({ records, logger: silentLogger, keepAliveMs: 5000 });
    const bridge = whoami();
    const group = new SessionGroup(
      createServerFactory({
        service: serviceOf(bridge),
        logger: silentLogger,
        info: { name: 'fake-bridge', version: '1.2.3' },
        progressIntervalMs: 15_000,
        listTtlMs: 60_000,
      }),
      '/mcp',
      sessions,
      new PreparedLists(bridge.source),
    );
    async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
      try {
        const message = req.method === 'POST' ? await json(req) : undefined;
        await group.handle(req, res, String(req.headers['x-principal'] ?? 'me'), message as Incoming);
      } catch (thrown) {
        const { rule, code } = asBridgeError(thrown);
        res.writeHead(rule.http, { 'Content-Type': 'application/json' }).end(JSON.stringify({ code }));
      }
    }
    const server = createServer((req, res) => void answer(req, res));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const headers = await openRawSession(port);
      const foreign = { ...headers, 'x-principal': 'you' };
      const requests = [
        raw(port, { headers: foreign, body: callRequest('echo') }),
        raw(port, { method: 'GET', headers: { ...foreign, Accept: 'text/event-stream' } }),
        raw(port, { method: 'DELETE', headers: foreign }),
      ];
      for (const answer of await Promise.all(requests)) {
        expect(answer).toMatchObject({ status: 404 });
        expect(answer.text).toBe('{"code":"session_not_found"}');
      }
      const own = await raw(port, { headers, body: callRequest('echo') });
      expect(own.messages).toMatchObject([{ result: { content: [{ text: 'me' }] } }]);
    } finally {
      await sessions.close();
      server.close();
      server.closeAllConnections();
    }
  });
});
