// Measures the time from spawn to the first list of tools, and the memory of the process at that time.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressOf, connectHttpSession, connectStdio } from './clients.mjs';
import { median } from './measure.mjs';
import { cpuMsOf, environmentOf, PROGRAM, residentBytes, startServer } from './processes.mjs';

/**
 * Returns for the bridge, the bridge that starts from a manifest and the floors the medians from spawn to the answer of
 * the first tools/list over stdio: milliseconds, CPU milliseconds, and resident bytes.
 */
export async function benchStart(upstreamUrl, times) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-manifest-'));
  try {
    pullManifest(upstreamUrl, folder);
    const starts = [
      { title: 'bridge', kind: 'bridge' },
      { title: 'bridge, from a manifest', kind: 'bridge', args: ['--manifest', folder] },
      { title: 'SDK v1', kind: 'sdk-v1' },
      { title: 'SDK v2', kind: 'sdk-v2' },
    ].map((start) => ({ ...start, samples: [] }));
    for (let time = 0; time < times; time += 1) {
      for (const { kind, args, samples } of starts) samples.push(await firstList(kind, upstreamUrl, args));
    }
    return starts.map(({ title, samples }) => {
      const of = (field) => median(samples.map((sample) => sample[field]));
      return { title, ms: of('ms'), cpuMs: of('cpuMs'), rssBytes: of('rssBytes') };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function firstList(kind, upstreamUrl, args) {
  const spawnedAt = performance.now();
  const server = startServer(kind, 'stdio', upstreamUrl, { gauge: false, args });
  const client = await connectStdio(server);
  await client.send('tools/list', {});
  const ms = performance.now() - spawnedAt;
  const { pid } = server.child;
  const sample = { ms, cpuMs: cpuMsOf(pid), rssBytes: residentBytes(pid) };
  await server.stop();
  return sample;
}

function pullManifest(upstreamUrl, folder) {
  const env = environmentOf(upstreamUrl);
  const pulled = spawnSync(process.execPath, [PROGRAM, 'manifest', 'pull', '--dir', folder], {
    env,
    encoding: 'utf8',
  });
  if (pulled.status !== 0) throw new Error(`manifest pull failed: ${pulled.stderr}`);
}

/**
 * Starts bridge and floor on both transports and requests the first list of each. `read` returns their memory at that
 * time and, after some seconds of rest, the memory that is left. It ends the processes. All values are in bytes.
 */
export async function openResting(upstreamUrl) {
  const openedAt = performance.now();
  const resting = [];
  for (const transport of ['stdio', 'http']) {
    for (const kind of ['bridge', 'sdk-v2']) {
      const server = startServer(kind, transport, upstreamUrl, { gauge: false });
      const client =
        transport === 'stdio'
          ? await connectStdio(server)
          : await connectHttpSession(await addressOf(server));
      await client.send('tools/list', {});
      resting.push({ transport, kind, server, first: residentBytes(server.child.pid) });
    }
  }
  return {
    async read() {
      const seconds = (performance.now() - openedAt) / 1000;
      const rows = ['stdio', 'http'].map((transport) => {
        const of = (kind) =>
          resting.find((process) => process.transport === transport && process.kind === kind);
        const now = (kind) => residentBytes(of(kind).server.child.pid);
        return {
          transport,
          first: { bridge: of('bridge').first, floor: of('sdk-v2').first },
          rest: { bridge: now('bridge'), floor: now('sdk-v2') },
        };
      });
      await Promise.all(resting.map(({ server }) => server.stop()));
      return { seconds, rows };
    },
  };
}
