// Converts the tools that the built bridge publishes with the Python frameworks that people use, and prints a matrix.
// Exits with 1 if a framework refuses a tool. `npm run interop` builds first.
// The frameworks are installed into .cache/interop; only the first run needs PyPI.
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { listGroups } from './interop/catalogue.mjs';

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));
const CACHE = pathOf('../.cache/interop');
const UV = 'uv==0.13.9';
/** The environments, because the frameworks do not agree on versions. */
const ENVIRONMENTS = [
  {
    requirements: 'requirements.txt',
    frameworks: [
      'google-genai',
      'langchain-google-genai',
      'pydantic-ai-slim',
      'openai-agents',
      'autogen-ext',
      'smolagents',
    ],
  },
  { requirements: 'requirements-crewai.txt', frameworks: ['crewai-tools'] },
];

const python = ['python3', 'python'].find((name) =>
  succeeds(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']),
);
if (python === undefined || !succeeds(python, ['-c', 'import ensurepip, venv'])) {
  console.error(
    'interop: Python 3.11 or later with its venv module is missing (Debian: apt-get install python3-venv).',
  );
  process.exit(process.env.CI ? 1 : 0);
}

const { groups, absent } = await listGroups();
const file = join(CACHE, 'tools.json');
mkdirSync(CACHE, { recursive: true });
const entries = groups.flatMap(({ group, tools }) => tools.map((tool) => ({ group, tool })));
writeFileSync(file, JSON.stringify(entries));

const pythons = ENVIRONMENTS.map(({ requirements }) => install(requirements));
const results = await Promise.all(
  ENVIRONMENTS.map(({ frameworks }, index) => convert(pythons[index], frameworks)),
);
report(results.flat());

/** Installs an environment unless it is there already, and returns its Python. */
function install(requirements) {
  const list = pathOf(`interop/${requirements}`);
  const hash = createHash('sha256').update(readFileSync(list)).digest('hex').slice(0, 12);
  const folder = join(CACHE, `${requirements.replace('.txt', '')}-${hash}`);
  const own = join(folder, 'bin', 'python');
  if (existsSync(join(folder, 'complete'))) return own;
  const tools = join(CACHE, UV.replace('==', '-'));
  if (!existsSync(join(tools, 'bin', 'uv'))) {
    run(python, ['-m', 'venv', tools]);
    run(join(tools, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', UV]);
  }
  const uv = join(tools, 'bin', 'uv');
  run(uv, ['venv', '--quiet', '--clear', '--no-python-downloads', '--python', python, folder]);
  run(uv, ['pip', 'sync', '--quiet', '--python', own, list]);
  writeFileSync(join(folder, 'complete'), '');
  return own;
}

function report(frameworks) {
  const names = groups.map(({ group, tools }) => `${group} (${tools.length})`);
  const rows = frameworks.map(({ framework, version, refused }) => [
    `${framework} ${version}`,
    ...groups.map(({ group }) => String(refused.filter(([of]) => of === group).length)),
  ]);
  console.log('Refused tools, by framework:');
  const table = [['', ...names], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] + 2))
        .join('')
        .trimEnd(),
    );
  for (const name of absent) console.log(`Not converted, because they are not beside the checkout: ${name}.`);
  const refusals = frameworks.flatMap(({ framework, refused }) =>
    refused.map(([group, tool, reason]) => `${framework}: ${group}: ${tool}: ${reason}`),
  );
  for (const refusal of refusals) console.error(`interop: ${refusal}`);
  if (refusals.length > 0 || entries.length === 0) process.exitCode = 1;
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Throws if a command fails. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw error ?? new Error(`${[command, ...args].join(' ')} failed`);
}

/** Resolves with the result of each framework. */
async function convert(own, frameworks) {
  const env = {
    ...process.env,
    PYTHONWARNINGS: 'ignore',
    CREWAI_DISABLE_TELEMETRY: 'true',
    OTEL_SDK_DISABLED: 'true',
  };
  const args = [pathOf('interop/convert.py'), file, ...frameworks];
  const { stdout } = await promisify(execFile)(own, args, { env, maxBuffer: 2 ** 28 });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}
