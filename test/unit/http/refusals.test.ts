import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Refusals } from '../../../src/http/refusals.ts';
import { initializeRequest, raw } from '../../support/raw-http.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { runHost } from '../../support/http-host.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

it('logs the first refusal of a reason at once and the others together, once a minute', () => {
  const logger = recordingLogger();
  const refusals = new Refusals(logger);
  const lines = () => logger.lines.splice(0).map(({ fields }) => [fields?.['reason'], fields?.['refused']]);
  refusals.add('unauthorized', 'No token.', { address: '192.0.2.1' });
  refusals.add('unauthorized', 'No token.', { address: '192.0.2.2' });
  refusals.add('unauthorized', 'No token.', { address: '192.0.2.3' });
  refusals.add('overloaded', 'Full.', { address: '192.0.2.1' });
  expect(lines()).toEqual([
    ['unauthorized', 1],
    ['overloaded', 1],
  ]);
  vi.advanceTimersByTime(59_999);
  expect(lines()).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(logger.lines).toEqual([
    {
      level: 'warn',
      message: 'Requests were refused',
      fields: { reason: 'unauthorized', detail: 'No token.', address: '192.0.2.3', refused: 2 },
    },
  ]);
  expect(lines()).toHaveLength(1);
  vi.advanceTimersByTime(60_000);
  refusals.add('unauthorized', 'No token.', { address: '192.0.2.4' });
  expect(lines()).toEqual([['unauthorized', 1]]);
  refusals.add('unauthorized', 'No token.', { address: '192.0.2.4' });
  refusals.end();
  expect(lines()).toEqual([['unauthorized', 1]]);
  expect(vi.getTimerCount()).toBe(0);
});

it('logs what a host refuses: by token, place and session, with the address and what a proxy says', async () => {
  vi.useRealTimers();
  const logger = recordingLogger();
  const token = 'fake-token';
  const running = await runHost({ token, logger });
  const { port } = running;
  const headers = { Authorization: `Bearer ${token}` };
  const body = initializeRequest();
  await raw(port, { headers: { 'X-Forwarded-For': '203.0.113.7\tx' }, body });
  await raw(port, { body });
  await raw(port, { headers: { ...headers, Host: 'elsewhere.example:bad' }, body });
  await raw(port, { headers: { ...headers, 'Mcp-Session-Id': 'gone' }, body });
  // A wrong message is a mistake of a program, which the log reports only at level debug.
  await raw(port, { headers, body: {} });
  await running.host.close(0);
  const lines = logger.lines.filter(({ message }) => message === 'Requests were refused');
  const [address, forwardedFor] = ['127.0.0.1', undefined];
  expect(lines.map(({ fields: { detail: _detail, ...fields } = {} }) => fields)).toEqual([
    { reason: 'unauthorized', address, forwardedFor: '203.0.113.7\\tx', refused: 1 },
    { reason: 'forbidden', address, forwardedFor, refused: 1 },
    { reason: 'session_not_found', address, forwardedFor, refused: 1 },
    { reason: 'unauthorized', address, forwardedFor, refused: 1 },
  ]);
  expect(JSON.stringify(lines)).not.toContain(token);
});
