// A sandbox with the tools that the clients of the matrix call, and bridges in front of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { blob, text, ToolFailure } from '../../../dist/sandbox/messages.js';
import { textOf } from '../../../dist/sandbox/parameter-values.js';
import { builtinProvider, defineTool } from '../../../dist/sandbox/provider.js';
import { createSandbox } from '../../../dist/sandbox/sandbox.js';
import { parameter } from '../../../dist/sandbox/declaration.js';
import { environmentOf, listTools } from '../catalogue.mjs';

const PROGRAM = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
/** Neither text nor a picture, so that a client has to read it as a resource. */
const FILE = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 31) % 256));

/** What the clients call, and what a step's answer must be. */
export const TOOLS = {
  call: 'interop_kit__greet',
  failure: 'interop_kit__fail',
  file: 'interop_kit__report',
  wait: 'interop_kit__wait',
};
export const EXPECTED = {
  list: (names, all) =>
    isDeepStrictEqual(
      names.toSorted((a, b) => (a < b ? -1 : 1)),
      all,
    ),
  call: ({ text: said, error }) => said.includes('Hello, Ada.') && !error,
  failure: ({ text: said, error }) => said.includes('The garden is closed.') && error,
  file: (content) => Buffer.from(content, 'base64').equals(FILE),
};

/**
 * Starts a sandbox, and a bridge in front of it that serves HTTP.
 */
export async function startTarget() {
  const state = { arrived: () => undefined };
  const sandbox = await createSandbox({ tools: 'demo' });
  sandbox.workspace.addProvider(kit(state));
  const env = {
    ...environmentOf(sandbox),
    DIFY_BRIDGE_LOG_LEVEL: 'silent',
    DIFY_BRIDGE_TOOLS_PAGE_SIZE: '10',
  };
  const http = spawn(process.execPath, [PROGRAM, 'serve', '--http', '--port', '0', '-o', 'json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await addressOf(http);
  const client = new Client({ name: 'interop', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  const all = (await listTools(client)).map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1));
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
    async close() {
      http.kill();
      await once(http, 'exit');
      await sandbox.close();
    },
  };
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
      defineTool('report', { description: 'Returns a file.' }, async function* () {
        yield blob(FILE, { mime_type: 'application/octet-stream', filename: 'report.bin' });
      }),
      defineTool('wait', { description: 'Waits until it is cancelled.' }, async function* (_, { signal }) {
        const ended = once(signal, 'abort');
        state.arrived(ended);
        await ended;
        yield text('Nobody reads this.');
      }),
    ],
  });
}
