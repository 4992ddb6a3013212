import { describe, expect, it } from 'vitest';
import { PreparedLists } from '../../../src/mcp/prepared-lists.ts';
import { fakeSource } from '../../support/fake-bridge.ts';

const HEADERS = { accept: 'text/event-stream', 'mcp-method': 'tools/list' };
const SENT = { 'content-type': 'text/event-stream' };

const request = (id: unknown, params?: object) => ({ jsonrpc: '2.0', id, method: 'tools/list', params });
const event = (id: unknown, text = 'a', before = '') =>
  Buffer.from(
    `event: message\n${before}data: {"result":{"tools":["${text}"]},"jsonrpc":"2.0","id":${JSON.stringify(id)}}\n\n`,
  );

function start() {
  const source = fakeSource(['a']);
  const lists = new PreparedLists(source);
  /** The text of a prepared answer. */
  const answer = (message: unknown, headers: object = HEADERS, revision = '2026-07-28') => {
    const parts = lists.find(message, { ...headers }, revision)?.prepared?.parts;
    return parts && Buffer.concat(parts).toString();
  };
  return { source, lists, answer };
}

describe('prepared lists', () => {
  it('answer a request like one that was answered, with its own ID', () => {
    const { lists, answer } = start();
    expect(answer(request(1))).toBeUndefined();
    lists.find(request(1), HEADERS, '2026-07-28')?.learn(SENT, event(1));
    for (const id of [1, 2, 'three "quotes"']) expect(answer(request(id))).toBe(event(id).toString());
    expect(lists.find(request(2), HEADERS, '2026-07-28')?.prepared?.headers).toEqual(SENT);
  });

  it('leave out the ID of an event, which only one client could use', () => {
    const { lists, answer } = start();
    lists.find(request(1), HEADERS, '2026-07-28')?.learn(SENT, event(1, 'a', 'id: stream/2\n'));
    expect(answer(request(2))).toBe(event(2).toString());
  });

  it('do not answer a request that differs in anything that is checked', () => {
    const { lists, answer } = start();
    lists.find(request(1), HEADERS, '2026-07-28')?.learn(SENT, event(1));
    expect(answer(request(2, { _meta: { progressToken: 2 } }))).toBeUndefined();
    expect(answer(request(2), { ...HEADERS, accept: 'text/html' })).toBeUndefined();
    expect(answer(request(2), { ...HEADERS, 'mcp-method': 'tools/call' })).toBeUndefined();
    expect(answer(request(2), { ...HEADERS, 'mcp-protocol-version': '1' })).toBeUndefined();
    expect(answer(request(2), HEADERS, '2025-11-25')).toBeUndefined();
    expect(answer({ ...request(2), more: 1 })).toBeUndefined();
    expect(answer(request(null))).toBeUndefined();
    expect(answer(request(2), { ...HEADERS, 'mcp-session-id': 'another' })).toBe(event(2).toString());
  });

  it('concern no other request, no further page and no list that has not arrived', () => {
    const { lists } = start();
    expect(lists.find({ ...request(1), method: 'tools/call' }, HEADERS)).toBeUndefined();
    expect(lists.find(request(1, { cursor: '' }), HEADERS)).toBeUndefined();
    expect(lists.find(request(1, { filler: 'x'.repeat(5000) }), HEADERS)).toBeUndefined();
    expect(new PreparedLists(fakeSource()).find(request(1), HEADERS)).toBeUndefined();
  });

  it('are forgotten when the list changes', () => {
    const { source, lists, answer } = start();
    const slow = lists.find(request(1), HEADERS, '2026-07-28');
    slow?.learn(SENT, event(1));
    source.publish(['b']);
    expect(answer(request(2))).toBeUndefined();
    slow?.learn(SENT, event(1));
    expect(answer(request(2))).toBeUndefined();
  });

  it.each([
    ['an error', 'event: message\ndata: {"error":{},"jsonrpc":"2.0","id":1}\n\n'],
    ['the answer to another request', event(7).toString()],
    ['a comment', ': keepalive\n\n'],
    ['the event that opens a stream', 'id: stream/1\ndata: \n\n'],
    ['a part of an answer', event(1).toString().slice(0, -3)],
  ])('are not made of %s', (_, text) => {
    const { lists, answer } = start();
    lists.find(request(1), HEADERS, '2026-07-28')?.learn(SENT, Buffer.from(text));
    expect(answer(request(1))).toBeUndefined();
  });

  it('of equal answers are in memory once, and of kinds without number not at all', () => {
    const { lists, answer } = start();
    const data = (token: number) =>
      lists.find(request(1, { token }), HEADERS, '2026-07-28')?.prepared?.parts[1];
    for (let token = 0; token < 101; token += 1)
      lists.find(request(1, { token }), HEADERS, '2026-07-28')?.learn(SENT, event(1));
    expect(data(0)).toBeUndefined();
    expect(answer(request(1, { token: 100 }))).toBe(event(1).toString());
    lists.find(request(1), HEADERS, '2026-07-28')?.learn(SENT, event(1));
    expect(lists.find(request(1), HEADERS, '2026-07-28')?.prepared?.parts[1]).toBe(data(100));
  });
});
