// Measures the built program against a bare SDK server that makes the same HTTP request (the floor).
// Options: --quick (about 20 s instead of two minutes), -o json. `npm run bench` builds first.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, output: { type: 'string', short: 'o', default: 'text' } },
});
if (!existsSync(fileURLToPath(new URL('../dist/main.js', import.meta.url)))) {
  throw new Error('dist/main.js is missing: run `npm run build` first.');
}
const [
  { benchCalls },
  { benchFile },
  { benchLarge },
  { modelCost },
  { startUpstream },
  { report, verdicts },
  { benchStart, openResting },
  work,
] = await Promise.all([
  import('./bench/calls.mjs'),
  import('./bench/files.mjs'),
  import('./bench/large.mjs'),
  import('./bench/model-cost.mjs'),
  import('./bench/processes.mjs'),
  import('./bench/report.mjs'),
  import('./bench/start.mjs'),
  import('./bench/work.mjs'),
]);

const effort = options.quick
  ? { rounds: 2, ms: 250, warmUpCalls: 1500, starts: 3, repetitions: 5, lists: 5 }
  : { rounds: 5, ms: 500, warmUpCalls: 6000, starts: 10, repetitions: 15, lists: 20 };

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
    machine: { node: process.versions.node, cpus: cpus().length, cpu: cpus()[0]?.model ?? 'unknown' },
    calls,
    start,
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
  console.log(
    options.output === 'json'
      ? JSON.stringify({ ...results, targets: verdicts(results) }, null, 2)
      : report(results),
  );
} finally {
  await Promise.all([few.stop(), many.stop()]);
}
