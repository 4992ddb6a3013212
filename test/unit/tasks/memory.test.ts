import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { Caller } from '../../../src/calls/caller.ts';
import { Tasks } from '../../../src/tasks/tasks.ts';
import { ViewTasks } from '../../../src/tasks/view-tasks.ts';
import { UNLIMITED_VIEW } from '../../support/call-limits.ts';
import { aTool } from '../../support/published-tool.ts';
import { answer, LIMITS } from '../../support/task-bench.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Makes a call whose result is stored; what is left of its arguments. */
async function callWith(calls: ViewTasks): Promise<readonly WeakRef<object>[]> {
  const args = { document: { data: 'QQ==' } };
  const parameters = { document: { data: 'QQ==' } };
  await calls.call(
    { tool: aTool(), args, parameters, principal: 'local', view: UNLIMITED_VIEW, limits: LIMITS },
    { signal: new AbortController().signal, idempotencyKey: 'order-1' },
    { after: 'off', withProgress: false },
  );
  return [new WeakRef(args), new WeakRef(parameters)];
}

it('a result is stored without the arguments of its call, which may be far larger', async () => {
  const start: Caller['start'] = (request) => ({
    result: Promise.resolve(answer('done')),
    cancel: () => expect(request).toBeDefined(),
  });
  const caller = { start, call: () => Promise.reject(new Error('a call with a key is a task')) };
  const tasks = new Tasks({ caller, keepMs: 60_000, maxBytes: 1_000_000 });
  const left = await callWith(new ViewTasks({ view: 'default', tasks, caller }));
  await expect
    .poll(() => {
      collectGarbage();
      return left.map((each) => each.deref() === undefined);
    })
    .toEqual([true, true]);
  await tasks.close();
});
