// Runs the public MCP conformance suite against the built program. The suite needs Node 22 or later, so both are
// installed into a folder of their own: as a dependency, its `node` would shadow the one that runs the tests.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12';
const NODE = 'node@22';
const REVISIONS = ['2025-11-25', '2026-07-28'];
// Scenarios of an extension belong to no revision; each is run by its name.
const TASKS = [
  'tasks-lifecycle',
  'tasks-capability-negotiation',
  'tasks-wire-fields',
  'tasks-request-state-removal',
  'tasks-request-headers',
  'tasks-dispatch-and-envelope',
  'tasks-required-task-error',
  'tasks-mrtr-input',
];
/** What is run, each with the file of the failures that are expected. */
const RUNS = [
  ...REVISIONS.map((revision) => ({
    name: revision,
    args: ['--requirements', revision],
    failures: revision,
  })),
  ...TASKS.map((name) => ({ name, args: ['--scenario', name], failures: 'tasks' })),
];

const root = fileURLToPath(new URL('..', import.meta.url));
const tools = join(root, '.tools/conformance');
const suiteNode = join(tools, 'node_modules/node/bin/node');
const suiteProgram = join(tools, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

function install() {
  if (existsSync(suiteNode) && existsSync(suiteProgram)) return;
  mkdirSync(tools, { recursive: true });
  // The scripts of `node` bring the binary of this platform.
  writeFileSync(join(tools, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
  const npm = spawnSync(
    'npm',
    ['install', '--no-save', '--no-package-lock', '--prefix', tools, SUITE, NODE],
    {
      encoding: 'utf8',
      cwd: tools,
    },
  );
  if (npm.status !== 0 || !existsSync(suiteNode)) {
    console.error(npm.stdout, npm.stderr);
    throw new Error('The conformance suite could not be installed.');
  }
}

/** Starts the bridge over HTTP on a free port; answers its address. */
async function serve() {
  const bridge = spawn(
    process.execPath,
    [
      'dist/main.js',
      'serve',
      '--http',
      '--port',
      '0',
      '-o',
      'json',
      '--log-level',
      'warn',
      '--sandbox',
      'conformance',
      '--config',
      'test/conformance/config.yaml',
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(bridge, 'exit').then(() => {
    throw new Error('The bridge did not start.');
  });
  const [line] = await Promise.race([once(createInterface({ input: bridge.stdout }), 'line'), ended]);
  return { url: JSON.parse(line).url, bridge, ended };
}

async function run(url, { name, args, failures }) {
  const results = mkdtempSync(join(tmpdir(), 'mcp-conformance-'));
  const suite = spawn(
    suiteNode,
    [
      suiteProgram,
      'server',
      '--url',
      url,
      ...args,
      '--expected-failures',
      `test/conformance/expected-failures-${failures}.yaml`,
      '-o',
      results,
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 },
  );
  let output = '';
  suite.stdout.on('data', (data) => (output += data));
  suite.stderr.on('data', (data) => (output += data));
  const [code] = await once(suite, 'close');
  const total = /(Total|Passed): .*/.exec(output)?.[0] ?? 'no total';
  if (code === 0) {
    rmSync(results, { recursive: true });
    console.log(`conformance ${name}: as expected (${total})`);
    return true;
  }
  console.error(output.slice(Math.max(0, output.indexOf('=== SUMMARY ==='))));
  console.error(`conformance ${name}: NOT as expected; details in ${results}`);
  return false;
}

install();
const { url, bridge, ended } = await serve();
// From here on the end of the bridge is ours.
ended.catch(() => undefined);
let passed = 0;
try {
  for (const each of RUNS) if (await run(url, each)) passed += 1;
} finally {
  bridge.kill('SIGTERM');
  await once(bridge, 'exit');
}
console.log(`${passed} passed, ${RUNS.length - passed} failed`);
if (passed !== RUNS.length) process.exitCode = 1;
