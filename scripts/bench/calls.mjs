// Compares bridge and floor: the same calls, alternately.
import { addressOf, connectHttpModern, connectHttpSession, connectStdio } from './clients.mjs';
import { echoCall, measure, median, repeat } from './measure.mjs';
import { startServer } from './processes.mjs';
import { published } from './wire.mjs';

const KINDS = ['bridge', 'floor'];
const IN_FLIGHT = [1, 16];

const LEGS = [
  { title: 'stdio', transport: 'stdio', connect: connectStdio },
  {
    title: 'HTTP, session',
    transport: 'http',
    connect: async (server, url) => connectHttpSession(url),
  },
  { title: 'HTTP, 2026-07-28', transport: 'http', connect: async (server, url) => connectHttpModern(url) },
];

/** Measures every leg in several rounds, with windows of `ms`. Returns medians and ratios. */
export async function benchCalls(upstreamUrl, { rounds, ms, warmUpCalls }) {
  const servers = [];
  const lanes = [];
  try {
    for (const kind of KINDS) {
      const byTransport = {};
      for (const transport of ['stdio', 'http']) {
        const server = startServer(kind, transport, upstreamUrl);
        servers.push(server);
        byTransport[transport] = { server, url: transport === 'http' ? await addressOf(server) : undefined };
      }
      for (const { title, transport, connect } of LEGS) {
        const { server, url } = byTransport[transport];
        const call = echoCall(await connect(server, url), published('echo'));
        await repeat(call, 16, warmUpCalls);
        lanes.push({ kind, title, server, call });
      }
    }
    const samples = new Map();
    for (let round = 0; round < rounds; round += 1) {
      for (const { title } of LEGS) {
        for (const inFlight of IN_FLIGHT) {
          const key = `${title}, ${inFlight} in flight`;
          const sample = {};
          // The order alternates from round to round.
          for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) {
            const lane = lanes.find((candidate) => candidate.kind === kind && candidate.title === title);
            sample[kind] = await measure(lane.server, lane.call, inFlight, ms);
          }
          samples.set(key, [...(samples.get(key) ?? []), sample]);
        }
      }
    }
    const loaded = await servers[0].usage();
    return {
      rows: [...samples].map(([title, rows]) => summary(title, rows)),
      rssAfterBytes: loaded.rssBytes,
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function summary(title, samples) {
  const of = (kind, field) => median(samples.map((sample) => sample[kind][field]));
  const both = (field) => ({ bridge: of('bridge', field), floor: of('floor', field) });
  return {
    title,
    cpuUs: both('cpuUs'),
    // Both run under the same load within a round, so the ratio of a round varies less than that of the medians.
    cpuRatio: median(samples.map(({ bridge, floor }) => bridge.cpuUs / floor.cpuUs)),
    p50Ms: both('p50Ms'),
    perSecond: both('perSecond'),
  };
}
