import { describe, expect, it } from 'vitest';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { json, text, ToolFailure, variable } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import type { ClientKind, TestResult } from '../../support/mcp-clients.ts';
import {
  accountEnv,
  CONSOLE_WAYS,
  sandboxEnv,
  startBridge,
  TRANSPORTS,
} from '../../support/running-bridge.ts';
import { startSandbox } from '../../support/sandbox-client.ts';
import { echoProvider } from '../../support/test-tools.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const PLACES = TRANSPORTS.flatMap((transport) => ERAS.map((era) => ({ transport, era })));

/** Values that Dify would replace or convert if they were constants of a node. */
const VALUES = {
  text: 'a {{#sys.user_id#}} b {{#start.text#}} \\ "q" é 中',
  number: 2.5,
  zero: 0,
  flag: false,
  list: ['1', { two: 2 }],
  object: { '{{#start.text#}}': [null, true] },
};

function addEcho({ workspace }: Sandbox): void {
  const parameters = [
    parameter('text', { required: true }),
    parameter('number', { type: 'number' }),
    parameter('zero', { type: 'number' }),
    parameter('flag', { type: 'boolean' }),
    parameter('list', { type: 'array' }),
    parameter('object', { type: 'object' }),
  ];
  const forms = [
    parameter('size', { type: 'number', form: 'form', required: true, default: 3 }),
    parameter('words', { form: 'form' }),
  ];
  workspace.addProvider(
    echoProvider('tests/echo/echo', { run: parameters, form: [...forms, ...parameters] }),
  );
  const fail = defineTool('fail', { description: 'Fails.' }, async function* () {
    yield text('before');
    throw new ToolFailure('kaput on purpose');
  });
  const nothing = defineTool('nothing', { description: 'Nothing.' }, async function* () {});
  const mixed = defineTool('mixed', { description: 'Mixed.' }, async function* () {
    yield text('words');
    yield json({ a: [1, { b: null }] });
    yield json([1, 2]);
    yield variable('streamed', 'one ', true);
    yield variable('streamed', 'two', true);
    yield variable('value', { k: [1] });
  });
  const tools = [fail, nothing, mixed];
  workspace.addProvider(builtinProvider('tests/ends/ends', { label: 'Ends', description: 'Ends.', tools }));
}

const echoed = ({ content }: TestResult): unknown => JSON.parse(content[0]?.text ?? '');
const shown = ({ content, structuredContent, isError }: TestResult) => ({
  content,
  structuredContent,
  isError,
});

describe('calls as an account', () => {
  it.for(PLACES)('answer $era over $transport as the inner API does', async ({ transport, era }) => {
    const sandbox = await startSandbox();
    addEcho(sandbox);
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    await using inner = await startBridge({ env: sandboxEnv(sandbox) });
    const [client, other] = [await bridge.connect(era, transport), await inner.connect(era, transport)];
    expect(echoed(await client.callTool('tests_echo__run', VALUES))).toEqual(VALUES);
    for (const name of ['tests_ends__nothing', 'tests_ends__mixed']) {
      expect(shown(await client.callTool(name))).toEqual(shown(await other.callTool(name)));
    }
    expect(shown(await client.callTool('tests_ends__fail'))).toMatchObject({
      content: [{ text: 'The tool failed: kaput on purpose' }],
      isError: true,
    });
    expect((await client.listPage()).tools).toEqual((await other.listPage()).tools);
  });

  it.for(['1.4.1', '1.6.0', '1.7.2', '1.12.1', '1.17.1'])(
    'pass form values and their defaults to Dify %s as they are',
    async (version) => {
      const sandbox = await startSandbox({ version });
      addEcho(sandbox);
      const file =
        "tools:\n  formParameters: publish\n  presets:\n    tests_echo__form:\n      parameters: { words: '{{#start.text#}}' }\n";
      await using bridge = await startBridge({ env: accountEnv(sandbox), file });
      const client = await bridge.connect('v2 pinned');
      const { size, words, ...rest } = echoed(
        await client.callTool('tests_echo__form', { text: 'x', flag: true }),
      ) as Record<string, unknown>;
      expect({ size, words, rest }).toEqual({
        size: 3,
        words: '{{#start.text#}}',
        rest: { text: 'x', flag: true },
      });
    },
  );

  it('uses one node for the same given parameters, whatever their values', async () => {
    const sandbox = await startSandbox();
    addEcho(sandbox);
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect('v2 pinned');
    const call = (args: object) => client.callTool('tests_echo__run', { ...args });
    await Promise.all([call({ text: 'a' }), call({ text: 'b' }), call({ text: 'c', number: 1 })]);
    await call({ text: 'd' });
    const [app] = sandbox.account.apps;
    expect(sandbox.account.apps).toHaveLength(1);
    expect(app?.name).toBe('MCP bridge');
    // The start node and two tool nodes.
    expect(app?.draft?.graph['nodes']).toHaveLength(3);
  });

  it.for(CONSOLE_WAYS)('works on after the tokens of a %s have expired', async (way) => {
    const sandbox = await startSandbox();
    addEcho(sandbox);
    await using bridge = await startBridge({ env: accountEnv(sandbox, way) });
    const client = await bridge.connect('v2 pinned');
    await client.callTool('tests_echo__run', { text: 'a' });
    sandbox.sessions.expireAccessTokens();
    expect(echoed(await client.callTool('tests_echo__run', { text: 'b' }))).toEqual({ text: 'b' });
    expect(sandbox.account.runs.map(({ parameters }) => parameters['text'])).toEqual(['a', 'b']);
  });

  it('chooses the credential of a preset', async () => {
    const sandbox = await startSandbox();
    const who = defineTool('who', { description: 'Who.' }, async function* (_given, { credential }) {
      yield text(credential?.name ?? 'nobody');
    });
    const id = 'tests/key/key';
    sandbox.workspace.addProvider(
      builtinProvider(id, { label: 'Key', description: 'Key.', credentialFields: ['key'], tools: [who] }),
    );
    sandbox.workspace.authorize(id, 'first');
    sandbox.workspace.authorize(id, 'second');
    const file = 'tools:\n  presets:\n    tests_key__who:\n      credential: second\n';
    await using plain = await startBridge({ env: accountEnv(sandbox) });
    await using chosen = await startBridge({ env: accountEnv(sandbox), file });
    const answers = await Promise.all(
      [plain, chosen].map(async (bridge) => {
        const client = await bridge.connect('v2 pinned');
        return (await client.callTool('tests_key__who')).content[0]?.text;
      }),
    );
    expect(answers).toEqual(['first', 'second']);
  });
});
