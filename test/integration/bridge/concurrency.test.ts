import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { log, text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { INVOKE } from '../../support/fixture-dify.ts';
import type { TestClient, TestProgress } from '../../support/mcp-clients.ts';
import { sandboxEnv, startBridge } from '../../support/running-bridge.ts';
import { said } from './rows/row.ts';

const CLIENTS = 8;
const CALLS = 15;
const MAX_CONCURRENT = 5;
const BUSY = 'tests_busy__echo';
const HOLD = 'tests_busy__hold';
const SETTINGS = {
  DIFY_BRIDGE_CALLS_MAX_CONCURRENT: String(MAX_CONCURRENT),
  DIFY_BRIDGE_CALLS_MAX_QUEUED: String(CLIENTS * CALLS),
};

/** What runs in Dify, and what ends the calls of `hold`. */
interface Busy {
  readonly most: number;
  readonly running: number;
  release(): void;
}

/**
 * Two tools that count how many of them run: one echoes after a moment and tells of it as a step, one waits until
 * all of its kind are released.
 */
function addBusyTools({ workspace }: Sandbox): Busy {
  const counts = { most: 0, running: 0, release: (): void => undefined };
  const released = new Promise<void>((resolve) => {
    counts.release = resolve;
  });
  const enter = (): void => {
    counts.running += 1;
    counts.most = Math.max(counts.most, counts.running);
  };
  const hold = defineTool('hold', { description: 'Waits.' }, async function* () {
    enter();
    await released;
    counts.running -= 1;
    yield text('released');
  });
  const echo = defineTool(
    'echo',
    { description: 'Echoes.', parameters: [parameter('payload', { required: true })] },
    async function* (given) {
      const payload = given['payload'] as string;
      enter();
      try {
        yield log({ id: payload, label: payload.slice(0, 20), status: 'start' });
        await sleep(payload.length % 7);
        yield text(payload.slice(0, payload.length / 2));
        await sleep(payload.length % 3);
        yield text(payload.slice(payload.length / 2));
      } finally {
        counts.running -= 1;
      }
    },
  );
  workspace.addProvider(
    builtinProvider('tests/busy/busy', { label: 'Busy', description: 'Busy.', tools: [echo, hold] }),
  );
  return counts;
}

/** Every client calls as often as it may; answers what was not the caller's own. */
async function storm(clients: readonly TestClient[]): Promise<unknown[]> {
  const strangers: unknown[] = [];
  const call = async (client: TestClient, payload: string): Promise<void> => {
    const steps: (string | undefined)[] = [];
    const onprogress = ({ message }: TestProgress): void => void steps.push(message);
    const { content } = await client.callTool(BUSY, { payload }, { onprogress });
    if (content.length !== 1 || content[0]?.text !== payload) strangers.push({ payload, content });
    const foreign = steps.filter((step) => step?.startsWith('client') && step !== payload.slice(0, 20));
    if (foreign.length > 0) strangers.push({ payload, foreign });
  };
  await Promise.all(
    clients.flatMap((client, c) =>
      Array.from({ length: CALLS }, (_, n) => call(client, `client ${c} call ${n} ${'ö👋'.repeat(n * 9)}`)),
    ),
  );
  return strangers;
}

/** Has more calls held than may run; answers how many did run, once no more of them came. */
async function holdAll(client: TestClient, busy: Busy): Promise<number> {
  const calls = Array.from({ length: MAX_CONCURRENT + 3 }, () => client.callTool(HOLD));
  await expect.poll(() => busy.running).toBe(MAX_CONCURRENT);
  // Time for one that does not wait for its turn.
  await sleep(50);
  const { running } = busy;
  busy.release();
  for (const { content } of await Promise.all(calls)) expect(content).toEqual([said('released')]);
  return running;
}

/** Connections and listeners of this process. */
const openHandles = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')).length;

describe.each(['v1', 'v2 pinned'] as const)('%s clients, all at once', (kind) => {
  it('get each its own answers, and Dify no more calls than it may', async () => {
    const before = openHandles();
    const sandbox = await createSandbox();
    const counts = addBusyTools(sandbox);
    {
      await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), ...SETTINGS } });
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => bridge.connect(kind)));
      expect(await storm(clients)).toEqual([]);
      expect(counts.most).toBeLessThanOrEqual(MAX_CONCURRENT);
      expect(counts.running).toBe(0);
      expect(sandbox.requests.filter(({ path }) => path === INVOKE)).toHaveLength(CLIENTS * CALLS);
      expect(clients.flatMap(({ errors }) => errors)).toEqual([]);
      expect(await holdAll(clients[0] as TestClient, counts)).toBe(MAX_CONCURRENT);
    }
    await sandbox.close();
    await expect.poll(openHandles).toBeLessThanOrEqual(before);
  });
});

describe('a bridge that goes on for long', () => {
  it('opens no more connections in later rounds than in the first', async () => {
    const sandbox = await createSandbox();
    addBusyTools(sandbox);
    await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), ...SETTINGS } });
    const clients = await Promise.all([
      ...Array.from({ length: 4 }, () => bridge.connect('v1')),
      ...Array.from({ length: 4 }, () => bridge.connect('v2 auto', 'stdio')),
    ]);
    await storm(clients);
    const first = openHandles();
    for (let round = 0; round < 2; round += 1) expect(await storm(clients)).toEqual([]);
    // The pools of the clients are not quite as large each time; a leak would be one for each of 240 calls.
    await expect.poll(openHandles).toBeLessThan(first + 20);
    await sandbox.close();
  });

  it.each(['v1', 'v2 pinned'] as const)(
    'frees the slot of a call of a %s client, however it ends',
    async (kind) => {
      const sandbox = await createSandbox();
      const counts = addBusyTools(sandbox);
      await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), ...SETTINGS } });
      const client = await bridge.connect(kind);
      const cancelled = Array.from({ length: 4 * MAX_CONCURRENT }, async (_, n) => {
        const signal = AbortSignal.timeout(1 + n);
        return client.callTool(BUSY, { payload: 'x'.repeat(6) }, { signal }).catch(() => 'cancelled');
      });
      const failing = Array.from({ length: MAX_CONCURRENT }, () =>
        client.callTool('paperkite_mishaps__break_midway'),
      );
      const refused = Array.from({ length: MAX_CONCURRENT }, () => client.callTool(BUSY, {}));
      await Promise.all([...cancelled, ...failing, ...refused]);
      expect(await cancelled.at(0)).toBe('cancelled');
      // Dify learns a moment later than the bridge that a call was given up.
      await expect.poll(() => counts.running).toBe(0);
      expect(await holdAll(client, counts)).toBe(MAX_CONCURRENT);
      expect(await storm([client])).toEqual([]);
      await sandbox.close();
    },
  );
});
