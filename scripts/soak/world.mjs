// Starts what a soak needs: a sandbox and a Redis behind relays that fail on request, and two bridges.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../free-port.mjs';
import { startFront } from './front.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const children = new Set();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

function watched(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

export async function startWorld() {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-soak-'));
  const sandbox = watched(fork(here('sandbox.mjs')));
  const [{ url, credentials }] = await once(sandbox, 'message');
  const dify = await startFront(Number(new URL(url).port));
  const redisPort = await freePort();
  const options = ['--bind', '127.0.0.1', '--port', String(redisPort), '--save', '', '--appendonly', 'no'];
  const server = watched(spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] }));
  await Promise.race([
    once(createInterface({ input: server.stdout }), 'line'),
    once(server, 'error').then(([error]) => {
      throw new Error('soak: redis-server does not start', { cause: error });
    }),
  ]);
  const redis = await startFront(redisPort);
  const common = {
    PATH: process.env['PATH'],
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    DIFY_API_URL: `http://127.0.0.1:${dify.port}`,
    DIFY_INNER_API_KEY: credentials.innerApiKey,
    DIFY_WORKSPACE_ID: credentials.workspaceId,
    DIFY_ADMIN_API_KEY: credentials.adminApiKey,
    DIFY_SECRET_KEY: credentials.secretKey,
    // Short limits, so that what the bridge keeps reaches them in the time of the soak.
    DIFY_BRIDGE_TOOLS_HAND_OFF: '2s',
    DIFY_BRIDGE_CALLS_TIMEOUT: '20s',
    DIFY_BRIDGE_CALLS_KEEP_RESULTS: '30s',
    DIFY_BRIDGE_CATALOG_REFRESH: '5s',
    DIFY_BRIDGE_FILES_KEEP: '30s',
    DIFY_BRIDGE_FILES_MAX_STORE_BYTES: '4MiB',
    DIFY_BRIDGE_LOG_LEVEL: 'error',
  };
  const http = startBridge(['--http', '--port', '0', '-o', 'json'], {
    ...common,
    DIFY_BRIDGE_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
  });
  const [line] = await once(createInterface({ input: http.stdout }), 'line');
  const files = join(folder, 'files');
  const stdio = startBridge([], { ...common, DIFY_BRIDGE_FILES_DIR: files });
  return {
    dify,
    redis,
    files,
    url: JSON.parse(line).url,
    bridges: { http, stdio },
    async close() {
      const all = [http, stdio, sandbox, server];
      const gone = all.filter((child) => children.has(child)).map((child) => once(child, 'exit'));
      for (const child of all) child.kill('SIGTERM');
      await Promise.all(gone);
      dify.close();
      redis.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a bridge that reports what it holds. */
function startBridge(args, env) {
  const gauge = new URL('gauge.mjs', import.meta.url).href;
  const program = here('../../dist/main.js');
  const command = ['--expose-gc', '--import', gauge, program, 'serve', ...args];
  const child = watched(spawn(process.execPath, command, { env, stdio: ['pipe', 'pipe', 'inherit', 'ipc'] }));
  child.once('exit', (code, signal) => {
    if (code !== 0) console.error(`soak: a bridge ended by itself with ${code ?? signal}`);
  });
  return child;
}
