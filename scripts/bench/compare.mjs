// Compares the CPU time of a call of this build with that of another one:
//   node scripts/bench/compare.mjs OTHER_CHECKOUT [VARIABLE=VALUE …]
// Both must be built. The variables are added to the environment of both bridges. The builds alternate, because the load
// of the machine changes more than they differ; so the ratio says more than the times.
import { resolve } from 'node:path';
import { LEGS } from './calls.mjs';
import { addressOf } from './clients.mjs';
import { echoCall, measure, median, repeat } from './measure.mjs';
import { startServer, startUpstream } from './processes.mjs';
import { published } from './wire.mjs';

const [ROUNDS, WINDOW_MS, IN_FLIGHT, WARM_UP] = [15, 500, 16, 4000];

const [other, ...variables] = process.argv.slice(2);
if (other === undefined) throw new Error('Name the checkout to compare with.');
const env = Object.fromEntries(variables.map((variable) => variable.split(/=(.*)/s)));
const upstream = await startUpstream(16);
const builds = { other: resolve(other, 'dist/main.js'), this: undefined };
const servers = new Map();
const serverOf = (name, program, transport) => {
  const key = `${name} ${transport}`;
  if (!servers.has(key)) {
    const server = startServer('bridge', transport, upstream.url, { env, program });
    const address = transport === 'http' ? addressOf(server) : undefined;
    servers.set(key, { ...server, address: () => address });
  }
  return servers.get(key);
};
try {
  for (const { title, transport, connect } of LEGS) {
    const lanes = [];
    for (const [name, program] of Object.entries(builds)) {
      const server = serverOf(name, program, transport);
      const call = echoCall(await connect(server), published('echo'));
      await repeat(call, IN_FLIGHT, WARM_UP);
      lanes.push({ server, call, cpuUs: [] });
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const lane of round % 2 === 0 ? lanes : lanes.toReversed()) {
        lane.cpuUs.push((await measure(lane.server, lane.call, IN_FLIGHT, WINDOW_MS)).cpuUs);
      }
    }
    const [before, after] = lanes.map(({ cpuUs }) => cpuUs);
    const ratio = median(before.map((cpuUs, round) => after[round] / cpuUs));
    const times = `${median(before).toFixed(0)} us, this build ${median(after).toFixed(0)} us`;
    console.log(`${title}: CPU per call ${times}, ratio ${ratio.toFixed(3)}`);
  }
} finally {
  await Promise.all([...[...servers.values()].map((server) => server.stop()), upstream.stop()]);
}
