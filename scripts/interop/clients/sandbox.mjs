// A sandbox with the tools that the clients of the matrix call, and bridges in front of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { blob, log, text, ToolFailure } from '../../../dist/sandbox/messages.js';
import { textOf } from '../../../dist/sandbox/parameter-values.js';
import { encodePng } from '../../../dist/sandbox/png.js';
import { builtinProvider, defineTool } from '../../../dist/sandbox/provider.js';
import { createSandbox } from '../../../dist/sandbox/sandbox.js';
import { workflowProvider } from '../../../dist/sandbox/workflow-provider.js';
import { parameter } from '../../../dist/sandbox/declaration.js';
import { environmentOf, listTools } from '../catalogue.mjs';

const PROGRAM = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
/** Neither text nor a picture, so that a client has to read it as a resource. */
const FILE = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 31) % 256));

const SIZE = { width: 8, height: 9 };
const PICTURE = Buffer.from(encodePng(SIZE.width, SIZE.height, new Uint8Array(8 * 9 * 3).fill(90)));
const COUNTED = { count: 3 };

/** What the clients call, and what a step's answer must be. */
export const TOOLS = {
  call: 'interop_kit__greet',
  failure: 'interop_kit__fail',
  structured: 'workflow__interop_count',
  picture: 'interop_kit__draw',
  file: 'interop_kit__report',
  progress: 'interop_kit__read',
  wait: 'interop_kit__wait',
};
export const EXPECTED = {
  // Some clients replace the hyphens in names, because their models refuse them.
  list: (names, all) => isDeepStrictEqual(plain(names), plain(all)),
  call: greeted,
  failure: ({ text: said, error }) => said.includes('The garden is closed.') && error,
  structured: (value) => isDeepStrictEqual(value, COUNTED),
  // Some clients decode the picture, and encode it again.
  picture: ([content = '']) => isDeepStrictEqual(sizeOfPng(Buffer.from(content, 'base64')), SIZE),
  file: (content) => Buffer.from(content, 'base64').equals(FILE),
  progress: (count) => count > 0,
  restart: greeted,
};

/** Starts a sandbox, and a bridge in front of it that serves HTTP. */
export async function startTarget() {
  const state = { arrived: () => undefined, release: () => undefined };
  const sandbox = await createSandbox({ tools: 'demo' });
  sandbox.workspace.addProvider(kit(state));
  sandbox.workspace.addProvider(counter());
  // The bridge stores files and the key of its sessions here, as it does by default.
  const cache = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-interop-'));
  const env = {
    ...environmentOf(sandbox),
    XDG_CACHE_HOME: cache,
    DIFY_BRIDGE_FILES_STORE: 'directory',
    DIFY_BRIDGE_LOG_LEVEL: 'silent',
    DIFY_BRIDGE_TOOLS_PAGE_SIZE: '22',
  };
  let http = serve(env, '0');
  const url = await addressOf(http);
  const client = new Client({ name: 'interop', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  const all = (await listTools(client)).map(({ name }) => name);
  await client.close();
  return {
    /** The names of all tools. */
    all,
    plans: {
      stdio: { command: process.execPath, args: [PROGRAM, 'serve'], env, ...TOOLS },
      HTTP: { url, ...TOOLS },
    },
    /** `arrived` is called when a call of the tool that waits has reached Dify, with a promise of its end there. */
    onWait(arrived) {
      state.arrived = arrived;
    },
    /** Stops the bridge that serves HTTP, and starts it again at the same address. A call that still waits ends first. */
    async restart() {
      state.release();
      await stop(http);
      http = serve(env, new URL(url).port);
      await addressOf(http);
    },
    async close() {
      await stop(http);
      await sandbox.close();
      await rm(cache, { recursive: true });
    },
  };
}

function plain(names) {
  return names.map((name) => name.replaceAll('-', '_')).toSorted((a, b) => (a < b ? -1 : 1));
}

/** Returns the size of a picture, or undefined if it is no PNG file. */
function sizeOfPng(content) {
  if (content.subarray(12, 16).toString('latin1') !== 'IHDR') return undefined;
  return { width: content.readUInt32BE(16), height: content.readUInt32BE(20) };
}

function greeted({ text: said, error }) {
  return said.includes('Hello, Ada.') && !error;
}

function serve(env, port) {
  return spawn(process.execPath, [PROGRAM, 'serve', '--http', '--port', port, '-o', 'json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function stop(child) {
  child.kill();
  await once(child, 'exit');
}

async function addressOf(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const { url } = JSON.parse(line);
    if (url !== undefined) return url;
  }
  throw new Error('The bridge serves no HTTP.');
}

function kit(state) {
  const name = parameter('name', { description: 'Who is greeted.', required: true });
  return builtinProvider('interop/kit/kit', {
    label: 'Kit',
    description: 'What clients call.',
    tools: [
      defineTool('greet', { description: 'Greets.', parameters: [name] }, async function* (given) {
        yield text(`Hello, ${textOf(given, 'name')}.`);
      }),
      defineTool('fail', { description: 'Fails.' }, async function* () {
        yield text('Half of it.');
        throw new ToolFailure('The garden is closed.');
      }),
      defineTool('draw', { description: 'Draws.' }, async function* () {
        yield blob(PICTURE, { mime_type: 'image/png', filename: 'square.png' });
      }),
      defineTool('read', { description: 'Reports progress.' }, async function* () {
        yield log({ id: 'page', label: 'Reading page 3', status: 'start' });
        // Most SDKs drop progress that arrives together with the result.
        await sleep(300);
        yield text('Read.');
      }),
      defineTool('report', { description: 'Returns a file.' }, async function* () {
        yield blob(FILE, { mime_type: 'application/octet-stream', filename: 'report.bin' });
      }),
      defineTool('wait', { description: 'Waits until it is cancelled.' }, async function* (_, { signal }) {
        const ended = once(signal, 'abort');
        const released = new Promise((resolve) => (state.release = resolve));
        state.arrived(ended);
        await Promise.race([ended, released]);
        yield text('Nobody reads this.');
      }),
    ],
  });
}

function counter() {
  return workflowProvider({
    id: '5a4db0c5-0000-4000-8000-0000000000e2',
    appId: '5a4db0c5-0000-4000-8000-0000000000e3',
    name: 'interop_count',
    label: 'Count',
    description: 'Counts.',
    inputs: [],
    outputs: { count: { type: 'number' } },
    silenceMs: 0,
    run: () => COUNTED,
  });
}
