import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROVIDER_TYPES } from '../../../src/model/tool.ts';
import { wireParameter, wireProvider, wireTool } from '../../support/console-listings.ts';
import { withoutFileIds } from '../../support/kept-files.ts';
import type { TestClient } from '../../support/mcp-clients.ts';
import {
  RECORDED,
  type RecordedDify,
  RECORDED_FILE,
  startRecordedDify,
} from '../../support/recorded-dify.ts';
import { CONSOLE_WAYS, type RunningBridge, startBridge } from '../../support/running-bridge.ts';
import type { ScriptedRequest } from '../../support/scripted-dify.ts';
import { type Recording, recording, recordings, sharedIsPresent, sharedNote } from '../../support/shared.ts';
import { PNG } from '../../support/content-fixtures.ts';
import { fileMessage } from './rows/message-types.ts';
import { RECORDED_REFUSALS } from './rows/recorded-refusals.ts';
import { INVENTED, REPLAYED } from './rows/recorded-streams.ts';
import { messages, said } from './rows/row.ts';
import { image, line } from './rows/stored-files.ts';

interface Invocation {
  readonly tenant_id: string;
  readonly tool_type: string;
  readonly provider: string;
  readonly tool: string;
  readonly tool_parameters: Readonly<Record<string, unknown>>;
}

/** Refused by the bridge before Dify hears of it: replayed among the refusals. */
const ELSEWHERE = ['workflow-missing-input'];

const ENV = {
  DIFY_INNER_API_KEY: RECORDED.innerApiKey,
  DIFY_WORKSPACE_ID: RECORDED.workspaceId,
  DIFY_SECRET_KEY: RECORDED.secretKey,
};
const CREDENTIALS = {
  'admin key': { DIFY_ADMIN_API_KEY: RECORDED.adminApiKey },
  login: { DIFY_EMAIL: RECORDED.email, DIFY_PASSWORD: RECORDED.password },
};
describe.skipIf(!sharedIsPresent)(`recorded streams${sharedNote}`, () => {
  let dify: RecordedDify;
  let bridge: RunningBridge;
  beforeAll(async () => {
    dify = await startRecordedDify({ files: INVENTED });
    bridge = await startBridge({ env: { DIFY_API_URL: dify.url, ...ENV, ...CREDENTIALS['admin key'] } });
  });
  afterAll(async () => {
    await bridge[Symbol.asyncDispose]();
    await dify[Symbol.asyncDispose]();
  });

  it('are all replayed', () => {
    const names = [...REPLAYED.map(({ name }) => name), ...ELSEWHERE].sort();
    expect(recordings('invoke').map(({ name }) => name)).toEqual(names.map((name) => `invoke/${name}`));
  });

  describe.each([
    { kind: 'v1', transport: 'stdio' },
    { kind: 'v2 pinned', transport: 'HTTP' },
  ] as const)('through a $kind client over $transport', ({ kind, transport }) => {
    let client: TestClient;
    beforeAll(async () => {
      client = await bridge.connect(kind, transport);
    });

    it.each(REPLAYED)('$name', async ({ name, args, added, result }) => {
      const entry = known(`invoke/${name}`);
      const recorded = entry.request.body as Invocation;
      dify.play(entry.name);
      const { content, structuredContent, isError } = withoutFileIds(
        await client.callTool(await nameOf(bridge, recorded), args ?? recorded.tool_parameters),
      );
      expect({ content, structuredContent, isError }).toEqual({
        structuredContent: undefined,
        isError: undefined,
        ...result(),
      });
      const sent = dify.invocations.at(-1);
      expect(requestParts(sent)).toEqual({
        ...requestParts(entry.request),
        body: { ...recorded, tool_parameters: { ...recorded.tool_parameters, ...added } },
      });
      expect(dify.unanswered).toEqual([]);
    });
  });
});

