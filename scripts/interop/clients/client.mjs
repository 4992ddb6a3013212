// Uses a bridge with one TypeScript client, as scripts/interop/matrix.mjs says.
// usage: client.mjs FOLDER typescript-sdk-1|typescript-sdk-2|typescript-sdk-2-legacy PLAN
// FOLDER is where the packages are resolved from.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [folder, kind, json] = process.argv.slice(2);
const plan = JSON.parse(json);
const { resolve } = createRequire(join(folder, 'package.json'));
const load = (name) => import(pathToFileURL(resolve(name)).href);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const { client, transport, read } = await (kind === 'typescript-sdk-1' ? sdk1() : sdk2());
let protocol;
if (kind === 'typescript-sdk-1') watchRevision();
await client.connect(transport);
report('connect', { value: client.getNegotiatedProtocolVersion?.() ?? protocol });

await step('list', async () => {
  const names = [];
  let cursor;
  do {
    const page = await client.listTools(cursor === undefined ? {} : { cursor });
    names.push(...page.tools.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return names;
});
await step('call', () => call(plan.call, { name: 'Ada' }));
await step('failure', () => call(plan.failure).catch((error) => ({ text: String(error), error: true })));
await step('file', async () => {
  const { text } = await call(plan.file);
  return (await read(/dify-file:\/\/[^\s"]+/.exec(text)[0])).contents[0].blob;
});
await step('cancel', async () => {
  const controller = new AbortController();
  const waiting = call(plan.wait, {}, controller.signal);
  // A line says that the call has reached Dify.
  const early = await Promise.race([waiting.then(String, String), lines.next()]);
  if (typeof early === 'string') return early;
  controller.abort();
  await waiting.catch(() => undefined);
  return 'cancelled';
});
// The next line says that the driver has seen enough.
await lines.next();
await client.close();
process.exit();

async function sdk1() {
  const { Client } = await load('@modelcontextprotocol/sdk/client/index.js');
  const { StdioClientTransport } = await load('@modelcontextprotocol/sdk/client/stdio.js');
  const { StreamableHTTPClientTransport } = await load('@modelcontextprotocol/sdk/client/streamableHttp.js');
  return connection(Client, StdioClientTransport, StreamableHTTPClientTransport, {});
}

async function sdk2() {
  const { Client, StreamableHTTPClientTransport } = await load('@modelcontextprotocol/client');
  const { StdioClientTransport } = await load('@modelcontextprotocol/client/stdio');
  const options = kind === 'typescript-sdk-2' ? { versionNegotiation: { mode: 'auto' } } : {};
  return connection(Client, StdioClientTransport, StreamableHTTPClientTransport, options);
}

/** SDK 1 does not say which revision it has agreed on: reads it from the answer to `initialize`. */
function watchRevision() {
  let receive;
  Object.defineProperty(transport, 'onmessage', {
    get: () => receive,
    set(handle) {
      receive = (message, extra) => {
        protocol ??= message.result?.protocolVersion;
        handle(message, extra);
      };
    },
  });
}

function connection(Client, Stdio, Http, options) {
  const made = new Client({ name: 'interop', version: '1' }, options);
  const { url, command, args, env } = plan;
  return {
    client: made,
    transport: url === undefined ? new Stdio({ command, args, env }) : new Http(new URL(url)),
    read: (uri) => made.readResource({ uri }),
  };
}

async function call(name, args = {}, signal) {
  const params = { name, arguments: args };
  // The second parameter of SDK 1 is a schema; SDK 2 has none.
  const rest = kind === 'typescript-sdk-1' ? [undefined, { signal }] : [{ signal }];
  const { content, isError = false } = await client.callTool(params, ...rest);
  return { text: content.map(({ text = '' }) => text).join('\n'), error: isError };
}

function report(name, rest) {
  process.stdout.write(`${JSON.stringify({ step: name, ...rest })}\n`);
}

async function step(name, work) {
  try {
    report(name, { value: await work() });
  } catch (error) {
    report(name, { thrown: String(error) });
  }
}
