import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainTool } from '../../../src/registry/explain.ts';
import { wireParameter, wireProvider, wireTool } from '../../support/console-listings.ts';
import { ADMIN_KEY, WORKSPACE } from '../../support/fake-console.ts';
import { INNER_KEY, INVOKE, SECRET_KEY } from '../../support/fixture-dify.ts';
import { CLIENT_KINDS, type TestClient } from '../../support/mcp-clients.ts';
import { type RunningBridge, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import { jsonAnswer, type ScriptedDify, startScriptedDify } from '../../support/scripted-dify.ts';
import { failing, messages, refused, textMessage } from '../bridge/rows/row.ts';

/** What no person sees, and what steers a terminal or a reader: tags, zero-width, override, isolate, escape, NUL. */
const DIRT = '\u{e0041}\u{e007f}\u200b\u202e\u2066\u001b[31m\u0000\u0090\ufeff';
const dirty = (word: string): string => `${word}${DIRT} 👩🏽‍💻`;
const clean = (word: string): string => `${word} 👩🏽‍💻`;
const texts = (word: string) => ({ en_US: dirty(word) });

/** What a result loses of it: invisible characters alone may be part of a language. */
const LEFT = '\u{e0041}\u{e007f}\u200b\ufeff';
const shown = (word: string): string => `${word}${LEFT} 👩🏽‍💻`;

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const STEERING = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
const INVISIBLE = /[\p{Cc}\u200b\u202a-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/u;

/** The texts of a value, its keys included, that match. */
function matches(value: unknown, pattern: RegExp): string[] {
  if (typeof value === 'string') return pattern.test(value.replace(/[\n\t]/g, '')) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...matches(key, pattern),
    ...matches(item, pattern),
  ]);
}

const TOOL = wireTool(`run${DIRT}`, {
  label: texts('label'),
  description: texts('description'),
  parameters: [
    wireParameter('case', { llm_description: dirty('case') }),
    wireParameter(`odd${DIRT}`, {
      label: texts('odd'),
      human_description: texts('odd'),
      llm_description: '',
    }),
    wireParameter('choice', {
      type: 'select',
      options: ['one', '2'].map((value) => ({
        value: value === '2' ? value : dirty(value),
        label: texts(value),
      })),
      default: dirty('one'),
    }),
    wireParameter('any', { type: `new${DIRT}`, default: dirty('default') }),
    wireParameter('deep', {
      type: 'object',
      input_schema: {
        type: 'object',
        properties: { [dirty('key')]: { description: dirty('inner'), enum: [dirty('x'), 5] } },
      },
    }),
  ],
});

const INVOCATIONS = {
  text: messages(textMessage(dirty('said')), textMessage('\u001b'), textMessage('[0m done')),
  json: messages({ type: 'json', message: { json_object: { [dirty('key')]: [dirty('value')] } }, meta: {} }),
  variable: messages({
    type: 'variable',
    message: { variable_name: 'name', variable_value: dirty('value'), stream: true },
    meta: null,
  }),
  link: messages({ type: 'link', message: { text: `https://example.com/${DIRT}` }, meta: {} }),
  unknown: messages({ type: dirty('hologram'), message: { depth: dirty('deep') }, meta: null }),
  log: messages({
    type: 'log',
    message: { id: '1', label: dirty('step'), status: 'error', error: dirty('why'), data: {}, metadata: {} },
    meta: null,
  }),
  file: messages({
    type: 'binary_link',
    message: { text: '/files/tools/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee.txt' },
    meta: { filename: dirty('file.txt'), mime_type: 'text/plain' },
  }),
  error: failing(dirty('broken'), textMessage(dirty('before'))),
  refusal: refused(400, 'invalid_param', dirty('refused')),
} as const;

let dify: ScriptedDify;
let bridge: RunningBridge;
let name: string;
beforeAll(async () => {
  dify = await startScriptedDify(({ path, body }) => {
    if (path.endsWith('/tools/builtin')) {
      const label = { label: texts('kit'), description: texts('kit') };
      return jsonAnswer([wireProvider('builtin', 'acme/kit/kit', [TOOL], label)]);
    }
    if (path.includes('/workspaces/current/tools/')) return jsonAnswer([]);
    if (path.startsWith('/files/tools/'))
      return { body: dirty('content'), headers: { 'x-version': '1.16.0' } };
    const { tool_parameters: given } = body as { tool_parameters: { case?: keyof typeof INVOCATIONS } };
    return path === INVOKE ? INVOCATIONS[given.case ?? 'text'] : undefined;
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
  name = (await bridge.app.registry.ready()).tools[0]?.name ?? '';
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await dify[Symbol.asyncDispose]();
});

const CASES = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));

describe.each(CASES)('for a $kind client over $transport', ({ kind, transport }) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await bridge.connect(kind, transport);
  });

  it('a list has no invisible characters, and keeps emoji', async () => {
    const page = await client.listPage();
    expect(matches(page, INVISIBLE)).toEqual([]);
    expect(page.tools[0]).toMatchObject({
      name: 'acme_kit__run',
      title: clean('label'),
      description: expect.stringContaining(`From the Dify plugin ${clean('kit')}.`),
      inputSchema: {
        properties: { choice: { enum: [clean('one'), '2'] }, odd: { description: clean('odd') } },
      },
    });
  });

  it('a choice and a parameter that are published without them are sent with them', async () => {
    expect((await client.callTool(name, { choice: clean('one'), odd: 'x' })).isError).toBeUndefined();
    const { body } = dify.seen.filter(({ path }) => path === INVOKE).at(-1) ?? {};
    expect(body).toMatchObject({ tool_parameters: { choice: dirty('one'), [`odd${DIRT}`]: 'x' } });
  });

  it.each(Object.keys(INVOCATIONS))('a result with %s steers nobody', async (of) => {
    const seen: unknown[] = [];
    if (!client.modern) await client.setLogLevel('info');
    const onprogress = (progress: unknown): void => void seen.push(progress);
    const result = await client.callTool(name, { case: of }, { onprogress, logLevel: 'info' });
    expect(matches([result, seen, client.logs], STEERING)).toEqual([]);
    const resources = await client.listResources();
    expect(matches(resources, STEERING)).toEqual([]);
  });

  it('a result keeps everything else', async () => {
    const text = await client.callTool(name, { case: 'text' });
    expect(text.content).toEqual([{ type: 'text', text: `${shown('said')} done` }]);
    const { content } = await client.callTool(name, { case: 'json' });
    expect(content).toEqual([{ type: 'text', text: JSON.stringify({ [shown('key')]: [shown('value')] }) }]);
    const failed = await client.callTool(name, { case: 'error' });
    expect(failed.content[0]).toMatchObject({ text: `The tool failed: ${shown('broken')}` });
  });
});

it('tools explain says where invisible characters were removed', async () => {
  expect(explainTool(await bridge.app.registry.ready(), name)).toContainEqual(
    expect.stringMatching(
      /^Invisible and control characters are removed from its name, its labels, its description, the parameter case, the parameter odd\\u\{e0041\}.*, the parameter deep\.$/,
    ),
  );
});