describe.skipIf(!sharedIsPresent)(`recorded streams without the signing key${sharedNote}`, () => {
  it('a file of a workflow comes by the link that its outputs carry', async () => {
    await using dify = await startRecordedDify();
    await using bridge = await startBridge({
      env: { DIFY_API_URL: dify.url, ...ENV, ...CREDENTIALS.login, DIFY_SECRET_KEY: '' },
    });
    dify.play('invoke/workflow-file-in-and-out');
    const client = await bridge.connect('v1');
    const { content } = withoutFileIds(await client.callTool('workflow__wf_file_out'));
    expect(content.slice(0, 2)).toEqual([line('p.png', 'image/png', 70), image(PNG, 'image/png')]);
    expect(dify.unanswered).toEqual([]);
  });
});

describe.skipIf(!sharedIsPresent)(`recorded refusals${sharedNote}`, () => {
  it('are all replayed', () => {
    const names = recordings('invoke-error').map(({ name }) => name);
    expect(RECORDED_REFUSALS.map(({ name }) => name).sort()).toEqual(
      [...names, ...ELSEWHERE.map((name) => `invoke/${name}`)].sort(),
    );
  });

  it.each(RECORDED_REFUSALS)('$name', async ({ name, says, env, file, unsendable }) => {
    const entry = known(name);
    // What the bridge never sends still is an answer that it might get.
    const { request } = unsendable === undefined ? entry : known('invoke-error/wrong-key');
    const recorded = request.body as Invocation;
    await using dify = await startRecordedDify({ listings: listingOf(recorded) });
    dify.play(name);
    await using bridge = await startBridge({
      env: { DIFY_API_URL: dify.url, ...ENV, ...CREDENTIALS['admin key'], ...env },
      ...(file !== undefined && { file }),
    });
    const client = await bridge.connect('v2 auto');
    const tool = await nameOf(bridge, recorded);
    const result = await client.callTool(tool, recorded.tool_parameters);
    expect(result.isError).toBe(true);
    expect(result.content).toHaveLength(1);
    for (const words of says) expect(result.content[0]?.text).toContain(words);
    const [sent, ...more] = dify.invocations;
    expect(more).toEqual([]);
    expect(requestParts(sent)).toEqual({
      ...requestParts(request),
      ...(unsendable !== undefined && { key: RECORDED.innerApiKey }),
    });
  });
});

/** A workspace with the one tool that was invoked. */
function listingOf({ tool_type, provider, tool, tool_parameters }: Invocation) {
  const parameters = Object.keys(tool_parameters).map((name) => wireParameter(name));
  const listed = [wireProvider(tool_type, provider, [wireTool(tool, { parameters })])];
  return Object.fromEntries(PROVIDER_TYPES.map((type) => [type, type === tool_type ? listed : []]));
}

describe.skipIf(!sharedIsPresent)(`the recorded console${sharedNote}`, () => {
  it.each(CONSOLE_WAYS)('gives every tool to a bridge with the %s', async (way) => {
    await using dify = await startRecordedDify();
    await using bridge = await startBridge({ env: { DIFY_API_URL: dify.url, ...ENV, ...CREDENTIALS[way] } });
    const client = await bridge.connect('v1');
    const { tools } = await client.listPage();
    const { withheld } = await bridge.app.registry.ready();
    const recorded = PROVIDER_TYPES.flatMap((type) => {
      const providers = known(`console/tools-${type}`).response.json as {
        readonly id: string;
        readonly tools: readonly { readonly name: string }[];
      }[];
      return providers.flatMap(({ id, tools: own }) => own.map(({ name }) => `${type} ${id} ${name}`));
    });
    const found = [...(await bridge.app.registry.ready()).tools, ...withheld].map(
      ({ ref }) => `${ref.providerType} ${ref.providerId} ${ref.tool}`,
    );
    expect(found.sort()).toEqual(recorded.sort());
    expect(tools).toHaveLength(recorded.length - withheld.length);
    expect(withheld.map(({ name }) => name)).toEqual([
      'acme_kit__needform',
      'acme_kit__selform',
      'acme_sec__needform',
      'acme_sec__selform',
      'audio__asr',
      'audio__tts',
    ]);
    expect(dify.unanswered).toEqual([]);
  });

  it.each([
    ['a wrong admin key', { DIFY_ADMIN_API_KEY: 'wrong' }, 'DIFY_ADMIN_API_KEY'],
    [
      'an unknown workspace',
      {
        ...CREDENTIALS['admin key'],
        DIFY_WORKSPACE_ID: 'ed5acd1d-44a2-4663-8d5f-4956a41c7c92',
      },
      'DIFY_WORKSPACE_ID',
    ],
    [
      'a wrong password',
      { DIFY_EMAIL: 'nobody2@example.com', DIFY_PASSWORD: 'wrong-password1' },
      'six failures lock the account',
    ],
  ])('answers %s with an error that names what to do', async (_, env, advice) => {
    await using dify = await startRecordedDify();
    await using bridge = await startBridge({ env: { DIFY_API_URL: dify.url, ...ENV, ...env } });
    const client = await bridge.connect('v2 pinned');
    await expect(client.listPage()).rejects.toMatchObject({
      code: -32_603,
      message: expect.stringContaining(advice),
      data: { code: 'catalog_unavailable' },
    });
    expect(dify.unanswered).toEqual([]);
  });
});

