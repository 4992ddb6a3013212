import { createApp } from '../../../src/app/app.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redDot } from '../../../src/sandbox/media.ts';
import type { SandboxProvider } from '../../../src/sandbox/provider.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { INVOKE } from '../../support/fixture-dify.ts';
import { CLIENT_KINDS, type TestClient, type TestResult } from '../../support/mcp-clients.ts';
import { type RunningBridge, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import { echoProvider, EVERY_PARAMETER, everyMessageProvider } from '../../support/test-tools.ts';
import { cli } from '../../support/fake-cli.ts';
import { broken, compiled } from '../../support/schema-rules.ts';
import { said } from './rows/row.ts';

interface ListedTool {
  readonly name: string;
  readonly inputSchema: Readonly<Record<string, never>>;
  readonly outputSchema?: unknown;
}

const CASES = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));

async function listed(client: TestClient): Promise<readonly ListedTool[]> {
  return (await client.listPage()).tools as readonly ListedTool[];
}

const namesOf = async (client: TestClient): Promise<string[]> =>
  (await listed(client)).map(({ name }) => name);

const textOf = ({ content }: TestResult): string => content.map(({ text = '' }) => text).join('\n');

const invocations = ({ requests }: Sandbox): number => requests.filter(({ path }) => path === INVOKE).length;

/** The command line in this process, against a sandbox. */
const command = (sandbox: Sandbox, argv: readonly string[], env: Record<string, string> = {}) =>
  cli(argv, {
    env: { HOME: '/nonexistent', DIFY_BRIDGE_FILES_STORE: 'memory', ...sandboxEnv(sandbox), ...env },
    io: { createApp },
  });

let sandbox: Sandbox;
let bridge: RunningBridge;
let client: TestClient;
beforeAll(async () => {
  sandbox = await createSandbox();
  sandbox.workspace.addProvider(everyMessageProvider);
  sandbox.workspace.addProvider(echoProvider('tests/zoo/zoo', { every: EVERY_PARAMETER, none: [] }));
  bridge = await startBridge({ env: sandboxEnv(sandbox) });
  client = await bridge.connect('v2 pinned');
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await sandbox.close();
});

describe('1. every installed tool is listed unless a rule hides it, and explain names the rule', () => {
  const installed = (): string[] =>
    sandbox.workspace.providers.flatMap(({ type, id, tools }) =>
      tools.map(({ declaration }) => `${type} ${id} ${declaration.name}`),
    );
  const origin = ({ ref }: { readonly ref: Record<string, string> }): string =>
    `${ref['providerType']} ${ref['providerId']} ${ref['tool']}`;

  it('all four kinds, and nothing twice', async () => {
    const registry = await bridge.app.registry.ready();
    const known = [...registry.tools, ...registry.withheld].map((tool) => origin(tool as never));
    expect(known.sort()).toEqual(installed().sort());
    const kinds = registry.tools.map(({ ref }) => ref.providerType);
    expect([...new Set(kinds)].sort()).toEqual(['api', 'builtin', 'mcp', 'workflow']);
    expect(await namesOf(client)).toEqual(registry.tools.map(({ name }) => name));
  });

  it('a tool that lacks a setting: explain names it, and with the preset it is listed and works', async () => {
    const name = 'paperkite_mishaps__need_setting';
    expect(await namesOf(client)).not.toContain(name);
    const explained = await command(sandbox, ['tools', 'explain', name]);
    expect(explained.stdout).toContain(`${name} is withheld (incomplete).`);
    expect(explained.stdout).toContain('"team" is required but has neither a preset nor a default.');
    expect(explained.stdout).toMatch(/presets:\n\s+paperkite_mishaps__need_setting:/);

    const file = `tools: { presets: { ${name}: { parameters: { team: Kites } } } }`;
    await using other = await startBridge({ env: sandboxEnv(sandbox), file });
    const result = await (await other.connect('v1')).callTool(name);
    expect(result.content).toEqual([said('Greetings from team Kites.')]);
  });

  it('a tool that a rule hides: explain names the rule, and a call of it does too', async () => {
    const env = { DIFY_BRIDGE_TOOLS_UNAUTHORIZED: 'hide' };
    const name = 'paperkite_postbox__send_letter';
    expect(await namesOf(client)).toContain(name);
    const explained = await command(sandbox, ['tools', 'explain', name], env);
    expect(explained.stdout).toContain(`${name} is withheld (hidden).`);
    expect(explained.stdout).toContain('tools.unauthorized is "hide"');

    await using other = await startBridge({ env: { ...sandboxEnv(sandbox), ...env } });
    const hidden = await other.connect('v2 auto');
    expect(await namesOf(hidden)).toEqual((await namesOf(client)).filter((known) => known !== name));
    await expect(hidden.callTool(name)).rejects.toMatchObject({
      code: -32_602,
      message: expect.stringContaining('tools.unauthorized is "hide"'),
    });
  });
});

