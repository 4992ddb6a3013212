// Measures the built program beside servers that do nothing but the same HTTP request (the floors).
// Options: --quick (about 30 s instead of three minutes), --save (writes the figures into docs/performance.md), -o json.
// --peers compares it with servers that people would take instead; the first run installs them from the registries.
// `npm run bench` builds first.
import { existsSync, readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    peers: { type: 'boolean' },
    quick: { type: 'boolean' },
    save: { type: 'boolean' },
    output: { type: 'string', short: 'o', default: 'text' },
  },
});
if (!existsSync(fileURLToPath(new URL('../dist/main.js', import.meta.url)))) {
  throw new Error('dist/main.js is missing: run `npm run build` first.');
}
const machine = {
  node: process.versions.node,
  cpus: cpus().length,
  cpu: cpus()[0]?.model ?? 'unknown',
  system: release(),
  versions: versionsOf(),
};
if (options.peers) {
  const { benchPeers, reportPeers } = await import('./bench/peers.mjs');
  const results = await benchPeers(
    options.quick
      ? { rounds: 3, ms: 500, warmUpMs: 1000, starts: 1 }
      : { rounds: 9, ms: 1000, warmUpMs: 5000, starts: 5 },
  );
  const text = reportPeers(machine, results, options.save);
  console.log(options.output === 'json' ? JSON.stringify({ machine, ...results }, null, 2) : text);
  process.exit();
}
const [
  { benchCalls },
  { benchFile },
  { benchLarge },
  { benchLists },
  { modelCost },
  { startUpstream },
  { benchProgress },
  { report, saveFigures, verdicts },
  { benchService },
  { benchStart, openResting },
  work,
] = await Promise.all([
  import('./bench/calls.mjs'),
  import('./bench/files.mjs'),
  import('./bench/large.mjs'),
  import('./bench/lists.mjs'),
  import('./bench/model-cost.mjs'),
  import('./bench/processes.mjs'),
  import('./bench/progress.mjs'),
  import('./bench/report.mjs'),
  import('./bench/service.mjs'),
  import('./bench/start.mjs'),
  import('./bench/work.mjs'),
]);

const effort = options.quick
  ? { rounds: 3, ms: 150, warmUpCalls: 1500, starts: 3, repetitions: 5, lists: 5, steps: 20 }
  : { rounds: 11, ms: 250, warmUpCalls: 6000, starts: 10, repetitions: 15, lists: 20, steps: 100 };

const few = await startUpstream(16);
const many = await startUpstream(500);
try {
  // These processes idle during the other measurements, because V8 returns memory after about 20 s.
  const resting = await openResting(few.url);
  const start = await benchStart(few.url, effort.starts);
  const calls = await benchCalls(few.url, effort);
  const list = [
    { tools: 16, ...(await work.benchList(few.url, effort.ms)) },
    { tools: 500, ...(await work.benchList(many.url, effort.ms)) },
  ];
  const results = {
    machine,
    calls,
    service: await benchService(few.url, effort),
    start,
    thousand: await benchLists(1000, effort),
    progress: await benchProgress(few.url, effort.steps),
    list,
    picture: await work.benchPicture(few.url, effort.ms),
    decodeUs: await work.benchDecode(effort.repetitions),
    convertUs: await work.benchConvert(effort.repetitions),
    registryMs: await work.benchRegistry(effort.repetitions),
    file: await benchFile(100_000_000),
    large: await benchLarge(5000, effort.lists),
    model: await modelCost(),
    memory: await resting.read(),
  };
  if (options.save) saveFigures(results);
  console.log(
    options.output === 'json'
      ? JSON.stringify({ ...results, targets: verdicts(results) }, null, 2)
      : report(results),
  );
} finally {
  await Promise.all([few.stop(), many.stop()]);
}

/** Returns the versions of the packages that the floors run on. */
function versionsOf() {
  const names = ['@modelcontextprotocol/sdk', '@modelcontextprotocol/server', 'undici'];
  const read = (name) =>
    JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'))
      .version;
  return Object.fromEntries(names.map((name) => [name, read(name)]));
}
