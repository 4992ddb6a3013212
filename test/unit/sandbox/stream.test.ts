import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { builtinProvider, defineTool, type SandboxTool } from '../../../src/sandbox/provider.ts';
import { text } from '../../../src/sandbox/messages.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { decodeFrames, framesOf, invoke, startSandbox } from '../../support/sandbox-client.ts';

const PROVIDER = 'paperkite/probe/probe';

function withTool(sandbox: Sandbox, run: SandboxTool['run']): void {
  const tools = [defineTool('probe', { description: 'A probe.' }, run)];
  sandbox.workspace.addProvider(
    builtinProvider(PROVIDER, { label: 'Probe', description: 'A probe.', tools }),
  );
}

const CALL = { tool_type: 'builtin', provider: PROVIDER, tool: 'probe' };

/** A promise and what settles it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('the answer of an invocation', () => {
  it('sends its headers with the first frame and each frame as it comes', async () => {
    const sandbox = await startSandbox();
    const first = gate();
    const second = gate();
    withTool(sandbox, async function* () {
      await first.opened;
      yield text('one');
      await second.opened;
      yield text('two');
    });
    let answered = false;
    const pending = invoke(sandbox, CALL).then((response) => {
      answered = true;
      return response;
    });
    await sleep(50);
    expect(answered).toBe(false);

    first.open();
    const reader = (await pending).body?.getReader();
    const one = (await reader?.read())?.value ?? new Uint8Array();
    expect(decodeFrames(one).map((frame) => frame.data?.message)).toEqual([{ text: 'one' }]);
    second.open();
    const two = (await reader?.read())?.value ?? new Uint8Array();
    expect(decodeFrames(two).map((frame) => frame.data?.message)).toEqual([{ text: 'two' }]);
    expect((await reader?.read())?.done).toBe(true);
  });

  it.each(['before the first frame', 'between frames'])(
    'aborts the tool when the caller leaves %s',
    async (when) => {
      const sandbox = await startSandbox();
      const running = gate();
      const aborted = gate();
      withTool(sandbox, async function* (_given, { signal }) {
        if (when === 'between frames') yield text('one');
        running.open();
        signal.addEventListener('abort', () => aborted.open());
        await sleep(60_000, undefined, { signal });
      });
      const leave = new AbortController();
      const pending = invoke(sandbox, CALL, leave.signal).then((response) => response.arrayBuffer());
      await running.opened;
      leave.abort();
      await expect(pending).rejects.toThrow('aborted');
      await aborted.opened;
    },
  );

  it('finds the tool aborted from the start when the caller left during the checks', async () => {
    const sandbox = await startSandbox();
    sandbox.workspace.delay = 60;
    const started = gate();
    let wasAborted = false;
    withTool(sandbox, async function* (_given, { signal }) {
      wasAborted = signal.aborted;
      started.open();
      yield text('nobody reads this');
    });
    const arrived = sandbox.nextRequest('/inner/api/invoke/tool');
    const leave = new AbortController();
    const pending = invoke(sandbox, CALL, leave.signal);
    await arrived;
    leave.abort();
    await expect(pending).rejects.toThrow('aborted');
    await started.opened;
    expect(wasAborted).toBe(true);
  });

  it('may hold no frame at all', async () => {
    const sandbox = await startSandbox();
    // oxlint-disable-next-line require-yield
    withTool(sandbox, async function* () {
      await Promise.resolve();
    });
    const response = await invoke(sandbox, CALL);
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(0);
  });

  it('carries what is not English as it is, and a large frame whole', async () => {
    const sandbox = await startSandbox();
    const content = `zwölf 漢字 🪁 ${'x'.repeat(3_000_000)}`;
    withTool(sandbox, async function* () {
      yield text(content);
    });
    expect((await framesOf(sandbox, CALL))[0]?.data?.message['text']).toBe(content);
  });

  it('keeps calls apart that run at the same time', async () => {
    const sandbox = await startSandbox();
    withTool(sandbox, async function* (given) {
      yield text(`begin ${JSON.stringify(given['n'])}`);
      await sleep(5);
      yield text(`end ${JSON.stringify(given['n'])}`);
    });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => framesOf(sandbox, { ...CALL, tool_parameters: { n } })),
    );
    answers.forEach((frames, n) => {
      expect(frames.map((frame) => frame.data?.message['text'])).toEqual([`begin ${n}`, `end ${n}`]);
    });
  });

  it('names no time for idle connections, as Dify does not', async () => {
    const sandbox = await startSandbox();
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      request(`${sandbox.url}/health`, { headers: { connection: 'keep-alive' } }, (response) => {
        response.resume();
        resolve(response.headers);
      })
        .on('error', reject)
        .end();
    });
    expect(headers['connection']).toBe('keep-alive');
    expect(headers).not.toHaveProperty('keep-alive');
  });
});
