import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FixtureDify, startFixtureDify } from '../support/fixture-dify.ts';
import { LARGE_ANSWERS } from '../support/large-answers.ts';
import { type Started, start } from '../support/program.ts';
import { introduce, type RawMessage, type RawStdio, startRaw } from '../support/raw-stdio.ts';
import { connectHttpRevision } from '../support/revision-client.ts';

/** What the Kubernetes manifests give to a bridge. */
const CONTAINER_BYTES = 512 * 1024 ** 2;
/** Answers whose values take more memory than there is. */
const ARE_REFUSED = new Set(['rows', 'empty objects', 'keys']);
/**
 * Answers that are tried one at a time. Those of many messages take seconds: one shows the peak, and the next kind whether
 * it was freed. Of data URLs a test of its own takes more at once.
 */
const ARE_ALONE = new Set(['small values', 'steps', 'a data URL']);

const HEAP = { NODE_OPTIONS: '--max-old-space-size=256' };

let dify: FixtureDify;
const answers = new Map<string, Buffer>();
beforeAll(async () => {
  dify = await startFixtureDify({ invoke: (name) => ({ body: answers.get(name) ?? '' }) });
});
afterAll(() => dify[Symbol.asyncDispose]());

const paramsOf = (name: string) => ({ name: 'acme_kit__run', arguments: { case: name } });

function outcomeOf(result: RawMessage['result']): string {
  const { isError, content } = result as { isError?: true; content: { text?: string }[] };
  const text = content[0]?.text ?? '';
  if (isError === undefined) return 'result';
  const isRefused = /^The tool's answer needs about [\d.]+ MB of memory[^]+raise calls\.maxMemoryBytes/.test(
    text,
  );
  return isRefused ? 'refused' : text;
}

/** The most memory that a process has had so far, in bytes. */
function peakOf({ child }: Started): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

describe('a bridge with a heap of 256 MB', () => {
  let bridge: RawStdio;
  beforeAll(async () => {
    bridge = startRaw([], { env: { ...dify.env, ...HEAP } });
    await introduce(bridge);
  });
  afterAll(() => bridge[Symbol.asyncDispose]());

  it.each(Object.keys(LARGE_ANSWERS))('survives answers of %s, one and several at once', async (kind) => {
    answers.set(kind, LARGE_ANSWERS[kind]?.() ?? Buffer.alloc(0));
    const call = () => bridge.request('tools/call', paramsOf(kind));
    const first = await call();
    const several = Array.from({ length: ARE_ALONE.has(kind) ? 0 : 3 }, call);
    const all = [first, ...(await Promise.all(several))];
    answers.clear();
    expect(all.map(({ result }) => outcomeOf(result))).toEqual(
      all.map(() => (ARE_REFUSED.has(kind) ? 'refused' : 'result')),
    );
    expect(peakOf(bridge.process)).toBeLessThan(CONTAINER_BYTES);
  });

  it('survives as many large answers at once as it makes calls', async () => {
    answers.set('text', LARGE_ANSWERS['a data URL']?.() ?? Buffer.alloc(0));
    const call = () => bridge.request('tools/call', paramsOf('text'));
    const all = await Promise.all(Array.from({ length: 8 }, call));
    answers.clear();
    expect(all.map(({ result }) => outcomeOf(result))).toEqual(all.map(() => 'result'));
    expect(peakOf(bridge.process)).toBeLessThan(CONTAINER_BYTES);
  });
});

describe('a bridge with a heap of 256 MB that serves over HTTP', () => {
  it.each(['2025-11-25', '2026-07-28'] as const)(
    'survives several answers of one string at once (%s)',
    async (revision) => {
      await using bridge = start(['serve', '--http', '--port', '0', '-o', 'json'], {
        env: { ...dify.env, ...HEAP },
      });
      const [line] = await bridge.match('stdout', /^.*\n/);
      const { url } = JSON.parse(line) as { url: string };
      answers.set('text', LARGE_ANSWERS['one string']?.() ?? Buffer.alloc(0));
      const client = await connectHttpRevision({ url: async () => url }, revision);
      const all = await Promise.all(
        Array.from({ length: 3 }, () => client.request('tools/call', paramsOf('text'))),
      );
      answers.clear();
      expect(all.map(outcomeOf)).toEqual(all.map(() => 'result'));
      expect(peakOf(bridge)).toBeLessThan(CONTAINER_BYTES);
    },
  );
});
