import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as fc from '../../support/fast-check.ts';
import { type RunningHost, runHost } from '../../support/http-host.ts';
import { callRequest, modernRequest, openRawSession, raw } from '../../support/raw-http.ts';

/** What a host answers to requests of any shape: never 500, which would be a fault of the bridge. */
const STATUSES = [200, 202, 400, 403, 404, 405, 406, 413, 415, 429, 503];

const METHODS = [
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/read',
  'logging/setLevel',
  'server/discover',
  'subscriptions/listen',
  'notifications/cancelled',
  'notifications/initialized',
  'nothing/here',
];

const json = fc.jsonValue({ maxDepth: 4 });
const text = fc.oneof(
  fc.string({ unit: fc.character, maxLength: 200 }),
  fc.constantFrom('', '{', '[]', '[{}]'),
);
const message = fc.record(
  {
    jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, { weight: 1, arbitrary: json }),
    id: fc.oneof(fc.integer(), fc.string({ maxLength: 20 }), json),
    method: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...METHODS) }, { weight: 1, arbitrary: json }),
    params: fc.oneof(
      json,
      fc.record(
        {
          name: fc.oneof(fc.constantFrom('echo', 'fail'), json),
          arguments: json,
          _meta: json,
          cursor: json,
          uri: json,
        },
        { requiredKeys: [] },
      ),
    ),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(text, json, message, fc.array(message, { maxLength: 4 }));
const headerText = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });
const headers = fc.record(
  {
    'mcp-protocol-version': fc.oneof(fc.constantFrom('2026-07-28', '2025-11-25', '2025-03-26'), headerText),
    'mcp-method': fc.oneof(fc.constantFrom(...METHODS), headerText),
    'mcp-name': headerText,
    accept: fc.oneof(fc.constantFrom('*/*', 'application/json', 'text/event-stream'), headerText),
    'content-type': fc.oneof(
      { weight: 5, arbitrary: fc.constant('application/json; charset=utf-8') },
      { weight: 1, arbitrary: headerText },
    ),
  },
  { requiredKeys: [] },
);

/** A listening stream ends only with its client, so it has no whole answer. */
const listens = (sent: unknown): boolean => (JSON.stringify(sent) ?? '').includes('subscriptions/listen');

describe('a request of any shape', () => {
  let host: RunningHost;
  let session: Record<string, string>;
  beforeAll(async () => {
    host = await runHost();
    session = await openRawSession(host.port);
  });
  afterAll(() => host[Symbol.asyncDispose]());

  it('is answered without a fault of the bridge, which then serves the next one', async () => {
    await fc.assert(
      fc.asyncProperty(body, headers, fc.boolean(), async (sent, given, inSession) => {
        fc.pre(!listens(sent) && !listens(given));
        const answer = await raw(host.port, {
          headers: { ...(inSession ? session : {}), ...given },
          body: sent === undefined ? '' : sent,
        });
        expect(STATUSES).toContain(answer.status);
        expect(answer.text).not.toMatch(/unexpectedly|-32603|\bat .*\.[jt]s:\d/);
        for (const { error, result, method } of answer.messages) {
          expect(error ?? result ?? method).toBeDefined();
        }
      }),
      { numRuns: fc.runs(300) },
    );
    const [legacy, modern] = [
      await raw(host.port, { headers: session, body: callRequest('echo') }),
      await raw(host.port, modernRequest('tools/call', { name: 'echo', arguments: {} })),
    ];
    expect([legacy.status, modern.status]).toEqual([200, 200]);
  });
});
