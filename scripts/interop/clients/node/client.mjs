// Uses a bridge with one TypeScript client, as scripts/interop/clients/matrix.mjs says.
// usage: client.mjs FOLDER CLIENT PLAN, where CLIENT is a function of a file that ends in -clients.mjs
// FOLDER is where the packages are resolved from.
import { createInterface } from 'node:readline';
import * as agentClients from './agent-clients.mjs';
import * as cliClients from './cli-clients.mjs';
import * as sessionClients from './session-clients.mjs';
import * as toolClients from './tool-clients.mjs';

/** A call after a restart that has no answer by then has none. */
const PATIENCE = 30_000;
const [, kind, json] = process.argv.slice(2);
const plan = JSON.parse(json);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const client = await { ...agentClients, ...cliClients, ...sessionClients, ...toolClients }[kind](plan);

report('connect', { value: client.protocol });
await step('list', client.names);
await step('call', greet);
await step('failure', () =>
  client.call(plan.failure, {}).catch((error) => ({ text: String(error), error: true })),
);
await stepIf(
  client.structured ?? true,
  'structured',
  async () => (await client.call(plan.structured, {})).structured,
);
await stepIf(client.pictures ?? true, 'picture', async () => (await client.call(plan.picture, {})).pictures);
await stepIf(client.read, 'file', async () => {
  const { text } = await client.call(plan.file, {});
  const [uri] = /dify-file:\/\/[^\s"'\\]+/.exec(text) ?? [];
  if (uri === undefined) throw new Error(text);
  return client.read(uri);
});
await stepIf(client.progress ?? true, 'progress', async () => {
  let count = 0;
  await client.call(plan.progress, {}, { onprogress: () => (count += 1) });
  return count;
});
await stepIf(client.cancel ?? true, 'cancel', async () => {
  const controller = new AbortController();
  const waiting = client.call(plan.wait, {}, { signal: controller.signal });
  // A line says that the call has reached Dify.
  const early = await Promise.race([waiting.then(JSON.stringify, String), lines.next()]);
  if (typeof early === 'string') return early;
  controller.abort();
  await waiting.catch(() => undefined);
  return 'cancelled';
});
// The next line says that the driver has seen enough, and has restarted the bridge.
await lines.next();
if (plan.restarts) {
  await stepIf(client.restart ?? true, 'restart', () => {
    const late = new Promise((_, fail) => setTimeout(fail, PATIENCE, new Error('no answer')).unref());
    return Promise.race([greet(), late]);
  });
}
await client.close();
process.exit();

async function greet() {
  const { text, error } = await client.call(plan.call, { name: 'Ada' });
  return { text, error };
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

async function stepIf(has, name, work) {
  if (has) await step(name, work);
  else report(name, { absent: true });
}
