import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, WORKSPACE } from '../../support/fake-console.ts';
import { wireParameter, wireProvider, wireTool } from '../../support/console-listings.ts';
import { DOWNLOAD_REQUEST, INNER_KEY, INVOKE, SECRET_KEY } from '../../support/fixture-dify.ts';
import { CLIENT_KINDS, type TestClient } from '../../support/mcp-clients.ts';
import { type RunningBridge, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import { jsonAnswer, type ScriptedDify, startScriptedDify } from '../../support/scripted-dify.ts';
import { initializeRequest, modernRequest, openRawSession, raw } from '../../support/raw-http.ts';
import { failing, messages, refused, textMessage } from '../bridge/rows/row.ts';

/** Halves of a character; Python knows such strings, JSON can carry them, UTF-8 cannot. */
const [HIGH, LOW] = ['\ud83d', '\ude00'];
const half = (word: string): string => `${word}${HIGH}${LOW}${HIGH} `;
/** The same, once it is well-formed. */
const repaired = (word: string): string => `${word}😀\ufffd `;
const texts = (word: string) => ({ en_US: half(word), zh_Hans: half(word) });

const CURRENT = '/console/api/workspaces/current';
const UPLOAD_REQUEST = '/inner/api/upload/file/request';
const FILE = { id: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', bytes: Buffer.from([1, 2, 3, 0, 255]) };

const TOOL = wireTool(`run${HIGH}`, {
  label: texts('label'),
  description: texts('description'),
  parameters: [
    wireParameter('case', { label: texts('case'), llm_description: half('case'), required: true }),
    wireParameter('choice', {
      type: 'select',
      options: ['one', 'two'].map((value) => ({ value: half(value).trim(), label: texts(value) })),
      default: half('two').trim(),
    }),
    wireParameter('any', { type: 'any', default: half('default') }),
    wireParameter(`odd${LOW}`, { human_description: texts('odd') }),
    wireParameter('file', { type: 'file' }),
  ],
  output_schema: {
    type: 'object',
    properties: { [half('out')]: { type: 'string', description: half('out') } },
  },
});

const INVOCATIONS = {
  text: messages(textMessage(half('said')), textMessage(`half of one${HIGH}`), textMessage(`${LOW} joined`)),
  json: messages({ type: 'json', message: { json_object: { [half('key')]: [half('value')] } }, meta: {} }),
  variable: messages({
    type: 'variable',
    message: { variable_name: half('name'), variable_value: half('value'), stream: false },
    meta: null,
  }),
  unknown: messages({ type: half('hologram'), message: { depth: half('deep') }, meta: null }),
  log: messages({
    type: 'log',
    message: { id: '1', label: half('step'), status: 'error', error: half('why'), data: {}, metadata: {} },
    meta: null,
  }),
  file: messages({
    type: 'binary_link',
    message: { text: `/files/tools/${FILE.id}.bin` },
    meta: { filename: half('file'), mime_type: half('a/b') },
  }),
  error: failing(half('broken'), textMessage(half('before'))),
  refusal: refused(400, 'invalid_param', half('refused')),
} as const;

const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

/** Where a value has strings that are not well-formed. */
function illFormed(value: unknown, path = ''): string[] {
  if (typeof value === 'string') return isWellFormed(value) ? [] : [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...(isWellFormed(key) ? [] : [`${path}/${JSON.stringify(key)}`]),
    ...illFormed(item, `${path}/${key}`),
  ]);
}

let dify: ScriptedDify;
let bridge: RunningBridge;
/** What the tool is called: a name that had to be changed carries a hash. */
let published: string;
beforeAll(async () => {
  dify = await startScriptedDify(({ method, path, body }) => {
    if (path === `${CURRENT}/tools/builtin`) {
      return jsonAnswer([wireProvider('builtin', 'acme/kit/kit', [TOOL], { label: texts('kit') })]);
    }
    if (path.startsWith(`${CURRENT}/tools/`)) return jsonAnswer([]);
    if (path === INVOKE) {
      const { case: name } = (body as { tool_parameters: { case: keyof typeof INVOCATIONS } })
        .tool_parameters;
      return INVOCATIONS[name];
    }
    if (path === UPLOAD_REQUEST) return jsonAnswer({ data: { url: '/files/upload/for-plugin?sign=fake' } });
    if (method === 'POST' && path.startsWith('/files/upload/')) {
      return jsonAnswer(
        { id: FILE.id, name: half('stored'), extension: '.txt', mime_type: 'text/plain' },
        201,
      );
    }
    if (path === DOWNLOAD_REQUEST) return jsonAnswer({ code: 'no', message: half('no address') }, 400);
    if (path.startsWith('/files/tools/')) return { body: FILE.bytes, headers: { 'x-version': '1.16.0' } };
    return undefined;
  });
  bridge = await startBridge({
    env: {
      DIFY_API_URL: dify.url,
      DIFY_INNER_API_KEY: INNER_KEY,
      DIFY_WORKSPACE_ID: WORKSPACE,
      DIFY_ADMIN_API_KEY: ADMIN_KEY,
      DIFY_SECRET_KEY: SECRET_KEY,
    },
  });
  published = (await bridge.app.registry.ready()).tools[0]?.name ?? '';
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await dify[Symbol.asyncDispose]();
});

const CASES = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));