describe.skipIf(!sharedIsPresent)(`recorded files${sharedNote}`, () => {
  const unsigned = `/files/tools/${RECORDED_FILE}.png`;
  const expired = (): string => known('files/download-expired').request.path;
  const unknown = '/files/tools/03c3d380-2a2f-4178-9a45-277645c42e3c.png';
  const whole = [line('boom.png', 'image/png', 70), image(PNG, 'image/png')];

  it.each([
    ['signed by the bridge', () => unsigned, {}, whole],
    ['with an expired signature, signed afresh', expired, {}, whole],
    [
      'unsigned, without a key',
      () => unsigned,
      { DIFY_SECRET_KEY: '' },
      [expect.stringContaining('set DIFY_SECRET_KEY')],
    ],
    [
      'with an expired signature, without a key',
      expired,
      { DIFY_SECRET_KEY: '' },
      [expect.stringContaining('Dify no longer accepts its link')],
    ],
    [
      'signed with another key',
      () => unsigned,
      { DIFY_SECRET_KEY: 'sk-other' },
      [expect.stringContaining("DIFY_SECRET_KEY is not Dify's SECRET_KEY")],
    ],
    ['that is gone', () => unknown, {}, [expect.stringContaining('Dify no longer has the file')]],
  ])('a file %s', async (_, link, env, expected) => {
    await using dify = await startRecordedDify();
    dify.play(messages(fileMessage('image_link', link())));
    await using bridge = await startBridge({
      env: { DIFY_API_URL: dify.url, ...ENV, ...CREDENTIALS['admin key'], ...env },
    });
    const client = await bridge.connect('v1', 'stdio');
    const { content, isError } = withoutFileIds(await client.callTool('acme_kit__boom'));
    expect(content).toEqual(
      expected.map((block) => ('type' in block ? block : said(block as unknown as string))),
    );
    expect(isError).toBeUndefined();
    expect(dify.unanswered).toEqual([]);
  });
});

function known(name: string): Recording {
  const entry = recording(name);
  if (entry === undefined) throw new Error(`There is no recording ${name}.`);
  return entry;
}

async function nameOf({ app }: RunningBridge, { tool_type, provider, tool }: Invocation): Promise<string> {
  const { tools } = await app.registry.ready();
  const found = tools.find(
    ({ ref }) => ref.providerType === tool_type && ref.providerId === provider && ref.tool === tool,
  );
  if (found === undefined) throw new Error(`${tool} of ${provider} is not published.`);
  return found.name;
}

/** What Dify looks at. */
function requestParts(request: Recording['request'] | ScriptedRequest | undefined) {
  const { method, path, headers, body } = request ?? {};
  return {
    method,
    path,
    key: headers?.['x-inner-api-key'],
    // Of recorded requests, headers that any client sends were left out.
    contentType: headers?.['content-type'] ?? 'application/json',
    body,
  };
}
