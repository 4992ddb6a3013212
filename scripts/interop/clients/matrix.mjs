// Uses the built bridge with MCP clients of several languages, one after the other, over stdio and HTTP, and prints a
// matrix. A client is a program with the plan as its last argument: a JSON object with either `url` or `command`, `args`
// and `env`, with `restarts` if the bridge can be restarted below it, and with the names of the tools in sandbox.mjs. It
// prints one JSON line for each step:
//
//   {"step": "connect", "value": the protocol revision, or null if the client does not show it}
//   {"step": "list", "value": [the names of all tools]}
//   {"step": "call" or "failure", "value": {"text": …, "error": whether the client reports an error}}
//   {"step": "structured", "value": the structured content of `structured`}
//   {"step": "picture", "value": [the pictures of `picture`, as base64]}
//   {"step": "file", "value": the resource whose URI is in the text of `file`, as base64}
//   {"step": "progress", "value": how often progress of `progress` was reported}
//   {"step": "cancel", "value": "cancelled"}
//   {"step": "restart", "value": as of `call`}
//
// or {"step": …, "thrown": the error}, or {"step": …, "absent": true} if the client has no API for the step. During
// `cancel` it calls `wait`, reads a line from its standard input, and cancels the call in the way that is usual with it.
// It stays connected until one more line arrives. With `restarts`, the bridge has been restarted by then, and the client
// calls `call` again.
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
const STEPS = ['list', 'call', 'failure', 'structured', 'picture', 'file', 'progress', 'cancel', 'restart'];
const HEADS = { failure: 'failing call' };
const ABSENT = 'the client has no API for it';
const TRANSPORTS = ['stdio', 'HTTP'];
/** A client that hangs is ended after this time. */
const LIMIT = 120_000;
/** After this time without an end in Dify, a cancelled call counts as running on. */
const RUNS_ON = 5000;
const STILL_RUNNING = 'the call runs on';

/** Resolves with the exit code: 1 if a step fails, or if the page would lack a client. The page is then not written. */
export async function runMatrix({ write, only }) {
  const skipped = [];
  const rows = [];
  const target = await startTarget();
  try {
    for (const client of CLIENTS.filter(({ name }) => only === undefined || name.includes(only))) {
      const { name, version, lacks, command, transports = TRANSPORTS, through } = client;
      const title = `${name} ${version()}`;
      const reason = lacks?.();
      if (reason !== undefined) {
        skipped.push(`${title}: ${reason}`);
        continue;
      }
      const argv = command();
      const runs = new Map();
      for (const transport of transports) {
        console.error(`interop: ${title}, ${transport}`);
        const plan = { ...target.plans[transport], restarts: transport === 'HTTP' };
        runs.set(transport, await use(argv, target, through?.(plan) ?? plan));
      }
      rows.push({ ...client, version: version(), runs });
    }
  } finally {
    await target.close();
  }
  const failures = rows.flatMap(failuresOf);
  const table = [render(rows), renderFaults(rows), madeWith()].join('\n\n');
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
    const { step, value, thrown, absent } = JSON.parse(line);
    if (step === 'connect') outcome.protocol = value;
    else if (absent) outcome[step] = ABSENT;
    else if (thrown !== undefined) outcome[step] = thrown;
    else if (step === 'cancel') outcome[step] = await cancelled(value, endInDify);
    else
      outcome[step] =
        EXPECTED[step](value, target.all) || `the answer is ${JSON.stringify(value)}`.slice(0, 300);
    if (step !== 'cancel') continue;
    if (plan.restarts) await target.restart();
    child.stdin.end('\n');
  }
  clearTimeout(limit);
  if (!plan.restarts) outcome.restart = ABSENT;
  for (const step of STEPS) outcome[step] ??= complaints.trim().split('\n').at(-1) || 'the client has ended';
  return outcome;
}

async function cancelled(value, endInDify) {
  if (value !== 'cancelled') return `the answer is ${JSON.stringify(value)}`;
  let timer;
  const later = new Promise((resolve) => (timer = setTimeout(resolve, RUNS_ON, STILL_RUNNING)));
  const outcome = await Promise.race([endInDify.then(() => true), later]);
  clearTimeout(timer);
  return outcome;
}

/** Returns what failed and is no fault of the client's own, and the faults that the client no longer has. */
function failuresOf({ name, version, faults = {}, runs }) {
  const gone = Object.keys(faults)
    .filter((step) => [...runs.values()].every((outcome) => outcome[step] === true))
    .map((step) => `${name} ${version}, ${step}: works, so it is no fault any more`);
  const failures = [...runs].flatMap(([transport, outcome]) =>
    STEPS.filter((step) => outcome[step] !== true && outcome[step] !== ABSENT)
      .filter((step) => !(faults[step] && outcome[step].includes(faults[step].says)))
      .map((step) => `${name} ${version}, ${transport}, ${step}: ${outcome[step]}`),
  );
  return [...failures, ...gone];
}

function render(rows) {
  const head = ['client', 'version', 'revision', ...STEPS.map((step) => HEADS[step] ?? step)];
  const cells = rows.map(({ name, version, runs }) => [
    name,
    version,
    merge(runs, ({ protocol }) => protocol ?? '–'),
    ...STEPS.map((step) =>
      merge(
        // Over stdio the client starts the bridge itself.
        step === 'restart' ? new Map([['HTTP', runs.get('HTTP') ?? {}]]) : runs,
        (outcome) => ({ true: 'yes', [ABSENT]: '–', undefined: '–' })[outcome[step]] ?? 'no',
      ),
    ),
  ]);
  return [head, head.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Returns the reason of each "no", with its clients. */
function renderFaults(rows) {
  const clients = new Map();
  for (const { name, version, faults = {} } of rows)
    for (const [step, { why }] of Object.entries(faults)) {
      const fault = `**${HEADS[step] ?? step}**: ${why}`;
      clients.set(fault, [...(clients.get(fault) ?? []), `${name} ${version}`]);
    }
  return [...clients].map(([fault, names]) => `- ${fault} (${names.join(', ')})`).join('\n');
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

/** One word if the transports agree. */
function merge(runs, wordOf) {
  const words = [...runs].map(([transport, outcome]) => [transport, wordOf(outcome)]);
  if (new Set(words.map(([, word]) => word)).size === 1) return words[0][1];
  return words.map(([transport, word]) => `${transport}: ${word}`).join(', ');
}
