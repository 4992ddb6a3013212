import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Incoming } from '../../../src/mcp/incoming.ts';
import { PreparedLists } from '../../../src/http/prepared-lists.ts';
import { fakeSource } from '../../support/fake-bridge.ts';

const HEADERS = { accept: 'application/json, text/event-stream', 'mcp-method': 'tools/list' };
const REVISION = '2026-07-28';

const request = (id: unknown, params?: object) => ({ jsonrpc: '2.0', id, method: 'tools/list', params });
const answerTo = (id: unknown, text = 'a') =>
  Buffer.from(`{"result":{"tools":["${text}"]},"jsonrpc":"2.0","id":${JSON.stringify(id)}}`);

function start(source = fakeSource(['a'])) {
  const lists = new PreparedLists(source);
  const find = (message: unknown, headers: object = HEADERS, revision = REVISION) =>
    lists.find({ headers } as IncomingMessage, message as Incoming, revision, 'brief');
  /** The prepared answer to a request, with its headers. */
  const sent = (...args: Parameters<typeof find>) => {
    const written: Uint8Array[] = [];
    let headers: unknown;
    const res = {
      writeHead: (_status: number, given: unknown) => void (headers = given),
      write: (part: Uint8Array) => void written.push(part),
      end: (part: Uint8Array) => void written.push(part),
    };
    const isSent = find(...args)?.send(res as unknown as ServerResponse, 'session-1') === true;
    return isSent ? { text: Buffer.concat(written).toString(), headers } : undefined;
  };
  return { source, lists, find, sent };
}

describe('prepared lists', () => {
  it('answer a request like one that was answered, with its own ID and session', () => {
    const { find, sent } = start();
    expect(sent(request(1))).toBeUndefined();
    find(request(1))?.learn(answerTo(1));
    for (const id of [1, 2, 'three "quotes"']) expect(sent(request(id))?.text).toBe(answerTo(id).toString());
    expect(sent(request(2))?.headers).toMatchObject({
      'Content-Type': 'application/json',
      'Content-Length': answerTo(2).length,
      'Mcp-Session-Id': 'session-1',
    });
  });

  it('do not answer a request that differs in anything that is checked', () => {
    const { find, sent } = start();
    find(request(1))?.learn(answerTo(1));
    expect(sent(request(2, { _meta: { trace: 2 } }))).toBeUndefined();
    expect(sent(request(2), { ...HEADERS, accept: 'text/html' })).toBeUndefined();
    expect(sent(request(2), { ...HEADERS, 'mcp-method': 'tools/call' })).toBeUndefined();
    expect(sent(request(2), { ...HEADERS, 'mcp-protocol-version': '1' })).toBeUndefined();
    expect(sent(request(2), HEADERS, '2025-11-25')).toBeUndefined();
    expect(sent({ ...request(2), more: 1 })).toBeUndefined();
    expect(sent(request(2), { ...HEADERS, 'mcp-session-id': 'another' })?.text).toBe(answerTo(2).toString());
  });

  it('are for no other request, no further page, no stream and no list that has not arrived', () => {
    const { find, lists } = start();
    expect(find({ ...request(1), method: 'tools/call' })).toBeUndefined();
    expect(find(request(1, { cursor: '' }))).toBeUndefined();
    expect(find(request(1, { filler: 'x'.repeat(5000) }))).toBeUndefined();
    expect(
      lists.find(
        { headers: HEADERS } as unknown as IncomingMessage,
        request(1) as Incoming,
        REVISION,
        'stream',
      ),
    ).toBeUndefined();
    expect(start(fakeSource()).find(request(1))).toBeUndefined();
  });

  it('are forgotten when the list changes', () => {
    const { source, find, sent } = start();
    const slow = find(request(1));
    slow?.learn(answerTo(1));
    source.publish(['b']);
    expect(sent(request(2))).toBeUndefined();
    slow?.learn(answerTo(1));
    expect(sent(request(2))).toBeUndefined();
  });

  it.each([
    ['an error', '{"error":{},"jsonrpc":"2.0","id":1}'],
    ['the answer to another request', answerTo(7).toString()],
    ['a part of an answer', answerTo(1).toString().slice(0, -3)],
  ])('are not made of %s', (_, text) => {
    const { find, sent } = start();
    find(request(1))?.learn(Buffer.from(text));
    expect(sent(request(1))).toBeUndefined();
  });

  it('have a limit on the kinds of requests', () => {
    const { find, sent } = start();
    for (let kind = 0; kind < 101; kind += 1) find(request(1, { kind }))?.learn(answerTo(1));
    expect(sent(request(1, { kind: 0 }))).toBeUndefined();
    expect(sent(request(1, { kind: 100 }))?.text).toBe(answerTo(1).toString());
  });
});
