import { describe, expect, it } from 'vitest';
import type { CallFacts, CallRecorder } from '../../../src/model/call-record.ts';
import { type Logger, silentLogger } from '../../../src/model/logger.ts';
import { callLog, Recorders } from '../../../src/observability/recorders.ts';
import { RecentCalls } from '../../../src/observability/recent-calls.ts';
import { PLACE } from '../../support/test-view.ts';

const FACTS: CallFacts = {
  ...PLACE,
  view: 'default',
  principal: 'key:ada',
  tool: 'web__search',
  ref: { providerType: 'builtin', providerId: 'acme/web/web', tool: 'search' },
  credentialId: 'c-1',
  origin: { requestId: 'r-1', client: 'test', rpc: { id: 1, transport: 'tcp' } },
  args: { q: 'FAKE-ARGUMENT' },
};
const END = { outcome: 'ok', durationMs: 41.7, messages: 2, bytes: 100 } as const;

function recordingLogger() {
  const lines: Record<string, unknown>[] = [];
  const add = (message: string, fields = {}): void => void lines.push({ message, ...fields });
  const logger: Logger = { ...silentLogger, info: add, error: add };
  return { lines, logger };
}

describe('the log of calls', () => {
  it('has one line a call, without arguments', () => {
    const { lines, logger } = recordingLogger();
    callLog(logger, 'default').started(FACTS).ended(END);
    callLog(logger, 'other').started(FACTS).ended(END);
    expect(lines).toEqual([
      {
        message: 'Tool call ended',
        requestId: 'r-1',
        client: 'test',
        tool: 'web__search',
        providerType: 'builtin',
        outcome: 'ok',
        durationMs: 42,
        messages: 2,
      },
      expect.objectContaining({ workspace: 'default' }),
    ]);
  });
});

describe('several recorders', () => {
  it('get every event, also where one of them fails', () => {
    const events: string[] = [];
    const recorder = (name: string): CallRecorder => ({
      started: () => ({
        sent: () => ({ traceparent: name }),
        received: ({ type }) => void events.push(`${name} ${type}`),
        ended: ({ outcome }) => void events.push(`${name} ${outcome}`),
      }),
    });
    const failing: CallRecorder = {
      started: () => ({
        ended: () => {
          throw new Error('FAKE-FAILURE');
        },
      }),
    };
    const neverStarts: CallRecorder = {
      started: () => {
        throw new Error('FAKE-FAILURE');
      },
    };
    const { lines, logger } = recordingLogger();
    const record = new Recorders([recorder('a'), failing, neverStarts, recorder('b')], logger).started(FACTS);
    expect(record.sent?.()).toEqual({ traceparent: 'b' });
    record.received?.({ type: 'text', text: '' });
    record.ended(END);
    expect(events).toEqual(['a text', 'b text', 'a ok', 'b ok']);
    expect(lines.map(({ message }) => message)).toEqual(Array(2).fill('A call could not be recorded'));
  });
});

describe('the latest calls', () => {
  it('are few, begin with the latest, and have no contents', () => {
    const recent = new RecentCalls();
    const running = recent.started(FACTS);
    for (let index = 0; index < 60; index += 1) recent.started({ ...FACTS, tool: `t${index}` }).ended(END);
    expect(recent.running()).toEqual([
      {
        workspace: 'default',
        view: 'default',
        principal: 'key:ada',
        tool: 'web__search',
        client: 'test',
        startedAt: expect.any(Date) as Date,
      },
    ]);
    expect(recent.ended()).toHaveLength(50);
    expect(recent.ended()[0]).toMatchObject({ tool: 't59', end: END });
    running.ended({ ...END, outcome: 'cancelled' });
    expect(recent.running()).toEqual([]);
    expect(recent.ended()).toHaveLength(50);
    expect(recent.ended()[0]).toMatchObject({ tool: 'web__search', end: { outcome: 'cancelled' } });
  });
});
