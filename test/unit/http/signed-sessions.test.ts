import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import { describe, expect, it, vi } from 'vitest';
import { LocalSessions } from '../../../src/http/local-sessions.ts';
import { issueSessionId, readSessionId } from '../../../src/http/session-id.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { freePort } from '../../support/free-port.ts';
import { type RunOptions, runHost } from '../../support/http-host.ts';
import { connectClient } from '../../support/mcp-clients.ts';
import { callRequest, initializeRequest, openRawSession, raw, rawStream } from '../../support/raw-http.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const STREAM = { Accept: 'text/event-stream' };
const ECHO = callRequest('echo', { text: 'still here' });
const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'bridge-sessions-'));
const recordsIn = (folder: string, key?: Uint8Array) => new LocalSessions(folder, key, silentLogger);
const statusOf = async (port: number, headers: Record<string, string>): Promise<number> =>
  (await raw(port, { headers, body: ECHO })).status;

describe('a session ID', () => {
  const key = Buffer.alloc(32, 1);
  const owner = { principal: 'token-a', path: '/mcp' };

  it('carries what was negotiated', () => {
    const { id, facts } = issueSessionId(key, '2025-06-18', owner);
    expect(readSessionId(key, id, owner)).toEqual({ ...facts, revision: '2025-06-18' });
  });

  it('says nothing to another key, owner or endpoint', () => {
    const { id } = issueSessionId(key, '2025-06-18', owner);
    expect(readSessionId(Buffer.alloc(32, 2), id, owner)).toBeUndefined();
    expect(readSessionId(key, id, { ...owner, principal: 'token-b' })).toBeUndefined();
    expect(readSessionId(key, id, { ...owner, path: '/mcp/other' })).toBeUndefined();
  });

  it('cannot be changed in any place', () => {
    const { id } = issueSessionId(key, '2025-06-18', owner);
    for (let at = 0; at < id.length; at += 1) {
      const other = id[at] === '1' ? '2' : '1';
      // The last character of a signature has bits that decode to nothing.
      if (at === id.length - 1) continue;
      expect(readSessionId(key, `${id.slice(0, at)}${other}${id.slice(at + 1)}`, owner)).toBeUndefined();
    }
    for (const text of ['', 'x', `${id}x`, `${id}.x`, id.slice(1)]) {
      expect(readSessionId(key, text, owner)).toBeUndefined();
    }
  });

  it('expires after 90 days', () => {
    const { id } = issueSessionId(key, '2025-06-18', owner);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 89 * 86_400_000 });
    try {
      expect(readSessionId(key, id, owner)).toBeDefined();
      vi.setSystemTime(Date.now() + 2 * 86_400_000);
      expect(readSessionId(key, id, owner)).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a restart', () => {
  /** Runs a host, then another one in its place, which shares nothing with it but a folder. */
  async function restarted<T>(
    before: (port: number) => Promise<T>,
    after: (port: number, kept: T) => Promise<void>,
    options: RunOptions = {},
  ): Promise<void> {
    const [folder, port] = [temporaryFolder(), await freePort()];
    const first = await runHost({ sessions: recordsIn(folder), port, ...options });
    const kept = await before(port);
    await first.host.close(0);
    await using _second = await runHost({ sessions: recordsIn(folder), port, ...options });
    await after(port, kept);
  }

  it.each(['v1', 'v2 default'] as const)('is not noticed by a client (%s)', async (kind) => {
    await restarted(
      async (port) => {
        const client = await connectClient(kind, { url: `http://127.0.0.1:${port}/mcp` });
        await client.listPage();
        return client;
      },
      async (_port, client) => {
        // Until the client has seen that its connections are closed.
        await expect
          .poll(async () => (await client.callTool('echo', { text: 'again' })).content)
          .toMatchObject([{ text: 'again' }]);
        // Its stream comes back as well, and brings what happens from then on.
        await expect
          .poll(async () => {
            await client.callTool('change_list');
            return client.listChanges;
          })
          .toBeGreaterThan(0);
        await client.close();
      },
    );
  });

  it.each(SUPPORTED_PROTOCOL_VERSIONS)('keeps what was negotiated (%s)', async (version) => {
    await restarted(
      async (port) => {
        const answer = await raw(port, { body: initializeRequest(version) });
        expect(answer.messages[0]?.result).toMatchObject({ protocolVersion: version });
        return { 'Mcp-Session-Id': String(answer.headers['mcp-session-id']) };
      },
      async (port, headers) => {
        const call = { ...callRequest('structured'), params: { name: 'structured' } };
        const { result } = (await raw(port, { headers, body: call })).messages[0] ?? {};
        expect('structuredContent' in (result ?? {})).toBe(version >= '2025-06-18');
      },
    );
  });

  it('does not bring back a session that its client ended', async () => {
    await restarted(
      async (port) => {
        const [ended, other] = [await openRawSession(port), await openRawSession(port)];
        expect((await raw(port, { method: 'DELETE', headers: ended })).status).toBe(200);
        return { ended, other };
      },
      async (port, { ended, other }) => {
        expect(await statusOf(port, ended)).toBe(404);
        expect(await statusOf(port, other)).toBe(200);
        // One that is not in memory can be ended, too.
        expect((await raw(port, { method: 'DELETE', headers: other })).status).toBe(200);
        expect(await statusOf(port, other)).toBe(404);
      },
    );
  });

  it('does not mix events of before with those of after', async () => {
    await restarted(
      async (port) => {
        const headers = await openRawSession(port);
        const stream = rawStream(port, { headers: { ...headers, ...STREAM } });
        await new Promise((resolve) => stream.request.once('response', resolve));
        for (let n = 0; n < 3; n += 1) await raw(port, { headers, body: callRequest('change_list') });
        await expect.poll(() => stream.messages().length).toBe(3);
        const [last = ''] =
          stream
            .text()
            .match(/(?<=^id: ).+$/gm)
            ?.slice(-1) ?? [];
        return { ...headers, 'Last-Event-ID': last };
      },
      async (port, headers) => {
        await raw(port, { headers, body: callRequest('change_list') });
        const stream = rawStream(port, { headers: { ...headers, ...STREAM } });
        await expect
          .poll(() => stream.messages())
          .toMatchObject([{ method: 'notifications/tools/list_changed' }]);
        stream.request.destroy();
      },
    );
  });

  it('ends sessions where the key cannot be stored, which the log says', async () => {
    const logger = recordingLogger();
    const port = await freePort();
    const nowhere = () => new LocalSessions('/dev/null/nowhere', undefined, logger);
    const first = await runHost({ sessions: nowhere(), port });
    const headers = await openRawSession(port);
    await first.host.close(0);
    await using _second = await runHost({ sessions: nowhere(), port });
    expect(await statusOf(port, headers)).toBe(404);
    expect(logger.lines[0]).toMatchObject({ level: 'info', fields: { advice: 'Set http.sessionKey.' } });
  });
});

describe('an ID that the bridge did not give', () => {
  it('is unknown, also with another key, endpoint or token', async () => {
    const folder = temporaryFolder();
    await using one = await runHost({ sessions: recordsIn(folder), token: 'fake-token-1' });
    await using other = await runHost({ sessions: recordsIn(folder), token: 'fake-token-2' });
    await using elsewhere = await runHost({
      sessions: recordsIn(folder),
      token: 'fake-token-1',
      path: '/mcp/other',
    });
    const key = Buffer.alloc(32, 7);
    await using keyed = await runHost({ sessions: recordsIn(folder, key), token: 'fake-token-1' });
    await using same = await runHost({ sessions: recordsIn(folder), token: 'fake-token-1' });
    const headers = await openRawSession(one.port, { Authorization: 'Bearer fake-token-1' });
    const id = headers['Mcp-Session-Id'] ?? '';

    expect(await statusOf(same.port, headers)).toBe(200);
    expect(await statusOf(keyed.port, headers)).toBe(404);
    expect(await statusOf(other.port, { ...headers, Authorization: 'Bearer fake-token-2' })).toBe(404);
    expect((await raw(elsewhere.port, { path: '/mcp/other', headers, body: ECHO })).status).toBe(404);
    for (const forged of [`${id.slice(0, -4)}AAAA`, id.replace('2025-11-25', '2025-03-26'), 'x', `${id}.`]) {
      expect(await statusOf(one.port, { ...headers, 'Mcp-Session-Id': forged })).toBe(404);
    }
    expect(await statusOf(one.port, headers)).toBe(200);
  });
});

describe('a folder of two bridges', () => {
  it('has one key, however they start', async () => {
    const folder = temporaryFolder();
    const keys = await Promise.all(Array.from({ length: 8 }, () => recordsIn(folder).key()));
    expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(1);
    expect(keys[0]).toHaveLength(32);
  });

  it('forgets ended sessions whose ID has expired', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'ended'), `old 1000\nnew ${Date.now() + 60_000}\n`);
    const records = recordsIn(folder);
    expect([await records.hasEnded('old'), await records.hasEnded('new')]).toEqual([false, true]);
    await records.end('newer', Date.now() + 60_000);
    const again = recordsIn(folder);
    expect([await again.hasEnded('old'), await again.hasEnded('newer')]).toEqual([false, true]);
  });
});

