// Measures what a large catalogue costs: the first load, a refresh without and with a change, and memory. `npm run bench`
// measures its lists.
// Usage: npm run build && node --expose-gc scripts/bench/catalog.mjs [number of tools]
import { spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const DIST = new URL('../../dist/', import.meta.url);
const ROUNDS = 20;
const IDLE_MS = 35_000;
/** The measured code runs in a separate process, without the sandbox. */
const MEASURED = process.argv[2] === '--measured';

if (MEASURED) await measure(JSON.parse(process.argv[3]));
else await run(Number(process.argv[2] ?? 5000));

async function run(count) {
  const { createSandbox } = await load('sandbox/sandbox.js');
  const { madeUpProviders } = await import('./made-up-tools.mjs');
  const sandbox = await createSandbox({ tools: madeUpProviders(count) });
  const { workspace, credentials } = sandbox;
  const env = {
    DIFY_API_URL: sandbox.url,
    DIFY_INNER_API_KEY: credentials.innerApiKey,
    DIFY_WORKSPACE_ID: credentials.workspaceId,
    DIFY_ADMIN_API_KEY: credentials.adminApiKey,
    DIFY_BRIDGE_CATALOG_REFRESH: '24h',
  };
  const child = spawn(
    process.execPath,
    [...process.execArgv, fileURLToPath(import.meta.url), '--measured', JSON.stringify(env)],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  child.on('message', () => {
    const [provider] = workspace.providers;
    workspace.removeTool(provider.type, provider.id, provider.tools[0].declaration.name);
    child.send('changed');
  });
  await new Promise((done) => child.once('exit', done));
  await sandbox.close();
}

async function measure(env) {
  const { createApp, loadConfig, silentLogger } = await load('index.js');
  const { config } = await loadConfig({ env: { HOME: '/nonexistent', ...env }, needsDify: true });
  const app = await createApp(config, { logger: silentLogger });
  const empty = rss();

  const first = await cost(() => app.refresh());
  const registry = app.registry.current();
  console.log(`${registry.tools.length} tools, Node ${process.versions.node}`);
  report('first load', first);

  let builds = 0;
  app.registry.onChange(() => (builds += 1));
  const before = app.registry.current();
  report('refresh without a change', await cost(() => app.refresh(), ROUNDS));
  console.log(`rebuilt: ${app.registry.current() !== before}, list-changed: ${builds}`);

  const changed = new Promise((done) => process.once('message', done));
  process.send('change');
  await changed;
  report('refresh with one tool gone', await cost(() => app.refresh()));
  console.log(`rebuilt: ${app.registry.current() !== before}, list-changed: ${builds}`);
  const busy = rss();
  const peak = process.resourceUsage().maxRSS / 1024;
  // Node returns memory after it has been idle for a while.
  await setTimeout(IDLE_MS);
  console.log(`memory: ${mb(empty)} before, ${mb(peak)} at most, ${mb(busy)} after the last refresh,`);
  console.log(`${mb(rss())} when idle for ${IDLE_MS / 1000} s, including ${mb(heap())} of live objects`);
  await app.close(0);
  process.disconnect();
}

/** Returns the medians of CPU time and wall time of several rounds, in milliseconds. */
async function cost(work, rounds = 1) {
  const cpu = [];
  const wall = [];
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now();
    const usage = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(usage);
    cpu.push((user + system) / 1000);
    wall.push(performance.now() - started);
  }
  return { cpu: median(cpu), wall: median(wall) };
}

function report(what, { cpu, wall }) {
  console.log(`${what}: ${cpu.toFixed(2)} ms of CPU, ${wall.toFixed(2)} ms`);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Resident memory in MB. */
function rss() {
  return process.memoryUsage.rss() / 1024 ** 2;
}

/** Returns the size of the live objects in MB, if Node was started with --expose-gc. */
function heap() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1024 ** 2;
}

function mb(value) {
  return `${value.toFixed(0)} MB`;
}

function load(module) {
  return import(new URL(module, DIST).href);
}
