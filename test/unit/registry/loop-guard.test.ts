import { describe, expect, test } from 'vitest';
import type { Registry } from '../../../src/model/registry.ts';
import type { ToolProvider } from '../../../src/model/tool.ts';
import { buildRegistry } from '../../../src/registry/build.ts';
import { explainTool } from '../../../src/registry/explain.ts';
import { parameter, provider, registryOf, RULES, tool } from '../../support/declarations.ts';

const REAL = [
  provider('acme/web/web', [tool('search', [parameter('q')]), tool('read')]),
  provider('time', [tool('now')]),
];

/** The MCP server that Dify would list for a registry: names, descriptions and nothing else. */
function endpointOf({ tools }: Pick<Registry, 'tools'>, id = 'bridge'): ToolProvider {
  const listed = tools.map(({ name, description }) =>
    tool(name, [], { description: { en_US: description } }),
  );
  return provider(id, listed, { type: 'mcp' });
}

function foreign(...names: string[]): ToolProvider {
  return provider(
    'bridge',
    names.map((name) => tool(name)),
    { type: 'mcp' },
  );
}

const mcpTools = (registry: Registry): string[] =>
  registry.tools.filter(({ ref }) => ref.providerType === 'mcp').map(({ name }) => name);

describe('the loop guard', () => {
  test.each([
    ['qualified names', {}],
    ['bare names', { names: 'bare' }],
    ['another language', { languages: ['zh_Hans'] }],
  ] as const)('knows the own endpoint with %s', (_, rules) => {
    const registry = registryOf([...REAL, endpointOf(registryOf(REAL, rules))], rules);
    expect(mcpTools(registry)).toEqual([]);
    const hidden = registry.withheld.filter(({ ref }) => ref.providerType === 'mcp');
    expect(hidden).toHaveLength(3);
    expect(hidden[0]).toMatchObject({
      reason: 'hidden',
      detail: expect.stringContaining('this bridge itself'),
    });
    expect(explainTool(registry, hidden[0]?.name ?? '')).toContain(
      'Rule loop guard: the MCP server is the bridge itself',
    );
    expect(registry.tools).toHaveLength(3);
  });

  test('knows a view with bare names, and no other server with a tool of the same name and description', () => {
    const real = [provider('acme/web/web', [tool('search'), tool('read')], { label: { en_US: 'Acme web' } })];
    const bare = endpointOf(registryOf(real, { names: 'bare' }));
    expect(mcpTools(registryOf([...real, bare]))).toEqual([]);
    const alike = foreign('search', 'read');
    expect(mcpTools(registryOf([...real, alike]))).toHaveLength(2);
  });

  test('knows it after tools have come and gone in Dify', () => {
    const before = registryOf([...REAL, provider('gone', [tool('a'), tool('b')])]);
    expect(mcpTools(registryOf([...REAL, endpointOf(before)]))).toEqual([]);
  });

  test('knows it when it lists itself, one round on', () => {
    const first = registryOf([...REAL, endpointOf(registryOf(REAL))], {
      allow: ['*', { provider: 'bridge' }],
    });
    expect(mcpTools(first)).toHaveLength(3);
    expect(mcpTools(registryOf([...REAL, endpointOf(first)]))).toEqual([]);
  });

  test("knows it by the bridge's own tools in mode search", () => {
    const bridgeTools = ['search_tools', 'describe_tool', 'call_tool'].map((name) => ({
      name,
      description: `The ${name} of the bridge.`,
    }));
    const endpoint = provider(
      'bridge',
      bridgeTools.map(({ name, description }) => tool(name, [], { description: { en_US: description } })),
      { type: 'mcp' },
    );
    expect(mcpTools(buildRegistry([...REAL, endpoint], RULES, { bridgeTools }))).toEqual([]);
    expect(mcpTools(buildRegistry([...REAL, endpoint], RULES))).toHaveLength(3);
    const namesake = foreign('search_tools', 'describe_tool', 'call_tool');
    expect(mcpTools(buildRegistry([...REAL, namesake], RULES, { bridgeTools }))).toHaveLength(3);
  });

  test.each([
    ['of other tools', foreign('fetch', 'store')],
    ['whose tools are called as tools of others are', foreign('search', 'read', 'now')],
    ['with less than half of its tools from here', foreign('acme_web__search', 'x__a', 'x__b')],
  ])('leaves a server %s alone', (_, server) => {
    const registry = registryOf([...REAL, server]);
    expect(mcpTools(registry)).toHaveLength(server.tools.length);
  });

  test('looks at MCP servers alone', () => {
    const api = { ...endpointOf(registryOf(REAL)), type: 'api' as const };
    expect(registryOf([...REAL, api]).tools).toHaveLength(6);
  });

  test('leaves alone what an allow rule names by its id, and nothing that a glob fits', () => {
    const providers = [...REAL, endpointOf(registryOf(REAL))];
    expect(mcpTools(registryOf(providers, { allow: ['*', { provider: 'bridge' }] }))).toHaveLength(3);
    expect(mcpTools(registryOf(providers, { allow: [{ provider: '*' }] }))).toEqual([]);
  });

  test('says the rule that a tool of it would need anyway first', () => {
    const registry = registryOf([...REAL, endpointOf(registryOf(REAL))], { deny: ['mcp_bridge__*'] });
    const details = registry.withheld.map(({ detail }) => detail);
    expect(details.every((detail) => detail.includes('tools.deny'))).toBe(true);
  });
});