describe('2. a name depends on the tool alone', () => {
  it.each([
    ['a plugin', echoProvider('acme/kit/kit')],
    [
      'a plugin with the name of a hard-coded provider',
      echoProvider('langgenius/time/time', { weekday: [] }),
    ],
    [
      'a plugin whose tools have the names of others',
      echoProvider('other/studio/studio', { draw_chart: [] }),
    ],
    ['a plugin that comes first in every order', echoProvider('0/0/0', { run: [], research: [] })],
    [
      'a plugin that would take the name of a present one',
      echoProvider('langgenius/tests_zoo/tests_zoo', { every: [] }),
    ],
  ])('installing %s renames nothing', async (_, provider) => {
    const before = await namesOf(client);
    sandbox.workspace.addProvider(provider);
    try {
      await bridge.app.refresh();
      const after = await namesOf(client);
      expect(after.filter((name) => before.includes(name))).toEqual(before);
      expect(after).toHaveLength(before.length + provider.tools.length);
    } finally {
      sandbox.workspace.removeProvider('builtin', provider.id);
      await bridge.app.refresh();
    }
    expect(await namesOf(client)).toEqual(before);
  });
});

describe('3. one bad tool or provider never takes the list down', () => {
  const bad = (declaration: Record<string, unknown>): SandboxProvider => {
    const provider = echoProvider('tests/bad/bad', { fine: [], broken: [] });
    const [fine, tool] = provider.tools;
    if (fine === undefined || tool === undefined) throw new Error('The provider has two tools.');
    const broken = { ...tool, declaration: { ...tool.declaration, ...declaration } };
    return { ...provider, tools: [fine, broken] };
  };

  it.each([
    [
      'a provider that Dify cannot describe',
      'paperkite/studio/studio',
      () => sandbox.workspace.breakProvider('paperkite/studio/studio'),
    ],
    ['all workflows', 'workflow', () => sandbox.workspace.breakListing('workflow')],
    ['all api providers', 'api', () => sandbox.workspace.breakListing('api')],
    ['all MCP servers', 'mcp', () => sandbox.workspace.breakListing('mcp')],
  ])('%s: the others are listed; status, log and doctor tell', async (_, missing, breakIt) => {
    const all = (await bridge.app.registry.ready()).tools;
    const rest = all.filter(({ ref }) => ref.providerId !== missing && ref.providerType !== missing);
    expect(rest.length).toBeLessThan(all.length);
    breakIt();
    try {
      await using other = await startBridge({ env: sandboxEnv(sandbox) });
      expect(await namesOf(await other.connect('v1'))).toEqual(rest.map(({ name }) => name));
      const problems = other.app.status().listing?.problems ?? [];
      expect(problems).toHaveLength(1);
      expect(problems[0]?.message).toContain(missing);
      expect(other.log.filter((text) => text.includes('"warn"')).join('')).toContain(missing);
      const doctor = await command(sandbox, ['doctor']);
      expect(doctor.stdout).toContain(problems[0]?.message);
      // A bridge that knew them before keeps them.
      await bridge.app.refresh();
      expect(await namesOf(client)).toEqual(all.map(({ name }) => name));
    } finally {
      sandbox.workspace.repair();
      await bridge.app.refresh();
    }
  });

  it.each([
    ['a parameter that is no object', { parameters: ['x'] }, 'parameter 1 is not an object with a name'],
    ['a parameter without a name', { parameters: [{ type: 'string' }] }, 'parameter 1 is not'],
    ['no name', { name: null }, 'it has no name'],
    ['a number for a name', { name: 7, label: 3, description: [] }, 'it has no name'],
    ['the name of another', { name: 'fine' }, 'is listed twice'],
  ])('a tool with %s is left out, and told of', async (_, declaration, why) => {
    sandbox.workspace.addProvider(bad(declaration));
    try {
      await using other = await startBridge({ env: sandboxEnv(sandbox) });
      const names = await namesOf(await other.connect('v2 auto'));
      expect(names).toEqual([...(await namesOf(client)), 'tests_bad__fine'].sort());
      const problems = other.app.status().listing?.problems ?? [];
      expect(problems).toMatchObject([
        { providerType: 'builtin', providerId: 'tests/bad/bad', message: expect.stringContaining(why) },
      ]);
      expect(other.log.filter((text) => text.includes('"warn"')).join('')).toContain(why);
      expect((await command(sandbox, ['doctor'])).stdout).toContain(why);
    } finally {
      sandbox.workspace.removeProvider('builtin', 'tests/bad/bad');
    }
  });
});

