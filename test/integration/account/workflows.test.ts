import { describe, expect, it } from 'vitest';
import type { ClientKind } from '../../support/mcp-clients.ts';
import { accountEnv, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import { startSandbox } from '../../support/sandbox-client.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const PLACES = TRANSPORTS.flatMap((transport) => ERAS.map((era) => ({ transport, era })));
const SLOW = 'workflow__slow_report';
const TEXTS = { first: 'a b {{#sys.user_id#}}', second: 'b c' };

describe('workflow tools of an account', () => {
  it.for(PLACES)(
    'run as a stream for $era over $transport, with the result of the inner API',
    async ({ transport, era }) => {
      const sandbox = await startSandbox();
      await using bridge = await startBridge({ env: accountEnv(sandbox) });
      await using inner = await startBridge({ env: sandboxEnv(sandbox) });
      const client = await bridge.connect(era, transport);
      const other = await inner.connect(era, transport);
      const name = 'workflow__compare_texts';
      const [one, two] = [await client.callTool(name, TEXTS), await other.callTool(name, TEXTS)];
      expect([one.content, one.structuredContent]).toEqual([two.content, two.structuredContent]);
      expect(sandbox.account.tasks.map(({ state }) => state)).toEqual(['finished']);
      const answers = await Promise.all(
        ['x', 'y', 'z'].map((first) => client.callTool(name, { first, second: first })),
      );
      expect(answers.map(({ isError }) => isError ?? false)).toEqual([false, false, false]);
      expect(sandbox.account.apps).toEqual([]);
      expect(sandbox.account.runs).toHaveLength(4);
    },
  );

  it.for(PLACES)('stop in Dify if $era cancels over $transport', async ({ transport, era }) => {
    const sandbox = await startSandbox({ tools: 'long' });
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect(era, transport);
    const cancel = new AbortController();
    const call = client.callTool(SLOW, { seconds: 600 }, { signal: cancel.signal }).catch(() => 'cancelled');
    await expect.poll(() => sandbox.account.tasks[0]?.state).toBe('running');
    cancel.abort();
    expect(await call).toBe('cancelled');
    await sandbox.account.tasks[0]?.ended;
    expect(sandbox.account.tasks.map(({ state }) => state)).toEqual(['stopped']);
  });

  it('fail with their own words', async () => {
    const sandbox = await startSandbox({ tools: 'long' });
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect('v2 pinned');
    const { isError, content } = await client.callTool(SLOW, { seconds: 100_000 });
    expect([isError, content[0]?.text]).toEqual([
      true,
      expect.stringMatching(/^The tool failed: seconds must be from 0 to/),
    ]);
    expect(sandbox.account.tasks).toHaveLength(1);
  });

  it.for(['refuses streams', 'has a newer version of the workflow than of its tool'] as const)(
    'run as a node, once, if Dify %s',
    async (what) => {
      const sandbox = await startSandbox();
      if (what === 'refuses streams') sandbox.account.streamsAreRefused = true;
      else sandbox.account.toolsAreSynced = false;
      await using bridge = await startBridge({ env: accountEnv(sandbox) });
      const client = await bridge.connect('v2 pinned');
      const { isError } = await client.callTool('workflow__compare_texts', TEXTS);
      expect(isError ?? false).toBe(false);
      expect(sandbox.account.tasks).toEqual([]);
      expect(sandbox.account.runs).toHaveLength(1);
    },
  );

  it.for(PLACES)('report the text that they write to $era over $transport', async ({ transport, era }) => {
    const sandbox = await startSandbox({ tools: 'long' });
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect(era, transport);
    const reports: (string | undefined)[] = [];
    const onprogress = ({ message }: { message?: string | undefined }) => void reports.push(message);
    const { isError, content } = await client.callTool(SLOW, { seconds: 0 }, { onprogress });
    expect(isError ?? false).toBe(false);
    const text = 'This took 0 seconds.';
    expect(reports).toContain(text);
    expect(JSON.stringify(content)).toContain(text);
  });
});