describe.each(CASES)('half characters of Dify for a $kind client over $transport', ({ kind, transport }) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await bridge.connect(kind, transport);
  });

  it('are repaired in the list', async () => {
    const page = await client.listPage();
    expect(illFormed(page)).toEqual([]);
    const [tool] = page.tools;
    expect(tool).toMatchObject({
      name: published,
      title: repaired('label').trim(),
      description: expect.stringContaining(repaired('description').trim()),
      inputSchema: {
        properties: {
          case: { description: expect.stringContaining(repaired('case').trim()) },
          choice: {
            enum: ['one', 'two'].map((value) => repaired(value).trim()),
            default: repaired('two').trim(),
          },
          any: { default: repaired('default') },
        },
      },
    });
  });

  const [key, name] = [{ [repaired('key')]: [repaired('value')] }, { [repaired('name')]: repaired('value') }];

  it.each([
    { of: 'text', expected: ['said😀\ufffd half of one😀 joined'] },
    { of: 'json', expected: [JSON.stringify(key)] },
    { of: 'variable', expected: [JSON.stringify(name)] },
    { of: 'unknown', expected: [expect.stringContaining(repaired('deep'))] },
    {
      of: 'error',
      expected: [
        `The tool failed: ${repaired('broken').trim()}`,
        'Output before the error:',
        repaired('before'),
      ],
    },
    {
      of: 'refusal',
      expected: [expect.stringContaining(`Dify said: ${repaired('refused').trim()}`)],
    },
  ])('are repaired in a result with $of', async ({ of, expected }) => {
    const result = await client.callTool(published, { case: of });
    expect(illFormed(result)).toEqual([]);
    expect(result.content.map(({ text }) => text)).toEqual(expected);
  });

  it('are repaired in progress and log messages', async () => {
    const seen: unknown[] = [];
    if (!client.modern) await client.setLogLevel('info');
    const before = client.logs.length;
    const onprogress = (progress: unknown): void => void seen.push(progress);
    await client.callTool(published, { case: 'log' }, { onprogress, logLevel: 'info' });
    const logs = client.logs.slice(before);
    expect([illFormed(seen), illFormed(logs)]).toEqual([[], []]);
    expect(seen).toContainEqual({ progress: 1, message: `${repaired('step')}: failed` });
    expect(logs).toMatchObject([{ data: { label: repaired('step'), error: repaired('why') } }]);
  });

  it('are no part of the name of a file', async () => {
    const result = await client.callTool(published, { case: 'file' });
    const resources = await client.listResources();
    expect([illFormed(result), illFormed(resources)]).toEqual([[], []]);
    const [, link] = result.content as readonly { readonly uri?: string }[];
    expect(resources.resources.map(({ uri }) => uri)).toContain(link?.uri);
    expect(illFormed(await client.readResource(link?.uri ?? ''))).toEqual([]);
  });

  it('are repaired in errors that repeat what the client has sent', async () => {
    const unknown: unknown = await client.callTool(half('unknown')).catch((error: unknown) => error);
    expect(String(unknown)).toContain('unknown😀');
    expect(illFormed({ ...(unknown as object), message: String(unknown) })).toEqual([]);
    const refused = await client.callTool(published, {
      case: 'text',
      [half('more')]: half('of it'),
      choice: HIGH,
    });
    expect(illFormed(refused)).toEqual([]);
    expect(refused.content[0]?.text).toContain(`/${repaired('more')}`);
    const missing: unknown = await client.readResource(`x:${HIGH}`).catch((error: unknown) => error);
    expect(illFormed({ ...(missing as object), message: String(missing) })).toEqual([]);
  });

  it('of the client do not reach Dify, and the choices that are listed can be taken', async () => {
    const before = dify.seen.length;
    const result = await client.callTool(published, {
      case: 'text',
      choice: repaired('one').trim(),
      any: { [half('key')]: [half('value')] },
      file: { data: Buffer.from('hello').toString('base64'), filename: `${half('file')}.txt` },
    });
    expect(result.isError).toBeUndefined();
    const requests = dify.seen.slice(before);
    const request = requests.find(({ path }) => path === UPLOAD_REQUEST);
    const upload = requests.find(({ path }) => path.startsWith('/files/upload/'));
    const invocation = requests.find(({ path }) => path === INVOKE);
    expect(illFormed([request?.body, invocation?.body])).toEqual([]);
    // Dify signs the name, so it is the same in both.
    expect(request?.body).toMatchObject({ filename: `${repaired('file')}.txt` });
    expect(upload?.bytes.toString()).toContain(`filename="${repaired('file')}.txt"`);
    expect(invocation?.body).toMatchObject({
      tool_parameters: {
        choice: repaired('one').trim(),
        any: { [repaired('key')]: [repaired('value')] },
        file: { filename: repaired('stored') },
      },
    });
  });
});

