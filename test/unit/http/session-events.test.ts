import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { createEventBudget, SessionEvents } from '../../../src/http/session-events.ts';

const note = (text: string): JSONRPCMessage => ({
  jsonrpc: '2.0',
  method: 'notifications/message',
  params: { text },
});
const answer = (id: number, text = ''): JSONRPCMessage => ({ jsonrpc: '2.0', id, result: { text } });
const opening = {} as JSONRPCMessage;

async function replayed(events: SessionEvents, after: string): Promise<JSONRPCMessage[]> {
  const messages: JSONRPCMessage[] = [];
  await events.replayEventsAfter(after, {
    send: async (_, message) => {
      messages.push(message);
    },
  });
  return messages;
}

describe('the events of a session', () => {
  it('are replayed from where the client stopped, of its stream only and without the opening', async () => {
    const events = new SessionEvents(createEventBudget());
    const first = await events.storeEvent('a', opening);
    await events.storeEvent('b', note('other'));
    const second = await events.storeEvent('a', note('one'));
    await events.storeEvent('a', answer(1));
    expect(new Set([first, second]).size).toBe(2);
    expect(await events.getStreamIdForEventId(second)).toBe('a');
    expect(await replayed(events, first)).toEqual([note('one'), answer(1)]);
    expect(await replayed(events, second)).toEqual([answer(1)]);
  });

  it('know what cannot be resumed', async () => {
    const events = new SessionEvents(createEventBudget());
    const id = await events.storeEvent('a', opening);
    expect(events.canResume(id)).toBe(true);
    expect(events.canResume('_GET_stream/99')).toBe(true);
    expect(events.canResume('unknown/1')).toBe(false);
    expect(events.canResume('nonsense')).toBe(false);
    expect(await events.getStreamIdForEventId('nonsense')).toBeUndefined();
    await expect(replayed(events, 'nonsense')).rejects.toThrow('not one of this session');
  });

  it('cannot be resumed after the answer: nothing follows it', async () => {
    const events = new SessionEvents(createEventBudget());
    const first = await events.storeEvent('a', opening);
    const last = await events.storeEvent('a', answer(1));
    expect(events.canResume(first)).toBe(true);
    expect(events.canResume(last)).toBe(false);
  });

  it('lose the oldest at the limit of their number, but a stream without its answer stays', async () => {
    const budget = createEventBudget({ maxEvents: 3 });
    const events = new SessionEvents(budget);
    const waiting = await events.storeEvent('waiting', opening);
    const done = await events.storeEvent('done', answer(1));
    for (let n = 0; n < 3; n += 1) await events.storeEvent('_GET_stream', note(String(n)));
    expect(events.canResume(done)).toBe(false);
    expect(events.canResume(waiting)).toBe(true);
    await events.storeEvent('waiting', answer(2));
    expect(await replayed(events, waiting)).toEqual([answer(2)]);
  });

  it('lose the oldest at the limit of their size, and never keep one beyond it', async () => {
    const budget = createEventBudget({ maxSessionBytes: 3000 });
    const events = new SessionEvents(budget);
    const first = await events.storeEvent('a', note('x'.repeat(1200)));
    const second = await events.storeEvent('b', note('y'.repeat(1200)));
    await events.storeEvent('b', note('z'.repeat(1200)));
    expect(await replayed(events, `a/0`)).toEqual([]);
    expect(await replayed(events, second)).toEqual([note('z'.repeat(1200))]);
    await events.storeEvent('b', answer(1, 'w'.repeat(5000)));
    expect(await replayed(events, first)).toEqual([]);
    expect(await replayed(events, second)).toEqual([note('z'.repeat(1200))]);
    expect(budget.bytes).toBeLessThanOrEqual(3000);
  });

  it('share the memory of the host, and give it back', async () => {
    const budget = createEventBudget({ maxTotalBytes: 3000 });
    const [one, other] = [new SessionEvents(budget), new SessionEvents(budget)];
    await one.storeEvent('a', note('x'.repeat(2000)));
    const missing = await other.storeEvent('b', note('y'.repeat(2000)));
    expect(await replayed(other, 'b/0')).toEqual([]);
    expect(other.canResume(missing)).toBe(true);
    one.clear();
    expect(budget.bytes).toBe(0);
    await other.storeEvent('b', note('z'.repeat(2000)));
    expect(await replayed(other, 'b/0')).toHaveLength(1);
  });

  it('are dropped a while after the answer was delivered', async () => {
    const budget = createEventBudget();
    const events = new SessionEvents(budget);
    const id = await events.storeEvent('a', opening);
    await events.storeEvent('a', answer(1));
    events.delivered(1);
    events.sweep();
    expect(events.canResume(id)).toBe(true);
    events.sweep();
    expect(events.canResume(id)).toBe(false);
    expect(budget.bytes).toBe(0);
  });

  it('of a stream with an ending are dropped when the ending comes', async () => {
    const budget = createEventBudget();
    const events = new SessionEvents(budget);
    const id = await events.storeEvent('a', opening);
    const ending = answer(1);
    events.dropStreamAt(ending);
    await events.storeEvent('a', ending);
    expect(events.canResume(id)).toBe(false);
    expect(budget.bytes).toBe(0);
  });
});
