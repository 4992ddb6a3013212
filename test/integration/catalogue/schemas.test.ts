import { describe, expect, test } from 'vitest';
import type { ListedTool } from '../../../src/model/registry.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { conformanceProvider } from '../../support/conformance-tools.ts';
import { type CatalogueBridge, startCatalogueBridge } from '../../support/catalogue-bridge.ts';
import { broken, brokenOutput } from '../../support/schema-rules.ts';

const MODES = ['list', 'search'] as const;

describe.each([
  { set: 'demo', tools: 'demo' },
  { set: 'conformance', tools: [conformanceProvider] },
  { set: 'files', tools: 'files' },
  { set: 'long', tools: 'long' },
] as const)('of the tool set $set', ({ tools }) => {
  test.each(MODES)('every listed schema is one that model providers take, in mode %s', async (mode) => {
    await using sandbox = await closing(createSandbox({ tools }));
    await using bridge = await startCatalogueBridge({
      sandbox: sandbox.it,
      file: { tools: { mode } },
    });
    const definitions = await definitionsOf(bridge);
    const names = definitions.map(({ name }) => name);
    expect(names).toContain(mode === 'search' ? 'call_tool' : 'get_call_result');
    expect(
      definitions.flatMap(({ name, inputSchema, outputSchema }) =>
        [...broken(inputSchema), ...brokenOutput(outputSchema ?? { type: 'object' })].map(
          (fault) => `${name} ${fault}`,
        ),
      ),
    ).toEqual([]);
  });
});

test('call_tool says that it takes arguments that it does not name', async () => {
  await using bridge = await startCatalogueBridge({ file: { tools: { mode: 'search' } } });
  const tools = await definitionsOf(bridge);
  const schema = tools.find(({ name }) => name === 'call_tool')?.inputSchema;
  expect(schema).toMatchObject({
    properties: {
      arguments: { type: 'object', additionalProperties: { anyOf: expect.any(Array) as unknown } },
    },
  });
});

async function definitionsOf(bridge: CatalogueBridge): Promise<ListedTool[]> {
  const { tools } = await (await bridge.connectStdio('v1')).listPage();
  return tools as unknown as ListedTool[];
}

async function closing<T extends { close(): Promise<void> }>(started: Promise<T>) {
  const it = await started;
  return { it, [Symbol.asyncDispose]: () => it.close() };
}