describe('4. a published schema is accepted everywhere and is what arguments are checked against', () => {
  it('every schema follows the rules of the model providers', async () => {
    const tools = await listed(client);
    expect(tools.length).toBeGreaterThan(15);
    for (const { name, inputSchema, outputSchema } of tools) {
      expect({ name, faults: broken(inputSchema) }).toEqual({ name, faults: [] });
      expect(name).toMatch(/^[A-Za-z0-9_-]{1,44}$/);
      expect(JSON.stringify(inputSchema)).not.toContain('secret');
      if (outputSchema !== undefined) compiled(outputSchema as never);
    }
  });

  const every = 'tests_zoo__every';
  it.each([
    [every, { text: 'x' }, true],
    [every, { text: 'x', number: 1, flag: false, choice: 'b', list: [1], object: {}, any: 1 }, true],
    [every, { text: 'x', number: 10, future: { any: ['thing'] }, with_spaces: 'y' }, true],
    [every, {}, false],
    [every, { text: { deep: 1 } }, false],
    [every, { text: 'x', number: 11 }, false],
    [every, { text: 'x', number: 'eleven' }, false],
    [every, { text: 'x', flag: 'perhaps' }, false],
    [every, { text: 'x', choice: 'c' }, false],
    [every, { text: 'x', list: { no: 'list' } }, false],
    [every, { text: 'x', object: [] }, false],
    [every, { text: 'x', file: 'not a file' }, false],
    [every, { text: 'x', secret: 'mine' }, false],
    [every, { text: 'x', operator: 'mine' }, false],
    ['tests_zoo__none', {}, true],
    ['paperkite_studio__draw_chart', { values: [1], width: 319 }, false],
    ['mcp_library-desk__search_books', { query: 'x', filter: { years: { from: 'then' } } }, false],
  ])('%s with %j: schema and bridge agree on %s', async (name, args, accepted) => {
    const tool = (await listed(client)).find((candidate) => candidate.name === name);
    // Model providers refuse a schema that says so, but parameters that callers do not set are refused all the same.
    const schema = { ...tool?.inputSchema, additionalProperties: false };
    expect(compiled(schema)(args)).toBe(accepted);
    const before = invocations(sandbox);
    const result = await client.callTool(name, args);
    expect(result.isError ?? false).toBe(!accepted);
    expect(invocations(sandbox) - before).toBe(accepted ? 1 : 0);
    expect(textOf(result).includes('The arguments do not fit the tool')).toBe(!accepted);
  });
});

describe('5. every message type arrives', () => {
  it.each(CASES)('at a $kind client over $transport', async ({ kind, transport }) => {
    const reader = await bridge.connect(kind, transport);
    const result = await reader.callTool('tests_all__send', {}, { logLevel: 'info' });
    expect(result).toMatchObject({
      content: [
        said('a text'),
        said('{"an":"object"}'),
        said('https://example.com/page'),
        { text: expect.stringMatching(/^a\.png \(PNG, 74 bytes\), shown below, /) },
        { type: 'image', data: Buffer.from(redDot()).toString('base64'), mimeType: 'image/png' },
        { text: expect.stringMatching(/^n\.txt \(TXT, 5 bytes\), text below, /) },
        { type: 'resource', resource: { mimeType: 'text/plain', text: 'notes' } },
        said('Boil first.\n\nSources:\n- Manuals'),
        said('[message of unknown type "hologram"] {"type":"hologram","message":{"depth":3},"meta":null}'),
        said('{"var":"pieces"}'),
      ],
    });
    expect(reader.logs.map(({ data }) => data)).toEqual([
      { label: 'Look', status: 'start' },
      { label: 'Look', status: 'success' },
    ]);
    expect(bridge.log.some((text) => text.includes('hologram') && text.includes('"warn"'))).toBe(true);
  });
});
