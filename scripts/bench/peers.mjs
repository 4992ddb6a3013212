// Compares the bridge with servers that people would take instead: in each, one tool that makes one HTTP request to the
// same Dify and answers one text. They are installed into .cache/interop; only the first run needs the registries.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../free-port.mjs';
import { connectHttpSession, connectStdio } from './clients.mjs';
import { echoCall, load, measure, median } from './measure.mjs';
import { SERVERS } from './peers/servers.mjs';
import { cpuMsOf, environmentOf, residentBytes, serverOf, startUpstream } from './processes.mjs';
import { machineOf, markdown, megabytes, saveBlock, table } from './report.mjs';

const IN_FLIGHT = 16;

/** Measures all servers. Returns a row for each and transport, and who was skipped and why. */
export async function benchPeers({ rounds, ms, warmUpMs, starts }) {
  const upstream = await startUpstream(2);
  const open = [];
  const skipped = [];
  try {
    const lanes = [];
    for (const server of SERVERS) {
      const reason = server.lacks?.();
      if (reason !== undefined) skipped.push(`${server.name}: ${reason}`);
      if (server.lacksHttp !== undefined) skipped.push(`${server.name} over HTTP: ${server.lacksHttp}`);
      const transports = server.lacksHttp === undefined ? ['stdio', 'http'] : ['stdio'];
      for (const transport of reason === undefined ? transports : []) {
        if (server.command(transport, '0', upstream.url) === undefined) continue;
        const samples = [];
        for (let time = 0; time < starts; time += 1) {
          const started = await start(server, transport, upstream.url);
          samples.push({ ms: started.ms, rssBytes: started.rssBytes });
          if (time < starts - 1) await started.stop();
          else open.push(started);
        }
        const running = open.at(-1);
        const call = echoCall(running.client, server.tool);
        await load(call, IN_FLIGHT, warmUpMs);
        lanes.push({ name: server.name, transport, running, call, starts: samples, rounds: [] });
      }
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const lane of round % 2 === 0 ? lanes : lanes.toReversed()) {
        lane.rounds.push(await measure(lane.running, lane.call, IN_FLIGHT, ms));
      }
    }
    return { rows: lanes.map((lane) => rowOf(lane, lanes)), skipped };
  } finally {
    await Promise.all([...open, upstream].map((running) => running.stop()));
  }
}

function rowOf({ name, transport, starts, rounds }, lanes) {
  const bridge = lanes.find((lane) => lane.name === 'bridge' && lane.transport === transport);
  const of = (samples, field) => median(samples.map((sample) => sample[field]));
  return {
    name,
    transport,
    cpuUs: of(rounds, 'cpuUs'),
    ratio: median(rounds.map(({ cpuUs }, round) => bridge.rounds[round].cpuUs / cpuUs)),
    perSecond: of(rounds, 'perSecond'),
    startMs: of(starts, 'ms'),
    rssBytes: of(starts, 'rssBytes'),
  };
}

/** Prints the comparison, and writes it to docs/performance.md if `save` is set. */
export function reportPeers(machine, { rows, skipped }, save) {
  const head = [
    'server',
    'CPU per call, µs',
    'bridge : server',
    'calls a second',
    'first list, ms',
    'resident',
  ];
  const rowsOf = (wanted) =>
    rows
      .filter(({ transport }) => transport === wanted)
      .map(({ name, cpuUs, ratio, perSecond, startMs, rssBytes }) => [
        name,
        cpuUs.toFixed(0),
        name === 'bridge' ? '' : ratio.toFixed(2),
        perSecond.toFixed(0),
        startMs.toFixed(0),
        megabytes(rssBytes),
      ]);
  const sections = [
    ['Over stdio:', [head, ...rowsOf('stdio')]],
    ['Over HTTP, in a session of revision 2025-11-25:', [head, ...rowsOf('http')]],
  ];
  const closing = skipped.map((line) => `Skipped: ${line}.`);
  if (save) {
    const parts = sections.flatMap(([title, section]) => [title, markdown(section)]);
    saveBlock('peers', 'npm run bench -- --peers --save', [machineOf({ machine }), ...parts, ...closing]);
  }
  return [
    machineOf({ machine }),
    ...sections.map(([title, section]) => [title, table(section)].join('\n')),
    ...closing,
  ].join('\n\n');
}

/** Starts a server and requests its first list. Resolves with the client and what the start cost. */
async function start({ name, tool, command }, transport, upstream) {
  const port = transport === 'http' ? String(await freePort()) : '0';
  const [program, ...args] = command(transport, port, upstream);
  const env = { ...environmentOf(upstream), DIFY_BRIDGE_FILES_STORE: 'memory', NO_COLOR: '1' };
  const spawnedAt = performance.now();
  const server = serverOf(spawn(program, args, { env, stdio: ['pipe', 'pipe', 'ignore'] }), name);
  const client =
    transport === 'stdio' ? await connectStdio(server) : await connectWhenUp(`http://127.0.0.1:${port}/mcp`);
  const listed = await client.send('tools/list', {});
  if (!listed.includes(`"${tool}"`))
    throw new Error(`${name} does not list ${tool}: ${listed.slice(0, 400)}`);
  const ms = performance.now() - spawnedAt;
  const sum = (read) => treeOf(server.child.pid).reduce((total, pid) => total + (read(pid) ?? 0), 0);
  return {
    ...server,
    client,
    ms,
    rssBytes: sum(residentBytes),
    usage: async () => ({ cpuUs: sum(cpuMsOf) * 1000 }),
  };
}

async function connectWhenUp(url) {
  for (;;) {
    try {
      return await connectHttpSession(url);
    } catch (error) {
      if (error.code !== 'ECONNREFUSED') throw error;
      await delay(5);
    }
  }
}

/** Returns the IDs of a process and of all that descend from it. */
function treeOf(root) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => [Number(pid), parentOf(pid)]);
  const below = (pid) => [
    pid,
    ...parents.filter(([, parent]) => parent === pid).flatMap(([child]) => below(child)),
  ];
  return below(root);
}

function parentOf(pid) {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
  } catch {
    return undefined; // It has ended meanwhile.
  }
}
