import { describe, expect, it } from 'vitest';
import { createCallToolList } from '../../../src/view/call-tool-list.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import type { ListedTool } from '../../../src/model/registry.ts';
import { fakeSource } from '../../support/fake-bridge.ts';
import { listed } from '../../support/task-bench.ts';

const OWN = [listed('get_call_result'), listed('cancel_call')];

function made(names?: readonly string[]) {
  const source = fakeSource(names);
  const warnings: unknown[] = [];
  const state: { own: readonly ListedTool[] } = { own: OWN };
  const list = createCallToolList({
    source,
    own: () => state.own,
    logger: { ...silentLogger, warn: (_message, fields) => void warnings.push(fields) },
  });
  const heard: string[][] = [];
  list.tools.onChange(({ tools }) => heard.push(tools.map(({ name }) => name)));
  return { source, list, state, heard, warnings };
}

const names = (tools: readonly ListedTool[] = []): string[] => tools.map(({ name }) => name);

describe('a list with further tools', () => {
  it('has them in their place by name, and is the same object as long as it says the same', async () => {
    const { list } = made(['alpha', 'zeta']);
    expect(names(list.tools.current()?.tools)).toEqual(['alpha', 'cancel_call', 'get_call_result', 'zeta']);
    expect(list.tools.current()).toBe(list.tools.current());
    expect(await list.tools.ready()).toBe(list.tools.current());
  });

  it('is the list itself where there are none', () => {
    const { list, source, state } = made(['alpha']);
    state.own = [];
    expect(list.tools.current()).toBe(source.current());
  });

  it('is not there before the list is', () => {
    expect(made().list.tools.current()).toBeUndefined();
  });

  it('shows an own tool in place of a published one of that name, and warns once', () => {
    const { list, source, warnings } = made(['cancel_call', 'zeta']);
    expect(list.tools.current()?.tools).toEqual([OWN[1], OWN[0], source.current()?.tools[1]]);
    source.publish(['cancel_call', 'zulu']);
    list.tools.current();
    expect(warnings).toEqual([{ tool: 'cancel_call' }]);
  });

  it('tells of changes of the list with its own tools in it', () => {
    const { source, heard } = made(['alpha']);
    source.publish(['beta']);
    expect(heard).toEqual([['beta', 'cancel_call', 'get_call_result']]);
  });

  it('tells once of a change of both, and not at all where nothing differs', () => {
    const { source, list, state, heard } = made(['alpha']);
    list.apply(() => {
      state.own = [];
      source.publish(['beta']);
      source.publish(['gamma']);
    });
    expect(heard).toEqual([['gamma']]);
    list.apply(() => source.publish(['gamma']));
    expect(heard).toHaveLength(1);
  });
});
