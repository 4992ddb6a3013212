import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject, type Json } from '../../../src/model/json.ts';
import { parameter } from '../../../src/sandbox/declaration.ts';
import type { StoredFile } from '../../../src/sandbox/files.ts';
import { text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool, type SandboxProvider } from '../../../src/sandbox/provider.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import type { TestClient, TestResult } from '../../support/mcp-clients.ts';
import { type RunningBridge, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';

/** Says of each file that it gets what it is. */
const inspector: SandboxProvider = builtinProvider('tests/inspect/inspect', {
  label: 'Inspector',
  description: 'Looks at files.',
  tools: [
    defineTool(
      'inspect',
      {
        description: 'Says what the files are.',
        parameters: [parameter('file', { type: 'file' }), parameter('more', { type: 'files' })],
      },
      async function* (given, { files }) {
        const all = [given['file'], given['more']].flat().filter((file) => file !== undefined);
        const found = await Promise.all(all.map(async (file) => inspected(file, (id) => files.get(id))));
        yield text(JSON.stringify(found));
      },
    ),
  ],
});

const deaf: SandboxProvider = builtinProvider('audio', {
  label: 'Audio',
  description: 'Speech.',
  tools: [
    defineTool(
      'asr',
      {
        description: 'Writes down speech.',
        parameters: [parameter('audio_file', { type: 'file', required: true })],
      },
      async function* () {
        yield text('never');
      },
    ),
  ],
});

interface Inspected {
  readonly name: string;
  readonly type: string;
  readonly kind: string;
  readonly size: number;
  readonly sha256: string;
}

async function inspected(file: Json, find: (id: string) => StoredFile | undefined): Promise<Inspected> {
  const fields = isJsonObject(file) ? file : {};
  const stored = find(textOf(fields['tool_file_id']));
  const hash = createHash('sha256');
  for await (const chunk of stored?.read() ?? []) hash.update(chunk);
  return {
    name: textOf(fields['filename']),
    type: textOf(fields['mime_type']),
    kind: textOf(fields['type']),
    size: Number(fields['size']),
    sha256: hash.digest('hex'),
  };
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const INSPECT = 'tests_inspect__inspect';
const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const seen = ({ content, isError }: TestResult): Inspected[] => {
  const [first] = content;
  if (isError === true) throw new Error(first?.text);
  return JSON.parse(first?.text ?? '') as Inspected[];
};

let sandbox: Sandbox;
let bridge: RunningBridge;
let web: Server;
let origin: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-in-'));
  await writeFile(join(folder, '季度 报告.csv'), 'a,b\n1,2\n');
  sandbox = await createSandbox({ tools: 'files' });
  sandbox.workspace.addProvider(inspector);
  sandbox.workspace.addProvider(deaf);
  web = createServer((request, response) => {
    response.setHeader('content-type', 'application/octet-stream');
    response.end(`body of ${request.url}`);
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  bridge = await startBridge({
    env: {
      ...sandboxEnv(sandbox),
      DIFY_BRIDGE_FILES_STORE: 'directory',
      DIFY_BRIDGE_FILES_DIR: join(folder, 'kept'),
      DIFY_BRIDGE_FILES_ALLOW_HTTP: 'true',
      DIFY_BRIDGE_FILES_ALLOWED_NETWORKS: '127.0.0.0/8',
      DIFY_BRIDGE_FILES_ALLOWED_PATHS: folder,
      DIFY_BRIDGE_CALLS_MAX_QUEUED: '500',
    },
    localFiles: true,
  });
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await sandbox.close();
  web.closeAllConnections();
  await new Promise((resolve) => web.close(resolve));
  await rm(folder, { recursive: true });
});

const CLIENTS = (['v1', 'v2 auto', 'v2 pinned'] as const).flatMap((kind) =>
  TRANSPORTS.map((transport) => ({ kind, transport })),
);

describe.each(CLIENTS)('$kind client over $transport', ({ kind, transport }) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await bridge.connect(kind, transport);
  });

  it('hands over a file as data, as an address and as a kept file', async () => {
    const bytes = Buffer.from('Hällo');
    const result = await client.callTool('workflow__echo_file', {
      file: { data: bytes.toString('base64'), filename: 'hällo wörld' },
    });
    const { contents } = await client.readResource(await uriOf(client));
    expect(contents[0]?.text).toBe('Hällo');
    expect(result.isError).toBeUndefined();
    const more = [
      { data: '', filename: 'empty.txt' },
      { url: `${origin}/%E8%A1%A8.csv` },
      { resource: await uriOf(client) },
    ];
    const name = 'hällo wörld.txt';
    expect(seen(await client.callTool(INSPECT, { file: { url: `${origin}/a` }, more }))).toEqual([
      { name: 'a.txt', type: 'text/plain', kind: 'document', size: 10, sha256: digest('body of /a') },
      { name: 'empty.txt', type: 'text/plain', kind: 'document', size: 0, sha256: digest('') },
      {
        name: '表.csv',
        type: 'text/csv',
        kind: 'document',
        size: 22,
        sha256: digest('body of /%E8%A1%A8.csv'),
      },
      { name, type: 'text/plain', kind: 'document', size: 6, sha256: digest(bytes) },
    ]);
  });

  it('names files of this machine where it is the local person alone', async () => {
    const path = join(folder, '季度 报告.csv');
    const result = await client.callTool(INSPECT, { file: { path } });
    const refused = 'The bridge does not accept files by path here.';
    expect(result.content[0]?.text).toContain(transport === 'stdio' ? digest('a,b\n1,2\n') : refused);
    expect(result.isError).toBe(transport === 'stdio' ? undefined : true);
  });

  it('is refused before anything is sent if a file cannot be used', async () => {
    const before = sandbox.requests.length;
    const closed = await client.callTool(INSPECT, { file: { url: 'https://[::1]/secret' } });
    expect(closed.content[0]?.text).toBe(
      'The file for the argument file cannot be used: [::1] is a private or local address, which the bridge does not ' +
        'fetch from.\nThe tool was not started. Give a publicly reachable address, or the file itself as data. ' +
        'An operator can allow the host in files.allowedNetworks.',
    );
    const refused = await client.callTool('audio__asr', { audio_file: { data: 'AAAA', filename: 'a.wav' } });
    expect(refused.isError).toBe(true);
    expect(refused.content[0]?.text).toContain(
      'Dify cannot pass files to this tool from outside its web app.',
    );
    const paths = sandbox.requests.slice(before).map(({ path }) => path);
    expect(paths.filter((path) => path.includes('/invoke/') || path.includes('upload'))).toEqual([]);
  });
});

