// Starts and ends the processes of the bench.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ADMIN_API_KEY, INNER_API_KEY, SECRET_KEY, WORKSPACE_ID } from './wire.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const PROGRAM = here('../../dist/main.js');

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

/** Returns the environment of a bridge to the fake Dify. */
export function environmentOf(upstreamUrl) {
  const { PATH, HOME } = process.env;
  return {
    PATH,
    HOME,
    XDG_CONFIG_HOME: here('.'),
    DIFY_API_URL: upstreamUrl,
    DIFY_INNER_API_KEY: INNER_API_KEY,
    DIFY_WORKSPACE_ID: WORKSPACE_ID,
    DIFY_ADMIN_API_KEY: ADMIN_API_KEY,
    DIFY_SECRET_KEY: SECRET_KEY,
  };
}

/** Returns the command line of the bridge or a floor on one transport. */
function commandOf(kind, transport, upstreamUrl, { args, program }) {
  if (kind !== 'bridge') return [here(`floors/${kind}.mjs`), transport, upstreamUrl, ...args];
  return [
    program,
    'serve',
    ...(transport === 'http' ? ['--http', '--port', '0', '-o', 'json'] : []),
    ...args,
  ];
}

/**
 * Starts `bridge`, or a floor by the name of its file, on `stdio` or `http`. With `gauge`, the process reports what it
 * has used. Discards its log, which has the default level.
 */
export function startServer(
  kind,
  transport,
  upstreamUrl,
  { gauge = true, env: more = {}, args: moreArgs = [], program = PROGRAM } = {},
) {
  const env = {
    ...environmentOf(upstreamUrl),
    DIFY_BRIDGE_FILES_STORE: more.DIFY_BRIDGE_FILES_DIR === undefined ? 'memory' : 'directory',
    ...more,
  };
  const preload = gauge ? ['--import', new URL('gauge.mjs', import.meta.url).href] : [];
  const args = [
    ...profiling(kind),
    ...preload,
    ...commandOf(kind, transport, upstreamUrl, { args: moreArgs, program }),
  ];
  const child = spawn(process.execPath, args, {
    env,
    stdio: ['pipe', 'pipe', 'ignore', ...(gauge ? ['ipc'] : [])],
  });
  return {
    ...serverOf(child, kind),
    async usage() {
      child.send('usage');
      const [usage] = await once(child, 'message');
      return usage;
    },
  };
}

/** Returns a running server, which must not end by itself. If the benchmark fails, its servers end too. */
export function serverOf(child, name) {
  running.add(child);
  child.once('exit', (code) => {
    running.delete(child);
    if (!stopped.has(child)) throw new Error(`${name} ended by itself with ${code}.`);
  });
  return { child, lines: createInterface({ input: child.stdout }), stop: () => stop(child) };
}

/** `BENCH_CPU_PROF=<folder>` writes a CPU profile of each process of the bridge. */
function profiling(kind) {
  const folder = process.env['BENCH_CPU_PROF'];
  return folder === undefined || kind !== 'bridge' ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

/** Returns the CPU time of a process so far, in milliseconds; NaN if the system does not report it. */
export function cpuMsOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    // User and system time, in ticks of 10 ms.
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
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

const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill()));
const stopped = new WeakSet();

async function stop(child) {
  stopped.add(child);
  child.kill('SIGTERM');
  await once(child, 'exit');
}
