import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FixtureDify, startFixtureDify } from '../support/fixture-dify.ts';
import { LARGE_ANSWERS } from '../support/large-answers.ts';
import { introduce, type RawMessage, type RawStdio, startRaw } from '../support/raw-stdio.ts';

/** What the Kubernetes manifests give to a bridge. */
const CONTAINER_BYTES = 512 * 1024 ** 2;
/** Answers whose values take more memory than there is. */
const ARE_REFUSED = new Set(['rows', 'empty objects', 'keys']);
/** Answers of so many messages that they take seconds. */
const ARE_SLOW = new Set(['small values', 'steps']);

let dify: FixtureDify;
let bridge: RawStdio;
const answers = new Map<string, Buffer>();
beforeAll(async () => {
  dify = await startFixtureDify({ invoke: (name) => ({ body: answers.get(name) ?? '' }) });
  bridge = startRaw([], { env: { ...dify.env, NODE_OPTIONS: '--max-old-space-size=256' } });
  await introduce(bridge);
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await dify[Symbol.asyncDispose]();
});

const call = (name: string): Promise<RawMessage> =>
  bridge.request('tools/call', { name: 'acme_kit__run', arguments: { case: name } });

function outcomeOf({ result }: RawMessage): string {
  const { isError, content } = result as { isError?: true; content: { text?: string }[] };
  const text = content[0]?.text ?? '';
  if (isError === undefined) return 'result';
  const isRefused = /^The tool's answer needs about [\d.]+ MB of memory[^]+raise calls\.maxMemoryBytes/.test(
    text,
  );
  return isRefused ? 'refused' : text;
}

describe('a bridge with a heap of 256 MB', () => {
  it.each(Object.keys(LARGE_ANSWERS))('survives answers of %s, one and several at once', async (kind) => {
    answers.set(kind, LARGE_ANSWERS[kind]?.() ?? Buffer.alloc(0));
    const first = await call(kind);
    const several = Array.from({ length: ARE_SLOW.has(kind) ? 2 : 3 }, () => call(kind));
    const all = [first, ...(await Promise.all(several))];
    answers.clear();
    expect(all.map(outcomeOf)).toEqual(all.map(() => (ARE_REFUSED.has(kind) ? 'refused' : 'result')));
    const status = readFileSync(`/proc/${bridge.process.child.pid}/status`, 'utf8');
    expect(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024).toBeLessThan(CONTAINER_BYTES);
  });
});
