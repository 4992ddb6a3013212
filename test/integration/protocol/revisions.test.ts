import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { blob } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import { SAMPLES } from '../../../src/sandbox/samples.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { samplesProvider } from '../../../src/sandbox/tools-samples.ts';
import { connectRevision, type RevisionClient } from '../../support/revision-client.ts';
import { REVISIONS, shapesOf } from '../../support/revision-shapes.ts';
import { type RunningBridge, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';

const CASES = TRANSPORTS.flatMap((transport) => REVISIONS.map((revision) => ({ transport, revision })));
const GIVE = 'paperkite_samples__give_files';
const COMPARE = 'workflow__compare_texts';
const LATE = 'tests_late__give_late';

let sandbox: Sandbox;
let bridge: RunningBridge;
/** A bridge that hands off calls at once. */
let hasty: RunningBridge;
/** Lets the tool that waits give its files. */
let giveLate = createGate();

beforeAll(async () => {
  sandbox = await createSandbox();
  sandbox.workspace.addProvider(samplesProvider);
  const late = defineTool(
    'give_late',
    { description: 'Gives files later.', parameters: [parameter('note', { description: 'Any text.' })] },
    async function* () {
      await giveLate.opened;
      for (const kind of ['pdf', 'wav']) {
        const { bytes, ...meta } = SAMPLES[kind]?.() ?? { bytes: Buffer.alloc(0) };
        yield blob(bytes, meta);
      }
    },
  );
  sandbox.workspace.addProvider(
    builtinProvider('tests/late/late', { label: 'Late', description: 'Late.', tools: [late] }),
  );
  bridge = await startBridge({ env: sandboxEnv(sandbox) });
  hasty = await startBridge({ env: { ...sandboxEnv(sandbox), DIFY_BRIDGE_TOOLS_HAND_OFF: '100ms' } });
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await hasty[Symbol.asyncDispose]();
  await sandbox.close();
});

/** Something to wait for until the test opens it. */
function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

const bytesOf = (kind: string): Buffer => Buffer.from(SAMPLES[kind]?.().bytes ?? []);

describe.each(CASES)('a client of $revision over $transport', ({ transport, revision }) => {
  const shapes = shapesOf(revision);
  const knowsAudio = revision >= '2025-03-26';
  const knowsLinks = revision >= '2025-06-18';
  type Block = ReturnType<typeof shapes.callTool.parse>['content'][number];
  let client: RevisionClient;
  beforeAll(async () => {
    client = await connectRevision(bridge, transport, revision);
  });

  const call = async (name: string, args: object) =>
    shapes.callTool.parse(await client.request('tools/call', { name, arguments: args }));
  const read = async (uri: string, reader: RevisionClient): Promise<Buffer> => {
    const { contents } = shapes.readResource.parse(await reader.request('resources/read', { uri }));
    const [file] = contents;
    return Buffer.from(file !== undefined && 'blob' in file ? file.blob : '', 'base64');
  };

  /** A document and a sound, each in the form that the revision has for it; both can be read. */
  async function expectFiles(content: readonly Block[], reader = client): Promise<void> {
    const texts = content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
    const pdf = bytesOf('pdf');
    const about = { name: 'page.pdf', mimeType: 'application/pdf', size: pdf.length };
    const links = content.filter((block) => block.type === 'resource_link');
    const [, document = ''] = /^page\.pdf \(PDF, .*, kept 24 h: (\S+)/m.exec(texts.join('\n')) ?? [];
    expect(links).toMatchObject(knowsLinks ? [{ ...about, uri: document }] : []);
    expect(await read(document, reader)).toEqual(pdf);

    const wav = bytesOf('wav');
    const data = wav.toString('base64');
    const sounds = content.filter((block) => block.type === 'audio' || block.type === 'resource');
    expect(sounds).toMatchObject([
      knowsAudio
        ? { type: 'audio', data, mimeType: 'audio/wav' }
        : { type: 'resource', resource: { mimeType: 'audio/wav', blob: data } },
    ]);
    const [, said = ''] = /^beep\.wav \(WAV, .*, kept 24 h: (\S+)/m.exec(texts.join('\n')) ?? [];
    const sound = sounds[0]?.type === 'resource' ? sounds[0].resource.uri : said;
    expect(sound).toBe(said);
    expect(await read(sound, reader)).toEqual(wav);
  }

  it('gets tools with what it knows of them', async () => {
    const { tools } = shapes.listTools.parse(await client.request('tools/list'));
    const compare = tools.find(({ name }) => name === COMPARE);
    expect(compare?.description).not.toBe('');
    expect(compare?.title ?? compare?.annotations?.title).toBe(knowsAudio ? 'Compare texts' : undefined);
    expect(compare?.outputSchema !== undefined).toBe(knowsLinks);
    const isFirstWithAnnotations = knowsAudio && !knowsLinks;
    expect(compare?.annotations).toEqual(isFirstWithAnnotations ? { title: 'Compare texts' } : undefined);
  });

  it('gets and reads every file of a result', async () => {
    const { content, isError } = await call(GIVE, { kinds: ['pdf', 'wav', 'png'] });
    expect(isError).toBeUndefined();
    await expectFiles(content);
    expect(content.filter(({ type }) => type === 'image')).toHaveLength(1);
    const { resources } = shapes.listResources.parse(await client.request('resources/list'));
    expect(resources.map(({ name }) => name)).toContain('page.pdf');
  });

  it('gets and reads the files that came before an error', async () => {
    const { content, isError } = await call(GIVE, { kinds: ['pdf', 'wav'], fail: true });
    expect(isError).toBe(true);
    await expectFiles(content);
  });

  it('gets the values of a result, as text at least', async () => {
    const { content, structuredContent } = await call(COMPARE, { first: 'one two', second: 'one three' });
    const texts = content.map((block) => (block.type === 'text' ? block.text : ''));
    const values: unknown = JSON.parse(texts[0] ?? '');
    expect(values).toMatchObject({ similarity: expect.any(Number) });
    expect(structuredContent).toEqual(knowsLinks ? values : undefined);
  });

  it('gets progress with what it knows of it', async () => {
    const progressToken = `progress over ${transport}`;
    await client.request('tools/call', {
      name: GIVE,
      arguments: { kinds: ['png'] },
      _meta: { progressToken },
    });
    const heard = client.notifications
      .filter(({ method }) => method === 'notifications/progress')
      .map(({ params }) => shapes.progress.parse(params));
    expect(heard[0]).toEqual({ progressToken, progress: 0, ...(knowsAudio && { message: 'Started' }) });
  });

  it('gets and reads the files of a call that was handed off', async () => {
    giveLate = createGate();
    const waiting = await connectRevision(hasty, transport, revision);
    const ask = async (name: string, args: object) =>
      shapes.callTool.parse(await waiting.request('tools/call', { name, arguments: args }));
    const { content } = await ask(LATE, {});
    const [first] = content;
    const [, callId] = /"call_id": "([\w-]+)"/.exec(first?.type === 'text' ? first.text : '') ?? [];
    giveLate.open();
    let blocks: readonly Block[] = [];
    await expect
      .poll(async () => {
        ({ content: blocks } = await ask('get_call_result', { call_id: callId }));
        return blocks.length;
      })
      .toBeGreaterThan(1);
    await expectFiles(blocks, waiting);
  });

  // Earlier revisions have no tasks.
  if (revision !== '2026-07-28') return;
  it('gets and reads the files of a task', async () => {
    giveLate = createGate();
    const waiting = await connectRevision(hasty, transport, revision);
    const extensions = { 'io.modelcontextprotocol/tasks': {} };
    const { taskId } = await waiting.request('tools/call', { name: LATE, arguments: {} }, { extensions });
    giveLate.open();
    let task: Record<string, unknown> = {};
    await expect
      .poll(async () => {
        task = await waiting.request('tasks/get', { taskId }, { extensions });
        return task['status'];
      })
      .toBe('completed');
    const { content } = shapes.taskResult.parse(task['result']);
    await expectFiles(content, waiting);
  });
});
