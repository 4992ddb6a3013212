// Uses the built bridge with MCP clients of several languages, one after the other, over stdio and HTTP, and prints a
// matrix. A client is a program with the plan as its last argument: a JSON object with either `url` or `command`, `args`
// and `env`, and the names of the tools in sandbox.mjs. It prints one JSON line for each step:
//
//   {"step": "connect", "value": the protocol revision}
//   {"step": "list", "value": [the names of all tools]}
//   {"step": "call" or "failure", "value": {"text": …, "error": whether the client reports an error}}
//   {"step": "file", "value": the resource whose URI is in the text of `file`, as base64}
//   {"step": "cancel", "value": "cancelled"}
//
// or {"step": …, "thrown": the error}. During `cancel` it calls `wait`, reads a line from its standard input, and cancels
// the call in the way that is usual with it. It stays connected until a second line arrives.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findPython } from '../install.mjs';
import { CLIENTS } from './list.mjs';
import { EXPECTED, startTarget } from './sandbox.mjs';

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));
const PAGE = pathOf('../../../docs/clients.md');
const [BEGIN, END] = ['<!-- matrix -->', '<!-- /matrix -->'];
const STEPS = ['list', 'call', 'failure', 'file', 'cancel'];
const TRANSPORTS = ['stdio', 'HTTP'];
/** A client that hangs is ended after this time. */
const LIMIT = 120_000;
/** After this time without an end in Dify, a cancelled call counts as running on. */
const RUNS_ON = 5000;
/** Resolves with the exit code: 1 if a step fails, or if the page would lack a client. The page is then not written. */
export async function runMatrix({ write }) {
  const skipped = [];
  const rows = [];
  const target = await startTarget();
  try {
    for (const { name, version, lacks, command, sendsNoCancel } of CLIENTS) {
      const client = `${name} ${version()}`;
      const reason = lacks?.();
      if (reason !== undefined) {
        skipped.push(`${client}: ${reason}`);
        continue;
      }
      const argv = command();
      const runs = [];
      for (const transport of TRANSPORTS) {
        console.error(`interop: ${client}, ${transport}`);
        runs.push(await use(argv, target, target.plans[transport]));
      }
      rows.push({ name, version: version(), sendsNoCancel, runs });
    }
  } finally {
    await target.close();
  }
  const failures = rows.flatMap(failuresOf);
  const table = `${render(rows)}\n\n${madeWith()}`;
  console.log(table);
  for (const line of skipped) console.log(`Skipped: ${line}.`);
  for (const line of failures) console.error(`interop: ${line}`);
  if (write && skipped.length === 0 && failures.length === 0) {
    const page = readFileSync(PAGE, 'utf8');
    const [before, rest] = page.split(BEGIN);
    writeFileSync(PAGE, `${before}${BEGIN}\n\n${table}\n\n${END}${rest.split(END)[1]}`);
  }
  return failures.length > 0 || rows.length === 0 || (write && skipped.length > 0) ? 1 : 0;
}

/** Resolves with the outcome of each step: true, or the reason why not. */
async function use([program, ...args], target, plan) {
  const child = spawn(program, [...args, JSON.stringify(plan)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONWARNINGS: 'ignore' },
  });
  child.stdin.on('error', () => undefined);
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT);
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints = (complaints + text).slice(-2000)));
  let endInDify;
  target.onWait((end) => {
    endInDify = end;
    child.stdin.write('\n');
  });
  const outcome = {};
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{"')) continue;
    const { step, value, thrown } = JSON.parse(line);
    if (step === 'connect') outcome.protocol = value;
    else if (thrown !== undefined) outcome[step] = thrown;
    else if (step === 'cancel') outcome[step] = await cancelled(value, endInDify);
    else
      outcome[step] =
        EXPECTED[step](value, target.all) || `the answer is ${JSON.stringify(value).slice(0, 300)}`;
    if (step === 'cancel') child.stdin.end('\n');
  }
  clearTimeout(limit);
  for (const step of STEPS) outcome[step] ??= complaints.trim().split('\n').at(-1) || 'the client has ended';
  return outcome;
}

async function cancelled(value, endInDify) {
  if (value !== 'cancelled') return `the answer is ${JSON.stringify(value)}`;
  let timer;
  const later = new Promise((resolve) => (timer = setTimeout(resolve, RUNS_ON, 'the call runs on')));
  const outcome = await Promise.race([endInDify.then(() => true), later]);
  clearTimeout(timer);
  return outcome;
}

function failuresOf({ name, version, sendsNoCancel, runs }) {
  return runs.flatMap((outcome, index) =>
    STEPS.filter((step) => outcome[step] !== true && !(step === 'cancel' && sendsNoCancel)).map(
      (step) => `${name} ${version}, ${TRANSPORTS[index]}, ${step}: ${outcome[step]}`,
    ),
  );
}

function render(rows) {
  const head = ['client', 'version', 'revision', 'list', 'call', 'failing call', 'file', 'cancel'];
  const cells = rows.map(({ name, version, runs }) => [
    name,
    version,
    merge(runs.map(({ protocol }) => protocol ?? 'none')),
    ...STEPS.map((step) => merge(runs.map((outcome) => (outcome[step] === true ? 'yes' : 'no')))),
  ]);
  return [head, head.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** What the matrix was made with. */
function madeWith() {
  const { version } = JSON.parse(readFileSync(pathOf('../../../package.json'), 'utf8'));
  const tools = [
    ['Python', findPython(), '--version'],
    ['Go', 'go', 'version'],
    ['Rust', 'rustc', '--version'],
  ].flatMap(([name, command, argument]) => {
    const said =
      command === undefined ? '' : (spawnSync(command, [argument], { encoding: 'utf8' }).stdout ?? '');
    const found = /\d+\.\d+\.\d+/.exec(said)?.[0];
    return found === undefined ? [] : [`${name} ${found}`];
  });
  const date = new Date().toISOString().slice(0, 10);
  const platform = `${process.platform}-${process.arch}`;
  return `Made on ${date} with dify-mcp-bridge ${version}: ${[`Node.js ${process.versions.node}`, ...tools, platform].join(', ')}.`;
}

/** One word if both transports have it. */
function merge(values) {
  if (new Set(values).size === 1) return values[0];
  return values.map((value, index) => `${TRANSPORTS[index]}: ${value}`).join(', ');
}
