// Converts the tools that the built bridge publishes with the Python frameworks that people use, and prints a matrix.
// Exits with 1 if a framework refuses a tool. `npm run interop` builds first. With `--clients`, uses the bridge with MCP
// clients instead; with `--write`, writes their matrix to docs/clients.md.
// The frameworks are installed into .cache/interop; only the first run needs PyPI.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { listGroups } from './interop/catalogue.mjs';
import { runMatrix } from './interop/clients/matrix.mjs';
import { CACHE, findPython, installPython, NO_PYTHON } from './interop/install.mjs';

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));
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

if (process.argv.includes('--clients') || process.argv.includes('--write')) {
  const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
  process.exitCode = await runMatrix({ write: process.argv.includes('--write') && only === undefined, only });
  process.exit();
}
if (findPython() === undefined) {
  console.error(`interop: ${NO_PYTHON}.`);
  process.exit(process.env.CI ? 1 : 0);
}

const { groups, absent } = await listGroups();
const file = join(CACHE, 'tools.json');
mkdirSync(CACHE, { recursive: true });
const entries = groups.flatMap(({ group, tools }) => tools.map((tool) => ({ group, tool })));
writeFileSync(file, JSON.stringify(entries));

const pythons = ENVIRONMENTS.map(({ requirements }) => installPython(requirements));
const results = await Promise.all(
  ENVIRONMENTS.map(({ frameworks }, index) => convert(pythons[index], frameworks)),
);
report(results.flat());

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
