// Compares the CPU time of a call of this build with that of another one:
//   node scripts/bench/compare.mjs OTHER_CHECKOUT [VARIABLE=VALUE …]
// Both must be built. The variables are added to the environment of both bridges. The builds alternate, because the load
// of the machine changes more than they differ; so the ratio says more than the times.
import { resolve } from 'node:path';
import { addressOf, connectHttpModern, connectHttpSession } from './clients.mjs';
import { echoCall, measure, median, repeat } from './measure.mjs';
import { startServer, startUpstream } from './processes.mjs';
import { published } from './wire.mjs';

const [ROUNDS, WINDOW_MS, IN_FLIGHT, WARM_UP] = [15, 500, 16, 4000];

const [other, ...variables] = process.argv.slice(2);
if (other === undefined) throw new Error('Name the checkout to compare with.');
const env = Object.fromEntries(variables.map((variable) => variable.split(/=(.*)/s)));
const upstream = await startUpstream(16);
const builds = { other: resolve(other, 'dist/main.js'), this: undefined };
const servers = Object.entries(builds).map(([name, program]) => {
  return { name, server: startServer('bridge', 'http', upstream.url, { env, program }) };
});
try {
  const urls = await Promise.all(servers.map(({ server }) => addressOf(server)));
  for (const { title, connect } of [
    { title: 'session', connect: connectHttpSession },
    { title: '2026-07-28', connect: connectHttpModern },
  ]) {
    const lanes = [];
    for (const [at, each] of servers.entries()) {
      const call = echoCall(await connect(urls[at]), published('echo'));
      await repeat(call, IN_FLIGHT, WARM_UP);
      lanes.push({ ...each, call, cpuUs: [] });
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const lane of round % 2 === 0 ? lanes : lanes.toReversed()) {
        lane.cpuUs.push((await measure(lane.server, lane.call, IN_FLIGHT, WINDOW_MS)).cpuUs);
      }
    }
    const [before, after] = lanes.map(({ cpuUs }) => cpuUs);
    const ratio = median(before.map((cpuUs, round) => after[round] / cpuUs));
    const times = `${median(before).toFixed(0)} us, this build ${median(after).toFixed(0)} us`;
    console.log(`HTTP, ${title}: CPU per call ${times}, ratio ${ratio.toFixed(3)}`);
  }
} finally {
  await Promise.all([...servers.map(({ server }) => server.stop()), upstream.stop()]);
}