describe('over HTTP', () => {
  const escaped = /\\ud[89a-f]/i;
  const portOf = async (): Promise<number> => Number(new URL(await bridge.url()).port);

  it('a refusal that names the request by its id is well-formed', async () => {
    const port = await portOf();
    const body = { ...initializeRequest('2025-11-25', half('id')), method: 'tools/list' };
    const answers = [
      await raw(port, { body }),
      await raw(port, { headers: { 'Mcp-Session-Id': 'none' }, body }),
      await raw(port, modernRequest('no/such', {}, half('id'))),
    ];
    for (const { status, text } of answers) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(text).toContain(repaired('id'));
      expect(text).not.toMatch(escaped);
    }
  });

  it('an answer that is repeated to a client that comes back is well-formed', async () => {
    const port = await portOf();
    const headers = await openRawSession(port);
    const params = { name: published, arguments: { case: 'text' } };
    const first = await raw(port, {
      headers: { ...headers, Accept: 'text/event-stream' },
      body: { jsonrpc: '2.0', id: 5, method: 'tools/call', params },
    });
    const [opening] = /(?<=^id: ).+$/m.exec(first.text) ?? [];
    const again = await raw(port, {
      headers: { ...headers, Accept: 'text/event-stream', 'Last-Event-ID': opening ?? '' },
    });
    expect(again.messages).toEqual(first.messages);
    expect(again.messages).toMatchObject([{ id: 5, result: { content: [{ type: 'text' }] } }]);
    expect(first.text + again.text).not.toMatch(escaped);
  });
});