describe('the ID of a JSON-RPC request', () => {
  it('is refused while a request of the session has it', async () => {
    await using running = await runHost();
    const { port, bridge } = running;
    const headers = await openRawSession(port);
    const first = rawStream(port, { headers, body: callRequest('hang') });
    await expect.poll(() => bridge.hanging).toBe(1);
    const others = await Promise.all(
      Array.from({ length: 49 }, (_, n) =>
        raw(port, { headers, body: callRequest('echo', { text: String(n) }) }),
      ),
    );
    for (const { status, messages } of others) {
      expect({ status, messages }).toMatchObject({
        status: 400,
        messages: [{ id: 7, error: { code: -32_600, data: { code: 'bad_request' } } }],
      });
    }
    // Another session may use it.
    expect(await statusOf(port, await openRawSession(port))).toBe(200);
    bridge.release();
    expect((await first.promise).messages).toMatchObject([
      { id: 7, result: { content: [{ text: 'released' }] } },
    ]);
    expect(await statusOf(port, headers)).toBe(200);
  });

  it('is free again after a refusal', async () => {
    await using running = await runHost();
    const headers = await openRawSession(running.port);
    const wrong = { ...headers, 'MCP-Protocol-Version': '1999-01-01' };
    expect(await statusOf(running.port, wrong)).toBe(400);
    expect(await statusOf(running.port, headers)).toBe(200);
  });
});

