// Measures the program with a catalogue of thousands of tools: the cost of each list, and memory.
import { addressOf, connectHttpModern, connectHttpSession, connectStdio } from './clients.mjs';
import { median } from './measure.mjs';
import { memoryOf, startSandbox, startServer } from './processes.mjs';

export const LEGS = [
  { title: 'stdio', transport: 'stdio', connect: connectStdio },
  {
    title: 'HTTP, session',
    transport: 'http',
    connect: async (server) => connectHttpSession(await addressOf(server)),
  },
  {
    title: 'HTTP, 2026-07-28',
    transport: 'http',
    connect: async (server) => connectHttpModern(await addressOf(server)),
  },
];

/**
 * Returns for each leg the CPU time of a list after the first (median, µs), its size, and the peak memory in bytes. Also
 * returns the peak memory in mode search after a number of searches, of the leg where it is largest.
 */
export async function benchLarge(tools, rounds) {
  const sandbox = await startSandbox(tools);
  try {
    const legs = [];
    for (const leg of LEGS) legs.push(await benchLists(leg, sandbox, rounds));
    const searchPeaks = [];
    for (const leg of LEGS) searchPeaks.push(await benchSearch(leg, sandbox, rounds));
    return { tools, legs, searchPeakBytes: Math.max(...searchPeaks) };
  } finally {
    await sandbox.stop();
  }
}

async function benchLists({ title, transport, connect }, { url, env }, rounds) {
  const server = startServer('bridge', transport, url, { env });
  try {
    const client = await connect(server);
    const cpu = [];
    let bytes = 0;
    for (let round = 0; round <= rounds; round += 1) {
      const before = await server.usage();
      bytes = (await client.send('tools/list', {})).length;
      cpu.push((await server.usage()).cpuUs - before.cpuUs);
    }
    return { title, bytes, cpuUs: median(cpu.slice(1)), peakBytes: memoryOf(server.child.pid).peak };
  } finally {
    await server.stop();
  }
}

async function benchSearch({ transport, connect }, { url, env }, rounds) {
  const server = startServer('bridge', transport, url, { env: { ...env, DIFY_BRIDGE_TOOLS_MODE: 'search' } });
  try {
    const client = await connect(server);
    for (let round = 0; round < rounds; round += 1) {
      const query = { query: `find invoice ${round}` };
      const answer = await client.send('tools/call', { name: 'search_tools', arguments: query });
      if (!answer.includes('invoice_')) throw new Error(`Nothing was found: ${answer.slice(0, 400)}`);
    }
    return memoryOf(server.child.pid).peak;
  } finally {
    await server.stop();
  }
}
