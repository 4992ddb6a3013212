import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { SAMPLES } from '../../../src/sandbox/samples.ts';
import { CLIENT_KINDS, type TestClient, type TestResult } from '../../support/mcp-clients.ts';
import { startFront } from '../../support/front.ts';
import { type RunningBridge, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';

const GIVE = 'paperkite_samples__give_files';
const BYTES = 'paperkite_samples__give_bytes';
const WRITE = 'paperkite_samples__write_text';

const CLIENTS = (['v1', 'v2 auto', 'v2 pinned'] as const).flatMap((kind) =>
  TRANSPORTS.map((transport) => ({ kind, transport })),
);

interface Link {
  readonly type: 'resource_link';
  readonly uri: string;
  readonly name: string;
  readonly mimeType: string;
  readonly size: number;
}

const linksOf = ({ content }: TestResult): Link[] =>
  content.filter(({ type }) => type === 'resource_link') as unknown as Link[];

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let sandbox: Sandbox;
let bridge: RunningBridge;
beforeAll(async () => {
  sandbox = await createSandbox({ tools: 'files' });
  bridge = await startBridge({ env: sandboxEnv(sandbox) });
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await sandbox.close();
});

describe.each(CLIENTS)('$kind client over $transport', ({ kind, transport }) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await bridge.connect(kind, transport);
  });

  it('gets every kind of file in its tier', async () => {
    const kinds = Object.keys(SAMPLES);
    const { content, isError, structuredContent } = await client.callTool(GIVE, { kinds });
    expect({ isError, structuredContent }).toEqual({ isError: undefined, structuredContent: undefined });
    const blocks = content.filter(({ type }) => type !== 'text');
    expect(blocks.map(({ type }) => type)).toEqual([
      'image',
      'image',
      'audio',
      'audio',
      'resource_link',
      'resource_link',
      'resource',
      'resource_link',
      'image',
      'resource',
      'resource',
      'resource',
      'resource',
    ]);
    const lines = content.flatMap(({ type, text }) => (type === 'text' ? [text ?? ''] : []));
    expect(lines.map((line) => line.replace(/ \(.*/, ''))).toEqual(
      kinds.map((name) => SAMPLES[name]?.().filename),
    );
    // Nothing that a browser would run is called so.
    expect(JSON.stringify(blocks)).not.toMatch(/"mimeType":"(text\/html|image\/svg)/);
  });

  it.each([1, 3_000_000])('reads a file of %i bytes where the link says', async (size) => {
    const result = await client.callTool(BYTES, { size, name: '季度 报告.bin' });
    const [link] = linksOf(result);
    expect(link).toMatchObject({ name: '季度 报告.bin', mimeType: 'application/octet-stream', size });
    expect(result.content[0]?.text).toContain(link?.uri);
    const { contents } = await client.readResource(link?.uri ?? '');
    const bytes = Buffer.from(String(contents[0]?.blob), 'base64');
    expect(digest(bytes)).toBe(digest(Buffer.alloc(size, 0xa5)));
  });

  it('is given what arrived before a failure', async () => {
    const result = await client.callTool(GIVE, { kinds: ['png', 'pdf'], fail: true });
    expect(result.isError).toBe(true);
    expect(result.content.map(({ type }) => type)).toEqual([
      'text',
      'text',
      'text',
      'image',
      'text',
      'resource_link',
    ]);
  });

  it('gets a long text cut at a line, and can read the whole', async () => {
    const result = await client.callTool(WRITE, { characters: 250_000 });
    const [shown, note] = result.content;
    expect(shown?.text?.length).toBeLessThanOrEqual(100_000);
    expect(shown?.text?.length).toBeGreaterThan(99_000);
    expect(shown?.text?.endsWith('turned.')).toBe(true);
    expect(note?.text).toMatch(/^\[Text truncated: [\d,]+ of [\d,]+ characters shown\./);
    const [link] = linksOf(result);
    const { contents } = await client.readResource(link?.uri ?? '');
    expect(String(contents[0]?.text)).toHaveLength(link?.size ?? 0);
    expect(String(contents[0]?.text).startsWith(String(shown?.text))).toBe(true);
  });

  it('gets a long text file as a link alone', async () => {
    const result = await client.callTool(WRITE, { characters: 250_000, as_file: true });
    expect(result.content.map(({ type }) => type)).toEqual(['text', 'resource_link']);
    expect(result.content[0]?.text).toContain(', not shown (a result contains at most 100,000 characters),');
  });
});

it('names a download address over HTTP, which works without more', async () => {
  const client = await bridge.connect('v2 auto', 'HTTP');
  const result = await client.callTool(GIVE, { kinds: ['html', 'pdf'] });
  const [url] = /http:\/\/\S+/.exec(result.content.at(-2)?.text ?? '') ?? [];
  const answer = await fetch(url ?? '');
  const pdf = SAMPLES['pdf']?.().bytes ?? Buffer.alloc(0);
  expect(digest(new Uint8Array(await answer.arrayBuffer()))).toBe(digest(pdf));
});

it('follows the limits of the view and of the preset', async () => {
  await using limited = await startBridge({
    env: sandboxEnv(sandbox),
    file: [
      'tools:',
      '  maxImageBytes: 10B',
      '  presets:',
      `    ${WRITE}: { results: { maxTextChars: 1000 } }`,
      'views:',
      '  wide: { maxImageBytes: 1MB }',
    ].join('\n'),
  });
  const client = await limited.connect('v2 auto', 'stdio');
  const types = async (name: string, args: Record<string, unknown>): Promise<string[]> =>
    (await client.callTool(name, args)).content.map(({ type }) => type);
  expect(await types(GIVE, { kinds: ['png'] })).toEqual(['text', 'resource_link']);
  expect(await types(WRITE, { characters: 1500 })).toEqual(['text', 'text', 'resource_link']);
  const wide = limited.app.views.get('wide');
  const outcome = await wide?.callTool(GIVE, { kinds: ['png'] }, { signal: new AbortController().signal });
  expect(outcome).toMatchObject({
    kind: 'result',
    result: { content: [{ type: 'text' }, { type: 'image' }] },
  });
});

it.each(CLIENT_KINDS)('links to sounds where a view says so, and shows them elsewhere (%s)', async (kind) => {
  await using quiet = await startBridge({
    env: sandboxEnv(sandbox),
    file: 'tools:\n  sounds: link\nviews:\n  loud: { sounds: inline }\n',
  });
  for (const transport of TRANSPORTS) {
    const client = await quiet.connect(kind, transport);
    const { content } = await client.callTool(GIVE, { kinds: ['wav', 'png'] });
    expect(content.map(({ type }) => type).sort()).toEqual(['image', 'resource_link', 'text', 'text']);
    const { uri = '' } = content.find(({ type }) => type === 'resource_link') as { uri?: string };
    const { contents } = await client.readResource(uri);
    const sound = SAMPLES['wav']?.().bytes ?? Buffer.alloc(0);
    expect(digest(Buffer.from(String(contents[0]?.blob), 'base64'))).toBe(digest(sound));
  }
  const loud = quiet.app.views.get('loud');
  const outcome = await loud?.callTool(GIVE, { kinds: ['wav'] }, { signal: new AbortController().signal });
  expect(outcome).toMatchObject({ result: { content: [{ type: 'text' }, { type: 'audio' }] } });
});

describe('the ways to a file', () => {
  it.each([
    ['1.14.2', false],
    ['1.15.0', true],
    ['1.16.0', true],
  ])('without the signing key, from Dify %s: %s', async (version, arrives) => {
    const dify = await createSandbox({ tools: 'files', version });
    await using keyless = await startBridge({ env: { ...sandboxEnv(dify), DIFY_SECRET_KEY: '' } });
    const client = await keyless.connect('v2 auto', 'stdio');
    for (const kinds of [['png', 'pdf', 'csv'], ['png']]) {
      const { content } = await client.callTool(GIVE, { kinds });
      expect(content.filter(({ type }) => type !== 'text')).toHaveLength(arrives ? kinds.length : 0);
      expect(content[0]?.text?.includes('set DIFY_SECRET_KEY')).toBe(!arrives);
    }
    const asked = dify.requests.filter(({ path }) => path === '/inner/api/download/file/request');
    expect(asked).toHaveLength(arrives ? 4 : 1);
    await dify.close();
  });
});

it('keeps what it has when a file comes that the whole store could not hold', async () => {
  const small = { DIFY_BRIDGE_FILES_MAX_STORE_BYTES: '1000000' };
  await using tight = await startBridge({ env: { ...sandboxEnv(sandbox), ...small } });
  const client = await tight.connect('v2 auto', 'HTTP');
  const [link] = linksOf(await client.callTool(BYTES, { size: 900_000 }));
  const { content } = await client.callTool(BYTES, { size: 2_000_000 });
  expect(content.map(({ text }) => text)).toEqual([
    expect.stringContaining('was not included: the limit for one file is 1 MB.'),
  ]);
  expect((await client.listResources()).resources).toMatchObject([{ uri: link?.uri }]);
});

it.each(TRANSPORTS)('answers over %s when it stops while a file is fetched', async (transport) => {
  let asked: (() => void) | undefined;
  const fetching = new Promise<void>((resolve) => {
    asked = resolve;
  });
  await using front = await startFront(sandbox.url, {
    answer({ url }) {
      if (url?.startsWith('/files/tools/') !== true) return undefined;
      asked?.();
      return { headers: { 'content-length': '100' }, stalls: true };
    },
  });
  await using stopping = await startBridge({ env: { ...sandboxEnv(sandbox), DIFY_API_URL: front.url } });
  const client = await stopping.connect('v2 auto', transport);
  const answer = client.callTool(BYTES, { size: 100 });
  await fetching;
  await stopping.app.close(50);
  expect((await answer).content.map(({ text }) => text)).toEqual([
    'bytes.bin could not be fetched. The call ended first: open the file in Dify.',
  ]);
});

it('leaves no temporary file and no open one behind after 200 calls at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bridge-kept-'));
  await using busy = await startBridge({
    env: {
      ...sandboxEnv(sandbox),
      DIFY_BRIDGE_FILES_STORE: 'directory',
      DIFY_BRIDGE_FILES_DIR: folder,
      DIFY_BRIDGE_CALLS_MAX_QUEUED: '200',
    },
  });
  const client = await busy.connect('v2 auto', 'HTTP');
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      client.callTool(GIVE, { kinds: index % 2 === 0 ? ['png', 'pdf'] : ['docx'], fail: index % 5 === 0 }),
    ),
  );
  expect(results.filter(({ isError }) => isError === true)).toHaveLength(40);
  // Each kept file is a folder of its own; whatever is not whole has a name that begins with a dot.
  const entries = await readdir(folder);
  expect(entries).toHaveLength(300);
  expect(entries.filter((name) => name.startsWith('.'))).toEqual([]);
  expect(await openFilesIn(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});

/** Files of a folder that this process has open, where the system tells. */
async function openFilesIn(folder: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/self/fd/${descriptor}`).catch(() => '')),
  );
  return targets.filter((target) => target.startsWith(folder));
}