describe('a batch', () => {
  const batch = [
    callRequest('echo', { text: 'one' }, 1),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    callRequest('echo', { text: 'two' }, 'two'),
  ];

  it.each([{}, STREAM])('is answered in a session of 2025-03-26', async (accept) => {
    await using running = await runHost();
    const headers = { ...(await openRawSession(running.port, {}, '2025-03-26')), ...accept };
    const answer = await raw(running.port, { headers, body: batch });
    const messages =
      'Accept' in accept ? answer.messages : (JSON.parse(answer.text) as typeof answer.messages);
    expect([...messages].sort((a, b) => String(a.id).localeCompare(String(b.id)))).toMatchObject([
      { id: 1, result: { content: [{ text: 'one' }] } },
      { id: 'two', result: { content: [{ text: 'two' }] } },
    ]);
    const notifications = [{ jsonrpc: '2.0', method: 'notifications/initialized' }];
    expect((await raw(running.port, { headers, body: notifications })).status).toBe(202);
  });

  it.each([{}, STREAM])('answers each wrong member by itself and the others as usual', async (accept) => {
    await using running = await runHost();
    const headers = { ...(await openRawSession(running.port, {}, '2025-03-26')), ...accept };
    const send = async (body: readonly unknown[]) => {
      const { status, text, messages } = await raw(running.port, { headers, body });
      const isStream = 'Accept' in accept && status === 200;
      const answers = isStream ? messages : (JSON.parse(text) as typeof messages);
      return { status, answers: answers.map(({ id, error }) => [id, error?.code]) };
    };
    const notification = { jsonrpc: '2.0', method: 'notifications/initialized' };
    const wrong = [7, { jsonrpc: '2.0', id: 5, method: 3 }, callRequest('echo', { text: 'again' }, 1)];
    const refused = [
      [null, -32_600],
      [5, -32_600],
      [null, -32_600],
    ];
    expect(await send([callRequest('echo', { text: 'one' }, 1), ...wrong])).toEqual({
      status: 200,
      answers: [...refused, [1, undefined]],
    });
    expect((await raw(running.port, { headers, body: [notification, ...wrong.slice(0, 2)] })).text).toMatch(
      /^\[\{.*"id":null.*"id":5.*\]$/,
    );
    const alone = await raw(running.port, { headers, body: wrong.slice(0, 2) });
    expect(alone.status).toBe(400);
    expect(JSON.parse(alone.text)).toMatchObject([{ id: null }, { id: 5, error: { code: -32_600 } }]);
  });

  it.each(['2025-11-25', '2025-06-18', '2024-11-05'])('is refused in a session of %s', async (version) => {
    await using running = await runHost();
    const headers = await openRawSession(running.port, {}, version);
    expect(await raw(running.port, { headers, body: batch })).toMatchObject({
      status: 400,
      messages: [{ id: null, error: { code: -32_600 } }],
    });
  });
});
