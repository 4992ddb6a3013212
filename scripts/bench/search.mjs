// Measures the search over 5,000 tools: building its index, answering queries and following a change.
// Usage: node --expose-gc scripts/bench/search.mjs [number of tools]
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const ROUNDS = 20;
const QUERIES = [
  'send email',
  'create invoice for a customer',
  'list shipments by warehouse',
  'weather',
  'translate a document',
  'search pictures',
  'inovice paymnet',
  'subscripton',
  'timesheet_id',
  'playlist song album',
  '发送邮件',
  '查询航班',
  '翻訳 文書',
  '画像を検索',
  'how do I cancel a reservation of a passenger',
  'kalomi',
  'delete',
  'zzzzzz',
];

const count = Number(process.argv[2] ?? 5000);
const { largeCatalogue, buildRegistry, createSearchIndex, searchAnswer, effectsOf } = await load();

const rules = {
  names: 'qualified',
  maxNameLength: 44,
  languages: ['en_US'],
  formParameters: 'preset',
  unauthorized: 'publish',
  allow: [],
  deny: [],
  readOnly: false,
  presets: {},
};
const providers = largeCatalogue(count);
const registry = buildRegistry(providers, rules);
const effects = effectsOf(registry, 'auto');
console.log(`${registry.tools.length} tools of ${providers.length} providers, Node ${process.versions.node}`);

const before = heap();
const index = createSearchIndex();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const buildMs = await timed(() => index.follow(registry));
delay.disable();
console.log(`index built: ${ms(buildMs)}, longest pause for others: ${ms(delay.max / 1e6)}`);
if (globalThis.gc !== undefined) console.log(`index size: ${((heap() - before) / 1e6).toFixed(1)} MB`);

const all = [];
for (const query of QUERIES) {
  const times = [];
  let total = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = performance.now();
    const answer = searchAnswer({ query, limit: 10 }, registry, index, effects);
    times.push(performance.now() - started);
    total = answer.structuredContent.total;
  }
  all.push(...times);
  console.log(
    `${ms(median(times)).padStart(8)}  ${ms(p95(times)).padStart(8)}  ${String(total).padStart(5)}  ${query}`,
  );
}
console.log(`median ${ms(median(all))}, 95 of 100 below ${ms(p95(all))}`);

const changed = buildRegistry([...providers.slice(2), ...largeCatalogue(50).map(renamed)], rules);
console.log(`change of 100 tools followed: ${ms(await timed(() => index.follow(changed)))}`);

function renamed(provider) {
  return { ...provider, id: `${provider.id}-new`, name: `${provider.name}-new` };
}

function heap() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function median(times) {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
}

function p95(times) {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)];
}

function ms(value) {
  return `${value.toFixed(2)} ms`;
}

/** Bundles the measured modules, because the oldest supported Node does not run TypeScript. */
async function load() {
  const cache = join(ROOT, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'bench-'));
  try {
    const outfile = join(folder, 'search.mjs');
    await build({
      stdin: {
        resolveDir: ROOT,
        contents: `
          export * from './test/support/large-catalogue.ts';
          export * from './src/registry/build.ts';
          export * from './src/search/effects.ts';
          export * from './src/search/search-answer.ts';
          export * from './src/search/search-index.ts';`,
      },
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      packages: 'external',
      logLevel: 'error',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
