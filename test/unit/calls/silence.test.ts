import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchSilence } from '../../../src/calls/silence.ts';
import type { ToolRef } from '../../../src/model/tool.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const PLUGIN: ToolRef = { providerType: 'builtin', providerId: 'acme/kit/kit', tool: 't' };

function watch(ref: ToolRef) {
  const said: string[] = [];
  const silence = watchSilence(ref, 60_000, { progress: (message) => void said.push(message) });
  return { silence, said };
}

it('reports how long a plugin has sent nothing, from the last message on', () => {
  const { silence, said } = watch(PLUGIN);
  vi.advanceTimersByTime(59_000);
  silence.heard();
  vi.advanceTimersByTime(59_000);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(61_000);
  expect(said).toEqual([
    expect.stringMatching(/^The plugin has sent nothing for 1 minute\..*it may have died/),
    expect.stringMatching(/^The plugin has sent nothing for 2 minutes\./),
  ]);
  silence.stop();
  vi.advanceTimersByTime(600_000);
  expect(said).toHaveLength(2);
});

it.each<ToolRef>([
  { providerType: 'builtin', providerId: 'time', tool: 't' },
  { providerType: 'workflow', providerId: 'x', tool: 't' },
  { providerType: 'api', providerId: 'x', tool: 't' },
  { providerType: 'mcp', providerId: 'x', tool: 't' },
])('reports nothing for $providerType $providerId, which is silent until it ends', (ref) => {
  const { said } = watch(ref);
  vi.advanceTimersByTime(600_000);
  expect(said).toEqual([]);
});
