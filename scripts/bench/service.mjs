// Compares a bridge for a team (API key, limits, metrics, trace context, audit log) with one that has none of it, and with
// one that also has an SDK of OpenTelemetry. The bridges take turns, because the load of the machine changes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressOf, connectHttpModern, connectHttpSession } from './clients.mjs';
import { echoCall, measure, median, repeat } from './measure.mjs';
import { environmentOf, PROGRAM, startServer } from './processes.mjs';
import { published } from './wire.mjs';

const IN_FLIGHT = 16;
const TRACED = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
const OTEL = new URL('../../manifests/tracing/otel.mjs', import.meta.url).href;

/** Makes an API key for views in a file of keys. */
export function createKey(env, name, views = ['default']) {
  const args = [PROGRAM, 'keys', 'create', name, ...views.flatMap((view) => ['--view', view]), '-o', 'json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`No key was made: ${stderr}`);
  return JSON.parse(stdout).key;
}

/** Returns for each era the ratio of the CPU time of a call to that of the plain bridge. */
export async function benchService(upstreamUrl, { rounds, ms, warmUpCalls }) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-service-'));
  const receiver = createServer((request, response) => request.resume().on('end', () => response.end()));
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const team = {
    DIFY_BRIDGE_KEYS_FILE: join(folder, 'keys.json'),
    DIFY_BRIDGE_AUDIT_FILE: join(folder, 'audit.log'),
    DIFY_BRIDGE_ADMIN_PORT: '0',
    DIFY_BRIDGE_LIMITS_RATE_PER_PRINCIPAL: '1000000',
    DIFY_BRIDGE_LIMITS_RATE_PER_VIEW: '1000000',
    DIFY_BRIDGE_LIMITS_RATE_PER_PROVIDER: '1000000',
  };
  const endpoint = `http://127.0.0.1:${receiver.address().port}`;
  const sdk = { NODE_OPTIONS: `--import ${OTEL}`, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
  const headers = {
    authorization: `Bearer ${createKey({ ...environmentOf(upstreamUrl), ...team }, 'bench')}`,
    ...TRACED,
  };
  const kinds = { plain: [{}, {}], team: [team, headers], sdk: [{ ...team, ...sdk }, headers] };
  const servers = Object.entries(kinds).map(([kind, [env, sent]]) => {
    return { kind, sent, server: startServer('bridge', 'http', upstreamUrl, { env }) };
  });
  try {
    const urls = await Promise.all(servers.map(({ server }) => addressOf(server)));
    const rows = [];
    for (const [title, connect] of [
      ['session', connectHttpSession],
      ['2026-07-28', connectHttpModern],
    ]) {
      const lanes = [];
      for (const [at, { kind, sent, server }] of servers.entries()) {
        const call = echoCall(await connect(urls[at], sent), published('echo'));
        await repeat(call, IN_FLIGHT, warmUpCalls);
        lanes.push({ kind, server, call });
      }
      const samples = [];
      for (let round = 0; round < rounds; round += 1) {
        const sample = {};
        for (const { kind, server, call } of round % 2 === 0 ? lanes : lanes.toReversed()) {
          sample[kind] = (await measure(server, call, IN_FLIGHT, ms)).cpuUs;
        }
        samples.push(sample);
      }
      const ratio = (kind) => median(samples.map((sample) => sample[kind] / sample.plain));
      rows.push({ title, team: ratio('team'), sdk: ratio('sdk') });
    }
    return rows;
  } finally {
    await Promise.all(servers.map(({ server }) => server.stop()));
    receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
