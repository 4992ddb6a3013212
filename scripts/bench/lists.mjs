// Compares the list of a thousand tools with the same list of servers on the SDK alone.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEGS } from './calls.mjs';
import { addressOf, connectStdio } from './clients.mjs';
import { measure, median, repeat } from './measure.mjs';
import { startServer, startUpstream } from './processes.mjs';

const IN_FLIGHT = 4;

/** Returns for each leg the CPU time of a list in µs, of the bridge and the floor, and the median of their ratios. */
export async function benchLists(tools, { rounds, ms }) {
  const upstream = await startUpstream(tools);
  const folder = mkdtempSync(join(tmpdir(), 'bench-list-'));
  try {
    const file = join(folder, 'list.json');
    writeFileSync(file, JSON.stringify(await listOf(upstream.url)));
    const rows = [];
    for (const leg of LEGS) {
      const [floor] = leg.floors;
      const lanes = [
        await laneOf('bridge', leg, upstream.url, []),
        await laneOf(floor, leg, upstream.url, [file]),
      ];
      const samples = [];
      for (let round = 0; round < rounds; round += 1) {
        const sample = {};
        for (const { kind, server, list } of round % 2 === 0 ? lanes : lanes.toReversed()) {
          sample[kind] = (await measure(server, list, IN_FLIGHT, ms)).cpuUs;
        }
        samples.push(sample);
      }
      await Promise.all(lanes.map(({ server }) => server.stop()));
      rows.push({
        title: leg.title,
        floor,
        bridgeUs: median(samples.map(({ bridge }) => bridge)),
        floorUs: median(samples.map((sample) => sample[floor])),
        ratio: median(samples.map((sample) => sample.bridge / sample[floor])),
      });
    }
    return { tools, rows };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await upstream.stop();
  }
}

async function laneOf(kind, { transport, connect }, url, args) {
  const server = startServer(kind, transport, url, { args });
  const address = transport === 'http' ? await addressOf(server) : undefined;
  const client = await connect({ ...server, address: () => address });
  const list = () => client.send('tools/list', {});
  await repeat(list, IN_FLIGHT, 200);
  return { kind, server, list };
}

async function listOf(url) {
  const server = startServer('bridge', 'stdio', url);
  const client = await connectStdio(server);
  const { result } = JSON.parse(await client.send('tools/list', {}));
  await server.stop();
  return result;
}
