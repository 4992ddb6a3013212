import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { createJobs } from '../../../src/tasks/tasks.ts';
import { createViewCalls } from '../../../src/tasks/view-calls.ts';
import { answer, listed } from '../../support/task-bench.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Makes a call whose result is kept; what is left of its arguments. */
async function callWith(calls: ReturnType<typeof createViewCalls>): Promise<WeakRef<object>> {
  const args = { document: { data: 'QQ==' } };
  await calls.call({
    tool: listed('slow'),
    args,
    context: { signal: new AbortController().signal, idempotencyKey: 'order-1' },
    work: async () => answer(`took ${args.document.data.length} characters`),
  });
  return new WeakRef(args);
}

it('a result is kept without the arguments of its call, which may be far larger', async () => {
  const jobs = createJobs({ keepMs: 60_000, maxKeptBytes: 1_000_000 });
  const calls = createViewCalls({
    view: 'default',
    jobs,
    rules: () => ({ handOff: 'off', handOffWithProgress: false }),
  });
  const args = await callWith(calls);
  await expect
    .poll(() => {
      collectGarbage();
      return args.deref() === undefined;
    })
    .toBe(true);
  await jobs.close();
});
