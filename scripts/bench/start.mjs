// Measures the time from spawn to the first list of tools, and the memory of the process at that time.
import { addressOf, connectHttpSession, connectStdio } from './clients.mjs';
import { median } from './measure.mjs';
import { residentBytes, startServer } from './processes.mjs';

/** Returns the milliseconds from spawn to the answer of the first tools/list over stdio, for bridge and floor. */
export async function benchStart(upstreamUrl, times) {
  const taken = { bridge: [], floor: [] };
  for (let time = 0; time < times; time += 1) {
    for (const kind of ['bridge', 'floor']) {
      const spawnedAt = performance.now();
      const server = startServer(kind, 'stdio', upstreamUrl, { gauge: false });
      const client = await connectStdio(server);
      await client.send('tools/list', {});
      taken[kind].push(performance.now() - spawnedAt);
      await server.stop();
    }
  }
  return { bridge: median(taken.bridge), floor: median(taken.floor), slowest: Math.max(...taken.bridge) };
}

/**
 * Starts bridge and floor on both transports and requests the first list of each. `read` returns their memory at that
 * time and, after some seconds of rest, the memory that is left. It ends the processes. All values are in bytes.
 */
export async function openResting(upstreamUrl) {
  const openedAt = performance.now();
  const resting = [];
  for (const transport of ['stdio', 'http']) {
    for (const kind of ['bridge', 'floor']) {
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
          first: { bridge: of('bridge').first, floor: of('floor').first },
          rest: { bridge: now('bridge'), floor: now('floor') },
        };
      });
      await Promise.all(resting.map(({ server }) => server.stop()));
      return { seconds, rows };
    },
  };
}
