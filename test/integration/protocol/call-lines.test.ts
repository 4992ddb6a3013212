import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox } from '../../../src/index.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import {
  callRequest,
  initializeRequest,
  modernRequest,
  openRawSession,
  raw,
} from '../../support/raw-http.ts';
import { CLIENT_KINDS } from '../../support/mcp-clients.ts';
import { type RunningBridge, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const TOOL = 'time__weekday';
const ARGS = { year: 2026, month: 11, day: 22 };

let sandbox: Sandbox;
let bridge: RunningBridge;
beforeAll(async () => {
  sandbox = await createSandbox();
  bridge = await startBridge({ env: sandboxEnv(sandbox) });
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await sandbox.close();
});

/** The lines about calls that `act` causes, without what the other tests look at. */
async function linesOf(act: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const before = bridge.log.length;
  await act();
  return bridge.log
    .slice(before)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === 'Tool call ended');
}

const port = async (): Promise<number> => Number(new URL(await bridge.url()).port);

describe.each(TRANSPORTS)('the line of a call over %s', (transport) => {
  it.each(CLIENT_KINDS)('names the client %s, also where the call fails', async (kind) => {
    const client = await bridge.connect(kind, transport);
    const lines = await linesOf(async () => {
      await client.callTool(TOOL, ARGS);
      await client.callTool(TOOL, { year: 'never' });
    });
    const isHttp = transport === 'HTTP';
    const who = { client: expect.stringMatching(/^test-v[12]$/), clientVersion: '1.0.0' };
    expect(lines).toMatchObject([
      { outcome: 'ok', ...who },
      { outcome: 'invalid_arguments', ...who },
    ]);
    const [address, session] = ['address', 'session'].map((key) => [
      ...new Set(lines.map((line) => line[key])),
    ]);
    expect(address).toEqual([isHttp ? '127.0.0.1' : undefined]);
    // Both calls were in one session.
    expect(session).toHaveLength(1);
    expect(/^[\w-]{22}$/.test(String(session?.[0]))).toBe(isHttp && !client.modern);
    const keys = lines.flatMap((line) => Object.keys(line));
    expect(keys).not.toContain('traceId');
    expect(keys).not.toContain('forwardedFor');
  });
});

it.each(CLIENT_KINDS.flatMap((kind) => TRANSPORTS.map((transport) => [kind, transport] as const)))(
  'warns of a key that Dify does not accept, and says what to do (%s, %s)',
  async (kind, transport) => {
    const env = { ...sandboxEnv(sandbox), DIFY_INNER_API_KEY: 'fake-old-key' };
    await using refused = await startBridge({ env });
    const client = await refused.connect(kind, transport);
    expect(await client.callTool(TOOL, ARGS)).toMatchObject({ isError: true });
    const lines = refused.log.filter((line) => line.includes('Tool call ended'));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        level: 'warn',
        outcome: 'upstream_unauthorized',
        reason: expect.stringContaining('Dify does not accept the inner API key'),
        hint: expect.stringMatching(/^DIFY_INNER_API_KEY must be .* Restart a running bridge/),
      },
    ]);
    await client.close();
  },
);

describe('the line of a call', () => {
  const inMeta = { name: TOOL, arguments: ARGS, _meta: { traceparent: TRACEPARENT } };

  it('has the trace from the header or from _meta, and what a proxy says', async () => {
    const headers = await openRawSession(await port());
    const proxy = { 'X-Forwarded-For': '203.0.113.7, 10.0.0.1' };
    const other = `00-${'5'.repeat(32)}-00f067aa0ba902b7-01`;
    const lines = await linesOf(async () => {
      const traced = { ...headers, ...proxy, traceparent: other };
      await raw(await port(), { headers: traced, body: callRequest(TOOL, ARGS) });
      const meta = { ...callRequest(TOOL), id: 8, params: inMeta };
      await raw(await port(), { headers: traced, body: meta });
      await raw(await port(), {
        headers: { ...headers, traceparent: 'nonsense' },
        body: callRequest(TOOL, ARGS, 9),
      });
      const modern = modernRequest('tools/call', { name: TOOL, arguments: ARGS });
      await raw(await port(), { ...modern, headers: { ...modern.headers, ...proxy, traceparent: other } });
    });
    expect(lines.map(({ traceId, forwardedFor }) => [traceId, forwardedFor])).toEqual([
      ['5'.repeat(32), '203.0.113.7, 10.0.0.1'],
      [TRACE, '203.0.113.7, 10.0.0.1'],
      [undefined, undefined],
      ['5'.repeat(32), '203.0.113.7, 10.0.0.1'],
    ]);
    // The ID of a session opens it, so the line has only the part that tells sessions apart.
    const id = headers['Mcp-Session-Id'] ?? '';
    expect(id).toContain(String(lines[0]?.['session']));
    expect(bridge.log.join('')).not.toContain(id);
  });

  it('has no name that a client could forge a line or a colour with', async () => {
    const name = `evil\u001b[31m\n{"level":"error"}\u202e${'x'.repeat(5000)}`;
    const initialize = initializeRequest();
    const params = { ...initialize.params, clientInfo: { name, version: '\n1' } };
    const opened = await raw(await port(), { body: { ...initialize, params } });
    const headers = { 'Mcp-Session-Id': String(opened.headers['mcp-session-id']) };
    const [line] = await linesOf(async () => {
      await raw(await port(), { headers, body: callRequest(TOOL, ARGS) });
    });
    expect(line?.['client']).toMatch(/^evil\\u\{1b\}\[31m\\n\{"level":"error"\}\\u\{202e\}x+…$/);
    expect(String(line?.['client'])).toHaveLength(100);
    expect(line?.['clientVersion']).toBe('\\n1');
  });

  it('omits the name where a session was made again from its ID', async () => {
    await using first = await startBridge({
      env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_SESSION_KEY: 'fake-session-key' },
    });
    const headers = await openRawSession(Number(new URL(await first.url()).port));
    await using second = await startBridge({
      env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_SESSION_KEY: 'fake-session-key' },
    });
    await raw(Number(new URL(await second.url()).port), { headers, body: callRequest(TOOL, ARGS) });
    const line = second.log.find((text) => text.includes('Tool call ended')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ outcome: 'ok', session: expect.any(String) });
    expect(JSON.parse(line)).not.toHaveProperty('client');
  });
});
