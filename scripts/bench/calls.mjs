// Compares bridge and floors: the same calls, alternately.
import { addressOf, connectHttpModern, connectHttpSession, connectStdio } from './clients.mjs';
import { echoCall, measure, median, repeat } from './measure.mjs';
import { startServer } from './processes.mjs';
import { published } from './wire.mjs';

const IN_FLIGHT = [1, 16];

/** How a client reaches a server, and the floors on that leg. */
export const LEGS = [
  { title: 'stdio', transport: 'stdio', connect: connectStdio, floors: ['sdk-v1', 'sdk-v2'] },
  {
    title: 'HTTP, session',
    transport: 'http',
    connect: async (server) => connectHttpSession(await server.address()),
    floors: ['sdk-v1', 'sdk-v2'],
  },
  {
    title: 'HTTP, 2026-07-28',
    transport: 'http',
    connect: async (server) => connectHttpModern(await server.address()),
    floors: ['sdk-v2', 'node-http'],
  },
];

/** Measures every leg in several rounds, with windows of `ms`. Returns medians and ratios. */
export async function benchCalls(upstreamUrl, { rounds, ms, warmUpCalls }) {
  const servers = new Map();
  const serverOf = (kind, transport) => {
    const key = `${kind} ${transport}`;
    if (!servers.has(key)) {
      const server = startServer(kind, transport, upstreamUrl);
      const address = transport === 'http' ? addressOf(server) : undefined;
      servers.set(key, { ...server, address: () => address });
    }
    return servers.get(key);
  };
  try {
    const rows = [];
    for (const leg of LEGS) {
      const lanes = [];
      for (const kind of ['bridge', ...leg.floors]) {
        const server = serverOf(kind, leg.transport);
        const call = echoCall(await leg.connect(server), published('echo'));
        await repeat(call, 16, warmUpCalls);
        lanes.push({ kind, server, call });
      }
      for (const inFlight of IN_FLIGHT) rows.push(await compare({ ...leg, inFlight, lanes }, rounds, ms));
    }
    const { rssBytes } = await serverOf('bridge', 'stdio').usage();
    return { rows, rssAfterBytes: rssBytes };
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
}

async function compare({ title, inFlight, floors, lanes }, rounds, ms) {
  const samples = [];
  for (let round = 0; round < rounds; round += 1) {
    const sample = {};
    // The order alternates from round to round.
    for (const { kind, server, call } of round % 2 === 0 ? lanes : lanes.toReversed()) {
      sample[kind] = await measure(server, call, inFlight, ms);
    }
    samples.push(sample);
  }
  const of = (kind, field) => median(samples.map((sample) => sample[kind][field]));
  const medians = (kind) => ({
    cpuUs: of(kind, 'cpuUs'),
    p50Ms: of(kind, 'p50Ms'),
    perSecond: of(kind, 'perSecond'),
  });
  return {
    title,
    inFlight,
    bridge: medians('bridge'),
    floors: floors.map((kind) => ({
      kind,
      ...medians(kind),
      // Both run under the same load within a round, so the ratio of a round varies less than that of the medians.
      cpuRatio: median(samples.map((sample) => sample.bridge.cpuUs / sample[kind].cpuUs)),
    })),
  };
}
