import { describe, expect, it } from 'vitest';
import { text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { asAdmin, framesOf, invoke, startSandbox, textsOf } from '../../support/sandbox-client.ts';

const CURRENT = '/workspaces/current';
const NOTES = 'paperkite/notes/notes';
const note = (name: string, content: string) =>
  defineTool(name, { description: 'A note.' }, async function* () {
    yield text(content);
  });

interface Listed {
  readonly id: string;
  readonly is_team_authorization: boolean;
  readonly team_credentials: object;
  readonly tools: readonly { readonly name: string }[];
}

async function listed(sandbox: Sandbox, path: string): Promise<Listed[]> {
  const response = await asAdmin(sandbox, `${CURRENT}/${path}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Listed[];
}

describe('the workspace', () => {
  it('lists and runs what is added, replaced and removed while it is in use', async () => {
    const sandbox = await startSandbox();
    const { workspace } = sandbox;
    const names = async (): Promise<unknown> =>
      (await listed(sandbox, 'tools/builtin'))
        .find((provider) => provider.id === NOTES)
        ?.tools.map(({ name }) => name);
    expect(await names()).toBeUndefined();
    const tools = [note('first', 'one')];
    workspace.addProvider(builtinProvider(NOTES, { label: 'Notes', description: 'Notes.', tools }));
    expect(await names()).toEqual(['first']);
    workspace.putTool('builtin', NOTES, note('second', 'two'));
    workspace.putTool('builtin', NOTES, note('first', 'changed'));
    expect(await names()).toEqual(['first', 'second']);
    const call = { tool_type: 'builtin', provider: NOTES, tool: 'first' };
    expect(textsOf(await framesOf(sandbox, call))).toEqual(['changed']);
    workspace.removeTool('builtin', NOTES, 'second');
    expect(await names()).toEqual(['first']);
    workspace.removeProvider('builtin', NOTES);
    expect(await names()).toBeUndefined();
    expect((await invoke(sandbox, call)).status).toBe(500);
  });

  it('shows a provider as unauthorised until it has credentials', async () => {
    const sandbox = await startSandbox();
    const postbox = async (): Promise<Listed | undefined> =>
      (await listed(sandbox, 'tools/builtin')).find(({ id }) => id === 'paperkite/postbox/postbox');
    expect(await postbox()).toMatchObject({
      is_team_authorization: false,
      team_credentials: { api_key: '' },
    });
    sandbox.workspace.authorize('paperkite/postbox/postbox');
    expect(await postbox()).toMatchObject({
      is_team_authorization: true,
      team_credentials: { api_key: '******' },
    });
  });

  it('can break the list of one type and leave everything else alone', async () => {
    const sandbox = await startSandbox();
    sandbox.workspace.breakListing('builtin');
    const broken = await asAdmin(sandbox, `${CURRENT}/tools/builtin`);
    expect(broken.status).toBe(400);
    expect(await broken.json()).toEqual({
      code: 'invalid_param',
      message: `Failed to request plugin daemon, url: plugin/${sandbox.credentials.workspaceId}/management/tools`,
      status: 400,
    });
    expect(await listed(sandbox, 'tools/workflow')).toHaveLength(2);
    expect((await listed(sandbox, 'tool-providers?type=builtin')).map(({ tools }) => tools.length)).toEqual([
      0, 0, 0, 0,
    ]);
    expect(await listed(sandbox, 'tool-provider/builtin/time/tools')).toHaveLength(3);
    sandbox.workspace.repair();
    expect(await listed(sandbox, 'tools/builtin')).toHaveLength(4);
  });

  it('can break one provider, which sinks the list but not the routes of the others', async () => {
    const sandbox = await startSandbox();
    sandbox.workspace.breakProvider('paperkite/studio/studio');
    const status = async (path: string): Promise<number> =>
      (await asAdmin(sandbox, `${CURRENT}/${path}`)).status;
    expect(await status('tools/builtin')).toBe(400);
    expect(await status('tool-provider/builtin/paperkite/studio/studio/tools')).toBe(400);
    expect(await status('tool-provider/builtin/paperkite/mishaps/mishaps/tools')).toBe(200);
    expect(await status('tool-provider/builtin/paperkite%2Fmishaps%2Fmishaps/tools')).toBe(200);
  });

  it('can make the declaration of one plugin unreadable, which sinks both lists and leaves the plugins listed', async () => {
    const sandbox = await startSandbox();
    sandbox.workspace.breakDeclaration('paperkite/studio/studio');
    const status = async (path: string): Promise<number> =>
      (await asAdmin(sandbox, `${CURRENT}/${path}`)).status;
    expect(await status('tools/builtin')).toBe(400);
    expect(await status('tool-providers?type=builtin')).toBe(400);
    expect(await status('tool-providers?type=workflow')).toBe(200);
    expect(await status('tool-provider/builtin/paperkite/studio/studio/tools')).toBe(400);
    expect(await status('tool-provider/builtin/paperkite/mishaps/mishaps/tools')).toBe(200);
    expect(await status('tool-provider/builtin/webscraper/tools')).toBe(200);
    const chart = { tool_type: 'builtin', provider: 'paperkite/studio/studio', tool: 'draw_chart' };
    expect((await invoke(sandbox, chart)).status).toBe(400);
    const pages = [1, 2, 3].map(async (page) => {
      const answer = await asAdmin(sandbox, `${CURRENT}/plugin/list?page=${page}&page_size=2`);
      return (await answer.json()) as { plugins: { plugin_id: string }[]; total: number };
    });
    const listing = await Promise.all(pages);
    expect(listing.map(({ plugins, total }) => [plugins.length, total])).toEqual([
      [2, 3],
      [1, 3],
      [0, 3],
    ]);
    expect(listing.flatMap(({ plugins }) => plugins).map((plugin) => plugin.plugin_id)).toContain(
      'paperkite/studio',
    );
    sandbox.workspace.repair();
    expect(await status('tools/builtin')).toBe(200);
  });

  it('answers the routes of single providers, and refuses unknown ones', async () => {
    const sandbox = await startSandbox();
    const names = async (path: string): Promise<string[]> =>
      ((await listed(sandbox, path)) as unknown as { name: string }[]).map(({ name }) => name);
    expect(await names('tool-provider/api/tools?provider=Pet%20store')).toEqual([
      'listPets',
      'getPet',
      'createPet',
      'petspetIdcard_get',
      'pets.remove',
    ]);
    const workflow = '5a4db0c5-0000-4000-8000-0000000000b1';
    expect(await names(`tool-provider/workflow/tools?workflow_tool_id=${workflow}`)).toEqual([
      'compare_texts',
    ]);
    const byApp = await asAdmin(
      sandbox,
      `${CURRENT}/tool-provider/workflow/get?workflow_app_id=${workflow.slice(0, -1)}2`,
    );
    expect(await byApp.json()).toMatchObject({ workflow_tool_id: workflow, synced: true });
    const status = async (path: string): Promise<number> =>
      (await asAdmin(sandbox, `${CURRENT}/tool-provider/${path}`)).status;
    expect(await status('api/tools?provider=nobody')).toBe(400);
    expect(await status('workflow/tools?workflow_tool_id=nobody')).toBe(400);
    expect(await status('workflow/get')).toBe(400);
    expect(await status('builtin/acme/none/none/tools')).toBe(500);
    expect(await status('builtin/a%20b/tools')).toBe(400);
    expect(await status('builtin/time/nothing')).toBe(404);
    expect(
      await (await asAdmin(sandbox, `${CURRENT}/tool-provider/builtin/time/credential/info`)).json(),
    ).toMatchObject({
      supported_credential_types: [],
      credentials: [],
    });
  });

  it('lists every type at once, MCP servers under the id of their database row', async () => {
    const sandbox = await startSandbox();
    const all = await listed(sandbox, 'tool-providers');
    expect(all).toHaveLength(8);
    const [server] = await listed(sandbox, 'tool-providers?type=mcp');
    expect(server).toMatchObject({
      id: '5a4db0c5-0000-4000-8000-0000000000c1',
      server_identifier: 'library-desk',
    });
    expect((await listed(sandbox, 'tools/mcp'))[0]).toMatchObject({ id: 'library-desk' });
  });

  it('keeps one anonymous end user and makes one for every unknown id', async () => {
    const sandbox = await startSandbox();
    const call = { tool_type: 'builtin', provider: 'time', tool: 'current_time' };
    for (const user_id of ['', 'DEFAULT-USER', '']) await framesOf(sandbox, { ...call, user_id });
    expect(sandbox.workspace.endUserCount).toBe(1);
    const unknown = { ...call, user_id: '11111111-1111-4111-8111-111111111111' };
    await framesOf(sandbox, unknown);
    await framesOf(sandbox, unknown);
    expect(sandbox.workspace.endUserCount).toBe(3);
  });
});

describe('credentials', () => {
  const POST = 'paperkite/post/post';
  const who = defineTool('who', { description: 'Who.' }, async function* (_given, { credential }) {
    yield text(credential?.name ?? 'nobody');
  });

  it('reach the tool: the one that the call names, or else the first', async () => {
    const sandbox = await startSandbox();
    const { workspace } = sandbox;
    workspace.addProvider(
      builtinProvider(POST, { label: 'Post', description: 'Post.', credentialFields: ['key'], tools: [who] }),
    );
    const call = { tool_type: 'builtin', provider: POST, tool: 'who' };
    expect((await invoke(sandbox, call)).status).toBe(400);
    workspace.authorize(POST, 'first');
    const second = workspace.authorize(POST, 'second');
    expect(textsOf(await framesOf(sandbox, call))).toEqual(['first']);
    expect(textsOf(await framesOf(sandbox, { ...call, credential_id: second }))).toEqual(['second']);
    workspace.renameCredential(second, 'renamed');
    expect(textsOf(await framesOf(sandbox, { ...call, credential_id: second }))).toEqual(['renamed']);
    const info = await asAdmin(sandbox, `${CURRENT}/tool-provider/builtin/${POST}/credential/info`);
    expect(await info.json()).toMatchObject({
      credentials: [
        { name: 'first', is_default: true },
        { name: 'renamed', is_default: false },
      ],
    });
  });
});

describe('a tool that is renamed', () => {
  it('keeps its place and what it does', async () => {
    const sandbox = await startSandbox();
    const tools = [note('first', 'one'), note('second', 'two')];
    sandbox.workspace.addProvider(builtinProvider(NOTES, { label: 'Notes', description: 'Notes.', tools }));
    sandbox.workspace.renameTool('builtin', NOTES, 'first', 'renamed');
    const provider = (await listed(sandbox, 'tools/builtin')).find(({ id }) => id === NOTES);
    expect(provider?.tools.map(({ name }) => name)).toEqual(['renamed', 'second']);
    const call = { tool_type: 'builtin', provider: NOTES, tool: 'renamed' };
    expect(textsOf(await framesOf(sandbox, call))).toEqual(['one']);
    expect((await invoke(sandbox, { ...call, tool: 'first' })).status).toBe(400);
  });
});
