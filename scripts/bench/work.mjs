// Measures individual operations: lists and images in a running bridge, and single modules.
import { connectStdio } from './clients.mjs';
import { load, measure, median } from './measure.mjs';
import { startServer } from './processes.mjs';
import { builtinTools, frame, IMAGE_BYTES, published } from './wire.mjs';

const { decodeFrames } = await import('../../dist/dify/inner/frames.js');
const { toToolInvokeMessage } = await import('../../dist/dify/inner/wire-message.js');
const { toToolProviders } = await import('../../dist/dify/console/wire-catalog.js');
const { ToolResults } = await import('../../dist/content/tool-result.js');
const { loadConfig } = await import('../../dist/config/load.js');
const { buildRegistry } = await import('../../dist/registry/build.js');
const { silentLogger } = await import('../../dist/model/logger.js');

/** The default settings. */
const { config } = await loadConfig({ env: { XDG_CONFIG_HOME: '/nonexistent' }, needsDify: false });

/** Returns the CPU time of one tools/list in µs and the size of its answer, in a bridge over stdio. */
export async function benchList(upstreamUrl, ms) {
  const server = startServer('bridge', 'stdio', upstreamUrl);
  try {
    const client = await connectStdio(server);
    const { length } = await client.send('tools/list', {});
    const list = () => client.send('tools/list', {});
    await load(list, 4, ms / 2);
    const { cpuUs } = await measure(server, list, 4, ms);
    return { cpuUs, bytes: length };
  } finally {
    await server.stop();
  }
}

/** Returns the milliseconds and the CPU time in µs of a call that returns an image of 1 MB, in a bridge over stdio. */
export async function benchPicture(upstreamUrl, ms) {
  const server = startServer('bridge', 'stdio', upstreamUrl, {
    env: {
      DIFY_BRIDGE_TOOLS_MAX_IMAGE_BYTES: `${IMAGE_BYTES}`,
      DIFY_BRIDGE_TOOLS_MAX_INLINE_BYTES: `${IMAGE_BYTES}`,
    },
  });
  try {
    const client = await connectStdio(server);
    const call = async () => {
      const answer = await client.send('tools/call', { name: published('picture'), arguments: {} });
      if (answer.length < (IMAGE_BYTES * 4) / 3) throw new Error(`No picture: ${answer.slice(0, 400)}`);
    };
    await load(call, 1, ms / 2);
    const { p50Ms, cpuUs } = await measure(server, call, 1, ms);
    return { p50Ms, cpuUs };
  } finally {
    await server.stop();
  }
}

/** Returns the µs for decoding a frame that arrives in chunks of 16 KB. */
export async function benchDecode(repetitions) {
  const count = 10_000;
  const frames = Buffer.concat(
    Array.from({ length: count }, (_, index) => frame('text', { text: `piece ${index} of a longer text` })),
  );
  const chunks = [];
  for (let at = 0; at < frames.length; at += 16_384) chunks.push(frames.subarray(at, at + 16_384));
  const arriving = async function* () {
    yield* chunks;
  };
  return timed(repetitions, count, async () => {
    let seen = 0;
    for await (const _ of decodeFrames(arriving(), { maxFrameBytes: 1_000_000 })) seen += 1;
    if (seen !== count) throw new Error(`Only ${seen} frames were decoded.`);
  });
}

/** Returns the µs for converting a message, in a stream of text pieces, JSON and log entries. */
export async function benchConvert(repetitions) {
  const tool = registryOf(2).tools[0];
  const noFiles = () => Promise.reject(new Error('There are no files.'));
  const results = new ToolResults({
    opener: { open: noFiles, isSignedLink: () => false },
    store: { put: noFiles },
    accessOf: noFiles,
    maxOutputBytes: 1_000_000,
    logger: silentLogger,
  });
  const wire = Array.from({ length: 10_000 }, (_, index) => {
    if (index % 100 === 99) return { type: 'json', message: { json_object: { index } } };
    if (index % 100 === 49)
      return { type: 'log', message: { id: `${index}`, label: 'Step', status: 'start', data: {} } };
    return { type: 'text', message: { text: `piece ${index} of a longer text` } };
  });
  return timed(repetitions, wire.length, async () => {
    const result = results.begin({
      tool,
      principal: 'bench',
      limits: { ...config.tools, maxTextChars: 10_000_000 },
      signal: new AbortController().signal,
    });
    for (const data of wire) result.add(toToolInvokeMessage(data));
    const { isError, content } = await result.end();
    if (isError) throw new Error(`The conversion failed: ${content[0]?.text}`);
  });
}

/** Returns the ms for building a registry of 1,000 tools. */
export async function benchRegistry(repetitions) {
  return (await timed(repetitions, 1, async () => void registryOf(1000))) / 1000;
}

function registryOf(count) {
  const { providers } = toToolProviders(builtinTools(count), 'builtin');
  const registry = buildRegistry(providers, config.tools);
  if (registry.tools.length !== count) throw new Error(`Only ${registry.tools.length} tools were published.`);
  return registry;
}

/** Returns the median time of an operation in µs, divided by its number of items. */
async function timed(repetitions, count, work) {
  await work();
  const taken = [];
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const startedAt = performance.now();
    await work();
    taken.push(((performance.now() - startedAt) * 1000) / count);
  }
  return median(taken);
}