/** The URI of the file that a client was given last. */
async function uriOf(client: TestClient): Promise<string> {
  const { resources } = await client.listResources();
  return resources[0]?.uri ?? '';
}

const inspect = (file: object) =>
  bridge.app.callTool(INSPECT, { file }, { signal: new AbortController().signal }) as Promise<TestResult>;

it('an upload address that has expired is asked for once more, and no oftener', async () => {
  await bridge.app.refresh();
  sandbox.expireUploads(1);
  expect(seen(await inspect({ data: 'AAAA', filename: 'a.bin' }))).toHaveLength(1);
  sandbox.expireUploads(2);
  const result = await inspect({ data: 'AAAA', filename: 'a.bin' });
  expect(result.isError).toBe(true);
  expect(result.content[0]?.text).toContain('Dify refused the upload of a file, even at a new address.');
});

it.each([1, 1_000_000, 100_000_000])('%i bytes arrive as they are, in little memory', async (size) => {
  await bridge.app.refresh();
  const path = join(folder, `${size}.bin`);
  const block = Buffer.alloc(1_000_000, createHash('sha512').update(String(size)).digest());
  const hash = createHash('sha256');
  let written = 0;
  while (written < size) {
    const part = block.subarray(0, size - written);
    await writeFile(path, part, { flag: 'a' });
    hash.update(part);
    written += part.length;
  }
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
  const [file] = seen(await inspect({ path }));
  clearInterval(watch);
  await rm(path);
  expect(file).toMatchObject({ size, sha256: hash.digest('hex') });
  // Client, bridge and sandbox are one process here.
  expect((most - before) / 1e6).toBeLessThan(60);
});

it('200 calls at once leave no file and no open handle behind, however they end', async () => {
  await bridge.app.refresh();
  const openFiles = async (): Promise<string[]> => {
    const handles = await readdir('/proc/self/fd');
    const targets = await Promise.all(handles.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    return targets.filter((target) => target.startsWith(folder)).sort();
  };
  const path = join(folder, '季度 报告.csv');
  expect(await openFiles()).toEqual([]);
  const kept = (await readdir(join(folder, 'kept'))).sort();
  const calls = Array.from({ length: 200 }, async (_, index) => {
    const controller = new AbortController();
    const more = [{ url: `${origin}/${index}` }, { path }, { data: 'AAAA', filename: 'a.bin' }];
    // A third fails on its own, and a third is cancelled on its way.
    if (index % 3 === 1) more.push({ url: 'http://10.0.0.1/' });
    if (index % 3 === 2) setTimeout(() => controller.abort(), index);
    return bridge.app.callTool(INSPECT, { more }, { signal: controller.signal });
  });
  const results = await Promise.all(calls);
  expect(results.filter(({ isError }) => isError !== true).length).toBeGreaterThan(60);
  expect(results.filter(({ isError }) => isError === true).length).toBeGreaterThan(60);
  await expect.poll(openFiles).toEqual([]);
  expect((await readdir(join(folder, 'kept'))).sort()).toEqual(kept);
  expect(String(await readFile(path))).toBe('a,b\n1,2\n');
});
