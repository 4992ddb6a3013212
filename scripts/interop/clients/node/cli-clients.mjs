// Clients for the command line. Each call is a process of its own, so that a restart of the bridge concerns none of
// them. Each function resolves with the methods that client.mjs calls, as in session-clients.mjs.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { answerOf, stdioOf } from './load.mjs';

export async function inspector(plan) {
  const { file, close } = await configuration(plan, { type: 'http', url: plan.url });
  const run = (method, args = [], options = {}) =>
    runJson(
      'mcp-inspector',
      ['--cli', '--config', file, '--server', 'bridge', '--method', method, ...args],
      options,
    );
  return {
    names: async () => (await run('tools/list')).tools.map(({ name }) => name),
    async call(name, given, options) {
      const pairs = Object.entries(given).flatMap(([key, value]) => ['--tool-arg', `${key}=${value}`]);
      return answerOf(await run('tools/call', ['--tool-name', name, ...pairs], options));
    },
    read: async (uri) => (await run('resources/read', ['--uri', uri])).contents[0].blob,
    progress: false,
    restart: false,
    close,
  };
}

export async function mcporter(plan) {
  const { file, close } = await configuration(plan, { url: plan.url, allowHttp: true });
  const run = (args, options) => runJson('mcporter', ['--config', file, ...args], options);
  return {
    names: async () => (await run(['list', 'bridge', '--json'])).tools.map(({ name }) => name),
    call: async (name, given, options) =>
      answerOf(
        await run(['call', `bridge.${name}`, '--args', JSON.stringify(given), '--output', 'json'], options),
      ),
    read: async (uri) => (await run(['resource', 'bridge', uri, '--json'])).contents[0].blob,
    progress: false,
    restart: false,
    close,
  };
}

/** Writes a configuration with the bridge, and resolves with its file. */
async function configuration(plan, remote) {
  const folder = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-cli-'));
  const file = join(folder, 'mcp.json');
  await writeFile(
    file,
    JSON.stringify({ mcpServers: { bridge: plan.url === undefined ? stdioOf(plan) : remote } }),
  );
  return { file, close: () => rm(folder, { recursive: true }) };
}

/** Resolves with what a program prints as JSON. An abort interrupts it and what it started, as Ctrl+C does. */
async function runJson(program, args, { signal } = {}) {
  const path = join(process.argv[2], 'node_modules', '.bin', program);
  const child = spawn(path, args, { detached: true, stdio: ['ignore', 'pipe', 2] });
  signal?.addEventListener('abort', () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
  });
  // A failing call has its result on standard output too.
  return JSON.parse(await textOf(child.stdout));
}
