import { describe, expect, it } from 'vitest';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { json } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import { workflowProvider } from '../../../src/sandbox/workflow-provider.ts';
import { accountEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import { startSandbox } from '../../support/sandbox-client.ts';

const ERAS = ['v1', 'v2 pinned'] as const;
const PLACES = TRANSPORTS.flatMap((transport) => ERAS.map((era) => ({ transport, era })));

/** A bridge with 16 MiB for answers, at a Dify whose tool and workflow answer as many characters as requested. */
async function start() {
  const sandbox = await startSandbox();
  const size = { name: 'size', type: 'number', required: true, description: 'Characters.' } as const;
  const answer = (given: Readonly<Record<string, unknown>>) => ({ long: 'x'.repeat(Number(given['size'])) });
  const parameters = [parameter('size', { type: 'number', required: true })];
  const tool = defineTool('answer', { description: 'Answers.', parameters }, async function* (given) {
    yield json(answer(given));
  });
  const description = 'Answers.';
  sandbox.workspace.addProvider(
    builtinProvider('tests/large/large', { label: 'Large', description, tools: [tool] }),
  );
  sandbox.workspace.addProvider(
    workflowProvider({
      id: 'aaaaaaaa-1111-4222-8333-444455556666',
      appId: 'aaaaaaaa-1111-4222-8333-444455556667',
      name: 'large',
      label: 'Large',
      description,
      inputs: [size],
      outputs: { long: { type: 'string' } },
      silenceMs: 0,
      run: answer,
    }),
  );
  return startBridge({ env: { ...accountEnv(sandbox), DIFY_BRIDGE_CALLS_MAX_MEMORY_BYTES: '16MiB' } });
}

describe('answers to an account', () => {
  it.for(PLACES)('are under the memory limit of all calls for $era over $transport', async (place) => {
    await using bridge = await start();
    const client = await bridge.connect(place.era, place.transport);
    const tools = ['tests_large__answer', 'workflow__large'];
    for (const tool of tools) {
      const { isError, content } = await client.callTool(tool, { size: 6_000_000 });
      expect([isError, content[0]?.text]).toEqual([
        true,
        expect.stringMatching(/^The tool's answer needs about [\d.]+ MB of memory/),
      ]);
    }
    // Together they need more than there is, so that some wait.
    const calls = [...tools, ...tools, ...tools].map((tool) => client.callTool(tool, { size: 1_000_000 }));
    const all = await Promise.all(calls);
    expect(all.map(({ isError }) => isError ?? false)).toEqual(all.map(() => false));
  });
});
