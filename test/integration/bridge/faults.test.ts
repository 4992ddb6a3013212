import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DifyFailure, text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import type { TestClient } from '../../support/mcp-clients.ts';
import { type RunningBridge, sandboxEnv, startBridge } from '../../support/running-bridge.ts';

/** What Dify says in the middle of a call, and what the model reads. */
const FAULTS = [
  {
    name: 'starting',
    words: 'req_id: 4f PluginDaemonInternalServerError: no available node, plugin runtime not found',
    says: /still starting the plugin\. The tool did not run\..*\nTry again in a moment\./,
  },
  {
    name: 'redis',
    words: 'Error 111 connecting to redis:6379. Connection refused.',
    says: /^Dify cannot reach its Redis\..*\nThe tool may have taken effect/,
  },
  {
    name: 'credentials',
    words:
      'PluginInvokeError: {"args":{},"error_type":"ToolProviderCredentialValidationError","message":"expired"}',
    says: /^Faulty does not accept the credentials.*expired\nDo not retry; tell the user to authorize Faulty in Dify again/,
  },
  {
    name: 'no_credentials',
    words: 'no default provider for tests/faulty/faulty',
    says: /^Faulty has no credentials in this Dify workspace, so this tool cannot run\.\nDo not retry/,
  },
  {
    name: 'died',
    words: '',
    says: /^The plugin or Dify's plugin daemon stopped.*\nThe tool may have taken effect/,
  },
] as const;

const provider = builtinProvider('tests/faulty/faulty', {
  label: 'Faulty',
  description: 'Tools that Dify fails to run.',
  tools: FAULTS.map(({ name, words }) =>
    defineTool(name, { description: `Fails: ${name}.` }, async function* () {
      yield text('Before the fault.');
      throw new DifyFailure(words);
    }),
  ),
});

describe.each([
  { kind: 'v1', transport: 'stdio' },
  { kind: 'v1', transport: 'HTTP' },
  { kind: 'v2 pinned', transport: 'stdio' },
  { kind: 'v2 pinned', transport: 'HTTP' },
] as const)("a fault of Dify's own, read by a $kind client over $transport", ({ kind, transport }) => {
  let sandbox: Sandbox;
  let bridge: RunningBridge;
  let client: TestClient;
  beforeAll(async () => {
    sandbox = await createSandbox({ tools: [provider] });
    bridge = await startBridge({ env: sandboxEnv(sandbox) });
    client = await bridge.connect(kind, transport);
  });
  afterAll(async () => {
    await bridge[Symbol.asyncDispose]();
    await sandbox.close();
  });

  it.each(FAULTS)('$name', async ({ name, says }) => {
    const { isError, content } = await client.callTool(`tests_faulty__${name}`);
    expect(isError).toBe(true);
    expect(content[0]?.text).toMatch(says);
    expect(JSON.stringify(content)).toContain('Before the fault.');
  });
});
