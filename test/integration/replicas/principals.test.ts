// @module-tag redis
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatKeys, keyHash, newKey } from '../../../src/http/key-file.ts';
import { IDEMPOTENCY_KEY_META_KEY } from '../../../src/mcp/idempotency-key.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { samplesProvider } from '../../../src/sandbox/tools-samples.ts';
import { echoFileWorkflow, slowReportWorkflow } from '../../../src/sandbox/tools-workflows.ts';
import { type ClientKind, connectClient, type TestResult } from '../../support/mcp-clients.ts';
import { callRequest, modernRequest, openRawSession, raw } from '../../support/raw-http.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const SLOW = 'workflow__slow_report';
const BYTES = 'paperkite_samples__give_bytes';
const TASKS = { 'io.modelcontextprotocol/tasks': {} };
/** A client that asks for progress gets the result itself. */
const WAIT = { onprogress: () => undefined };

const redis = await sharedRedis();
const textOf = ({ content }: TestResult): string => content.map(({ text }) => text ?? '').join('\n');

it.each<ClientKind>(['v1', 'v2 pinned'])(
  'what a key has at one replica does not exist for another key at the other (%s)',
  async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'bridge-principals-'));
    const keysFile = join(folder, 'keys.json');
    const [ada, bob] = [newKey(), newKey()];
    const entries = Object.entries({ ada, bob }).map(([name, key]) => {
      return { name, sha256: keyHash(key), views: ['default'], created: new Date() };
    });
    writeFileSync(keysFile, formatKeys(entries), { mode: 0o600 });
    const sandbox = await createSandbox({ tools: [samplesProvider, echoFileWorkflow, slowReportWorkflow] });
    const env = {
      ...sandboxEnv(sandbox),
      DIFY_BRIDGE_KEYS_FILE: keysFile,
      DIFY_BRIDGE_REDIS_URL: redis.newUrl(),
      DIFY_BRIDGE_TOOLS_HAND_OFF: '1s',
    };
    await using one = await startBridge({ env });
    await using two = await startBridge({ env });
    const [url, other] = [await one.url(), await two.url()];
    const adas = await connectClient(kind, { url, token: ada });
    const bobs = await connectClient(kind, { url: other, token: bob });
    const port = Number(new URL(other).port);
    const asBob = { Authorization: `Bearer ${bob}` };

    const meta = { [IDEMPOTENCY_KEY_META_KEY]: 'order-1' };
    const made = await adas.callTool(BYTES, { size: 300_000, name: 'adas.bin' }, { ...WAIT, meta });
    const uri = /dify-file:\S+/.exec(textOf(made))?.[0] ?? '';
    expect((await adas.readResource(uri)).contents).toHaveLength(1);
    expect((await bobs.listResources()).resources).toEqual([]);
    await expect(bobs.readResource(uri)).rejects.toThrow('Unknown file');
    const echoed = await bobs.callTool('workflow__echo_file', { file: { resource: uri } }, WAIT);
    expect([echoed.isError, textOf(echoed)]).toEqual([true, expect.stringContaining('Unknown file')]);
    // With the same key, another piece of work.
    const own = await bobs.callTool(BYTES, { size: 5, name: 'bobs.bin' }, { ...WAIT, meta });
    expect(textOf(own)).toContain('bobs.bin');

    const handedOff = textOf(await adas.callTool(SLOW, { seconds: 60 }));
    const callId = /"call_id": "(call_[^"]+)"/.exec(handedOff)?.[1] ?? '';
    for (const tool of ['get_call_result', 'cancel_call']) {
      expect(textOf(await bobs.callTool(tool, { call_id: callId }))).toContain('Unknown call ID');
    }
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const { headers, body } = modernRequest(method, { taskId: callId });
      const params = (body as { params: { _meta: Record<string, unknown> } }).params;
      params._meta['io.modelcontextprotocol/clientCapabilities'] = { extensions: TASKS };
      const answer = await raw(port, { headers: { ...headers, 'Mcp-Name': callId, ...asBob }, body });
      expect(answer.messages[0]?.error?.message).toContain('Unknown call ID');
    }

    const session = await openRawSession(Number(new URL(url).port), { Authorization: `Bearer ${ada}` });
    const stolen = { ...session, ...asBob };
    const stream = { Accept: 'text/event-stream', 'Last-Event-ID': '_GET_stream/1' };
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    for (const request of [
      { headers: stolen, body: callRequest(BYTES, { size: 1 }) },
      { headers: stolen, body: cancelled },
      { headers: { ...stolen, ...stream } },
      { headers: stolen, method: 'DELETE' },
    ]) {
      expect((await raw(port, request)).status).toBe(404);
    }
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
    expect((await raw(port, { headers: session, body: ping })).status).toBe(200);
    const running = await adas.callTool('get_call_result', { call_id: callId, wait_seconds: 0 });
    expect(textOf(running)).toContain('is still running');
    await Promise.all([adas.close(), bobs.close()]);
    await sandbox.close();
    rmSync(folder, { recursive: true });
  },
);
