// Starts and ends the processes of the bench.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ADMIN_API_KEY, INNER_API_KEY, SECRET_KEY, WORKSPACE_ID } from './wire.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const PROGRAM = here('../../dist/main.js');

/** More calls a minute than a process can make, so that they are counted but never refused. */
const RATES = Object.fromEntries(
  ['PRINCIPAL', 'VIEW', 'PROVIDER'].map((each) => [`DIFY_BRIDGE_LIMITS_RATE_PER_${each}`, '100000000']),
);

/** Starts a fake Dify with a number of tools. */
export async function startUpstream(toolCount) {
  const child = fork(here('upstream.mjs'), [String(toolCount)]);
  const [{ port }] = await once(child, 'message');
  return { url: `http://127.0.0.1:${port}`, stop: () => stop(child) };
}

/** Starts the sandbox with its tools for files, or with a number of made-up ones. `env` points a bridge to it. */
export async function startSandbox(toolCount) {
  const child = fork(here('sandbox.mjs'), toolCount === undefined ? [] : [String(toolCount)]);
  const [{ url, credentials }] = await once(child, 'message');
  const { innerApiKey, workspaceId, adminApiKey, secretKey } = credentials;
  const env = {
    DIFY_INNER_API_KEY: innerApiKey,
    DIFY_WORKSPACE_ID: workspaceId,
    DIFY_ADMIN_API_KEY: adminApiKey,
    DIFY_SECRET_KEY: secretKey,
  };
  return { url, env, stop: () => stop(child) };
}

/** Returns the command line of the bridge or the floor on one transport. */
function commandOf(kind, transport, upstreamUrl) {
  if (kind === 'floor') return [here('floor.mjs'), transport, upstreamUrl];
  return [PROGRAM, 'serve', ...(transport === 'http' ? ['--http', '--port', '0', '-o', 'json'] : [])];
}

/**
 * Starts `bridge` or `floor` on `stdio` or `http`. With `gauge`, the process reports what it has used. Discards its log,
 * which has the default level.
 */
export function startServer(kind, transport, upstreamUrl, { gauge = true, env: more = {} } = {}) {
  const { PATH, HOME } = process.env;
  const env = {
    PATH,
    HOME,
    XDG_CONFIG_HOME: here('.'),
    DIFY_API_URL: upstreamUrl,
    DIFY_INNER_API_KEY: INNER_API_KEY,
    DIFY_WORKSPACE_ID: WORKSPACE_ID,
    DIFY_ADMIN_API_KEY: ADMIN_API_KEY,
    DIFY_SECRET_KEY: SECRET_KEY,
    ...RATES,
    DIFY_BRIDGE_FILES_STORE: more.DIFY_BRIDGE_FILES_DIR === undefined ? 'memory' : 'directory',
    ...more,
  };
  const preload = gauge ? ['--import', new URL('gauge.mjs', import.meta.url).href] : [];
  const args = [...profiling(kind), ...preload, ...commandOf(kind, transport, upstreamUrl)];
  const child = spawn(process.execPath, args, {
    env,
    stdio: ['pipe', 'pipe', 'ignore', ...(gauge ? ['ipc'] : [])],
  });
  // If the benchmark fails, its servers end too.
  const killChild = () => child.kill();
  process.once('exit', killChild);
  child.once('exit', (code) => {
    process.off('exit', killChild);
    if (!stopped.has(child)) throw new Error(`The ${kind} ended by itself with ${code}.`);
  });
  return {
    child,
    lines: createInterface({ input: child.stdout }),
    stop: () => stop(child),
    async usage() {
      child.send('usage');
      const [usage] = await once(child, 'message');
      return usage;
    },
  };
}

/** `BENCH_CPU_PROF=<folder>` writes a CPU profile of each process of the bridge. */
function profiling(kind) {
  const folder = process.env['BENCH_CPU_PROF'];
  return folder === undefined || kind !== 'bridge' ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

/** Returns the resident memory of a process in bytes; undefined if the system does not report it. */
export function residentBytes(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  } catch {
    return undefined;
  }
}

/** Returns the current and the peak resident memory of a process in bytes; NaN if the system does not report them. */
export function memoryOf(pid) {
  let status = '';
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // Only Linux reports it.
  }
  const bytes = (field) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1024;
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}

const stopped = new WeakSet();

async function stop(child) {
  stopped.add(child);
  child.kill('SIGTERM');
  await once(child, 'exit');
}
