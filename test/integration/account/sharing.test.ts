import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import { internalError } from '../../../src/sandbox/refusal.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import type { TestClient } from '../../support/mcp-clients.ts';
import { accountEnv, startBridge } from '../../support/running-bridge.ts';
import { startSandbox } from '../../support/sandbox-client.ts';

/** More than one draft keeps, so that the least recently used ones are dropped while calls run. */
const TOOLS = 110;
const CALLS = 130;
const NAMES = Array.from({ length: TOOLS }, (_, index) => `echo_${index}`);
const SETTINGS = { DIFY_BRIDGE_CALLS_MAX_QUEUED: String(CALLS) };

function addEchoes({ workspace }: Sandbox): void {
  const tools = NAMES.map((name) =>
    defineTool(
      name,
      { description: name, parameters: [parameter('payload', { required: true })] },
      async function* (given) {
        yield text(`${name} ${given['payload'] as string}`);
      },
    ),
  );
  workspace.addProvider(builtinProvider('tests/many/many', { label: 'Many', description: 'Many.', tools }));
}

/** Calls tools one after the other round robin, all at once, and returns the wrong answers. */
async function storm(client: TestClient, who: string, count = CALLS): Promise<unknown[]> {
  const wrong: unknown[] = [];
  const calls = Array.from({ length: count }, async (_, index) => {
    const name = NAMES[index % TOOLS] ?? '';
    const payload = `${who} ${index}`;
    const { content, isError } = await client.callTool(`tests_many__${name}`, { payload });
    const expected = `${name} ${payload}`;
    if (isError === true || content.length !== 1 || content[0]?.text !== expected) wrong.push(content);
  });
  await Promise.all(calls);
  return wrong;
}

function withoutTools(graph: JsonObject): JsonObject {
  const nodes = graph['nodes'] as readonly JsonObject[];
  return { ...graph, nodes: nodes.filter(({ id }) => id === 'start') };
}

const payloads = ({ account }: Sandbox): string[] =>
  account.runs.map(({ parameters }) => parameters['payload'] as string).sort();

const sent = (who: string, count = CALLS): string[] =>
  Array.from({ length: count }, (_, index) => `${who} ${index}`);

describe('an app that others use too', () => {
  const releases = ['1.7.2', '1.16.1', '1.17.1'];
  it.for(releases)(
    'of Dify %s serves two bridges at once, with no call lost, mixed or repeated',
    async (version) => {
      const sandbox = await startSandbox({ version });
      addEchoes(sandbox);
      const env = { ...accountEnv(sandbox), ...SETTINGS };
      await using one = await startBridge({ env });
      await using two = await startBridge({ env: { ...env, ...accountEnv(sandbox, 'admin key') } });
      const clients = [await one.connect('v2 pinned'), await two.connect('v1', 'stdio')] as const;
      // The second finds the app of the first.
      await clients[0].callTool('tests_many__echo_0', { payload: 'first' });
      const wrong = await Promise.all([storm(clients[0], 'one'), storm(clients[1], 'two')]);
      expect(wrong).toEqual([[], []]);
      expect(payloads(sandbox)).toEqual([...sent('one'), ...sent('two'), 'first'].sort());
      expect(sandbox.account.apps).toHaveLength(1);
      const nodes = sandbox.account.apps[0]?.draft?.graph['nodes'] as readonly unknown[];
      expect(nodes.length).toBeLessThanOrEqual(101);
    },
  );

  it.for(['its draft is emptied', 'it is deleted'] as const)('loses no call while %s', async (what) => {
    const sandbox = await startSandbox();
    addEchoes(sandbox);
    await using bridge = await startBridge({ env: { ...accountEnv(sandbox), ...SETTINGS } });
    const client = await bridge.connect('v2 pinned');
    await client.callTool('tests_many__echo_0', { payload: 'first' });
    const [app] = sandbox.account.apps;
    const path = `/console/api/apps/${app?.id}/workflows/draft`;
    const calls = storm(client, 'one', 60);
    await sandbox.nextRequest(path);
    if (what === 'it is deleted') sandbox.account.deleteApp(app?.id ?? '');
    else sandbox.account.editDraft(app?.id ?? '', withoutTools);
    expect(await calls).toEqual([]);
    expect(payloads(sandbox)).toEqual([...sent('one', 60), 'first'].sort());
  });

  it("keeps other people's nodes", async () => {
    const sandbox = await startSandbox();
    addEchoes(sandbox);
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect('v2 pinned');
    await client.callTool('tests_many__echo_0', { payload: 'a' });
    const [app] = sandbox.account.apps;
    const note = { id: 'note', type: 'custom-note', data: { type: '', text: 'Do not edit.' } };
    sandbox.account.editDraft(app?.id ?? '', (graph) => ({
      ...graph,
      nodes: [...(withoutTools(graph)['nodes'] as JsonObject[]), note],
    }));
    const before = sandbox.requests.length;
    const { content } = await client.callTool('tests_many__echo_0', { payload: 'b' });
    expect(content[0]?.text).toBe('echo_0 b');
    // Before them: the refused run and a look at the draft, or the look alone.
    const paths = sandbox.requests.slice(before).filter(({ path }) => path.includes('/workflows/'));
    expect(paths.slice(-3).map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)).toEqual([
      'GET draft',
      'POST draft',
      'POST run',
    ]);
    expect(app?.draft?.graph['nodes']).toContainEqual(note);
    expect(payloads(sandbox)).toEqual(['a', 'b']);
  });

  it('is not blamed for a fault of Dify: a run that may have started is not repeated', async () => {
    const sandbox = await startSandbox();
    // oxlint-disable-next-line require-yield -- Dify fails before the first message
    const fall = defineTool('fall', { description: 'Falls.' }, async function* () {
      // Dify's times are whole seconds.
      await sleep(1_100);
      sandbox.account.editDraft(sandbox.account.apps[0]?.id ?? '', withoutTools);
      throw internalError();
    });
    const provider = { label: 'Fall', description: 'Fall.', tools: [fall] };
    sandbox.workspace.addProvider(builtinProvider('tests/fall/fall', provider));
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect('v2 pinned');
    const { isError, content } = await client.callTool('tests_fall__fall');
    expect([isError, content[0]?.text]).toEqual([true, expect.stringContaining('500')]);
    expect(sandbox.account.runs).toHaveLength(1);
  });

  it('is not made without consent, and the error says how to agree', async () => {
    const sandbox = await startSandbox();
    addEchoes(sandbox);
    const { DIFY_CREATE_APP: _, ...env } = accountEnv(sandbox);
    await using cautious = await startBridge({ env });
    const client = await cautious.connect('v2 pinned');
    const refused = await client.callTool('tests_many__echo_0', { payload: 'a' });
    expect(refused.isError).toBe(true);
    expect(refused.content[0]?.text).toContain('has no app "MCP bridge"');
    expect(refused.content[0]?.text).toContain('DIFY_CREATE_APP=true');
    expect(sandbox.account.apps).toEqual([]);
    await using bold = await startBridge({ env: accountEnv(sandbox) });
    await (await bold.connect('v2 pinned')).callTool('tests_many__echo_0', { payload: 'b' });
    // As soon as there is one, no consent is needed.
    const answer = await client.callTool('tests_many__echo_0', { payload: 'c' });
    expect(answer.content[0]?.text).toBe('echo_0 c');
  });
});
