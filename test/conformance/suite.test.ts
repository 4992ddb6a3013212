import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { conformanceProvider } from '../support/conformance-tools.ts';
import { ROOT, start, type Started } from '../support/program.ts';
import { sandboxEnv } from '../support/running-bridge.ts';

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12';
/** The suite needs Node 22 or later, whatever runs the tests. The package `node` would install this one by a second npm. */
const PREFIX = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
const NODE = `${PREFIX}-${process.platform}-${process.arch}`;
const INSTALLING_MS = 600_000;

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
const RUNS: readonly {
  readonly name: string;
  readonly args: readonly string[];
  readonly failures: string;
}[] = [
  ...REVISIONS.map((name) => ({ name, args: ['--requirements', name], failures: name })),
  ...TASKS.map((name) => ({ name, args: ['--scenario', name], failures: 'tasks' })),
];

// A folder of its own: as a dependency of the project, this Node would shadow the one that runs the tests.
const TOOLS = join(ROOT, '.tools/conformance');
const SUITE_NODE = join(TOOLS, 'node_modules', NODE, 'bin/node');
const SUITE_PROGRAM = join(TOOLS, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

async function install(): Promise<void> {
  if (existsSync(SUITE_NODE) && existsSync(SUITE_PROGRAM)) return;
  mkdirSync(TOOLS, { recursive: true });
  writeFileSync(join(TOOLS, 'package.json'), JSON.stringify({ private: true }));
  const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--prefix', TOOLS];
  const args = ['install', ...options, SUITE, `${NODE}@22`];
  await promisify(execFile)('npm', args, { cwd: TOOLS });
}

describe('the public MCP conformance suite', () => {
  let sandbox: Sandbox;
  let bridge: Started;
  let url: string;
  beforeAll(async () => {
    await install();
    sandbox = await createSandbox({ tools: [conformanceProvider] });
    const options = ['--port', '0', '-o', 'json', '--log-level', 'warn'];
    const config = ['--config', 'test/conformance/config.yaml'];
    bridge = start(['serve', '--http', ...options, ...config], { env: sandboxEnv(sandbox) });
    const [line] = await bridge.match('stdout', /^.*\n/);
    ({ url } = JSON.parse(line) as { url: string });
  }, INSTALLING_MS);
  afterAll(async () => {
    await bridge[Symbol.asyncDispose]();
    await sandbox.close();
  });

  it.each(RUNS)('$name fails where it is expected to, and nowhere else', async ({ args, failures }) => {
    const results = await mkdtemp(join(tmpdir(), 'mcp-conformance-'));
    const expected = join(ROOT, `test/conformance/expected-failures-${failures}.yaml`);
    const options = ['--url', url, ...args, '--expected-failures', expected, '-o', results];
    const suite = spawn(SUITE_NODE, [SUITE_PROGRAM, 'server', ...options], {
      cwd: ROOT,
      env: { ...process.env, NODE_COMPILE_CACHE: join(TOOLS, 'compiled') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [suite.stdout, suite.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const [code] = (await once(suite, 'close')) as [number | null];
    const summary = output.slice(Math.max(0, output.indexOf('=== SUMMARY ===')));
    expect({ code, summary: code === 0 ? '' : summary }).toEqual({ code: 0, summary: '' });
    expect(output).toMatch(/(Total|Passed): \d+/);
  });
});
