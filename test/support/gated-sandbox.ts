import { parameter } from '../../src/sandbox/declaration.ts';
import { text } from '../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../src/sandbox/provider.ts';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';

/** The name under which the bridge publishes the gate. */
export const GATE = 'tests_gate__wait';

/** A sandbox in the process of the test, with a tool that waits until the test opens its gate. */
export interface GatedSandbox extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** The settings that lead the program to this sandbox. */
  readonly env: Readonly<Record<string, string>>;
  /** The next call has reached the gate. */
  arrived(): Promise<void>;
  /** A call that waited at the gate was given up by the bridge. */
  abandoned(): Promise<void>;
  /** Releases the waiting calls. */
  open(): void;
}

/** Starts a sandbox whose tool `GATE` answers `passed` once the gate was opened. */
export async function startGatedSandbox(): Promise<GatedSandbox> {
  const sandbox = await createSandbox();
  const arrivals = latch();
  const departures = latch();
  const openings = latch();
  const wait = defineTool(
    'wait',
    { description: 'Waits.', parameters: [parameter('note', { description: 'Any text.' })] },
    async function* (_given, { signal }) {
      arrivals.release();
      const given = new Promise<'given up'>((resolve) => {
        signal.addEventListener('abort', () => resolve('given up'), { once: true });
      });
      const outcome = await Promise.race([openings.next(), given]);
      if (outcome === 'given up') departures.release();
      else yield text('passed');
    },
  );
  sandbox.workspace.addProvider(
    builtinProvider('tests/gate/gate', { label: 'Gate', description: 'A gate.', tools: [wait] }),
  );
  const { innerApiKey, workspaceId, adminApiKey, secretKey } = sandbox.credentials;
  return {
    sandbox,
    env: {
      DIFY_API_URL: sandbox.url,
      DIFY_INNER_API_KEY: innerApiKey,
      DIFY_WORKSPACE_ID: workspaceId,
      DIFY_ADMIN_API_KEY: adminApiKey,
      DIFY_SECRET_KEY: secretKey,
    },
    arrived: () => arrivals.next(),
    abandoned: () => departures.next(),
    open: () => openings.release(),
    [Symbol.asyncDispose]: () => sandbox.close(),
  };
}

/** Something that happens again and again, and that is to be awaited before it does. */
function latch(): { next(): Promise<void>; release(): void } {
  let waiting: (() => void)[] = [];
  return {
    next: () => new Promise((resolve) => waiting.push(resolve)),
    release() {
      for (const resolve of waiting) resolve();
      waiting = [];
    },
  };
}
