import { afterEach, describe, expect, test } from 'vitest';
import { errorFromAnswer } from '../../../../src/dify/wire/answer-errors.ts';
import type { BridgeError } from '../../../../src/model/errors.ts';
import { bodyOf, recordings, sharedNote } from '../../../support/shared.ts';
import { idleSignal, type Loopback, loopback } from '../../../support/dify-wire.ts';

const PATH = '/inner/api/invoke/tool';
const PAGE = '<!doctype html><html><body>hello</body></html>';

let server: Loopback | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** The error of an answer that a real server gave. */
async function errorOfAnswer(
  status: number,
  body: string | Uint8Array,
  headers: Record<string, string>,
): Promise<BridgeError> {
  server = await loopback((_request, response) => response.writeHead(status, headers).end(body));
  const answer = await server.http.send({ method: 'POST', path: PATH, body: {}, signal: idleSignal() });
  return errorFromAnswer(answer);
}

const dify = { 'content-type': 'application/json', 'x-version': '1.12.1' };
const page = { 'content-type': 'text/html; charset=utf-8' };

function json(status: number, code: string, message: string): string {
  return JSON.stringify({ code, message, status });
}

test.each<[string, number, string, Record<string, string>, string, string]>([
  [
    'a body that is not valid',
    400,
    json(400, 'invalid_param', 'x is wrong'),
    dify,
    'upstream_rejected',
    'Dify said: x is wrong',
  ],
  [
    'a plugin that failed before it ran',
    400,
    json(
      400,
      'invalid_param',
      'req_id: f00 PluginInvokeError: {"error_type":"Exception","message":"no key"}',
    ),
    dify,
    'upstream_rejected',
    'Dify said: no key',
  ],
  ['a refusal without words', 400, '{}', dify, 'upstream_rejected', 'before running the tool.'],
  [
    'a wrong key',
    404,
    json(404, 'not_found', 'The requested URL was not found'),
    dify,
    'upstream_unauthorized',
    'inner API key',
  ],
  ['another 404', 404, json(404, 'other', 'gone'), dify, 'upstream_error', 'Dify said: gone'],
  ['no installation', 401, json(401, 'not_setup', 'no'), dify, 'upstream_not_ready', 'not set up'],
  [
    'no validated installation',
    401,
    json(401, 'not_init_validated', 'no'),
    dify,
    'upstream_not_ready',
    'not set up',
  ],
  ['another 401', 401, json(401, 'unauthorized', 'no'), dify, 'upstream_unauthorized', 'Dify said: no'],
  ['a 403', 403, json(403, 'forbidden', 'no'), dify, 'upstream_unauthorized', 'status 403'],
  [
    'an internal error',
    500,
    json(500, 'unknown', 'Internal Server Error'),
    dify,
    'upstream_error',
    'status 500',
  ],
  [
    'an internal error as a page',
    500,
    PAGE,
    { ...page, 'x-version': '1.12.1' },
    'upstream_error',
    'status 500',
  ],
  ['a gateway', 502, PAGE, page, 'upstream_unreachable', 'status 502'],
  ['a gateway that waits', 503, '', {}, 'upstream_unreachable', 'status 503'],
  ['a gateway that waited', 504, PAGE, page, 'upstream_unreachable', 'status 504'],
  ['a page of nginx', 404, PAGE, page, 'upstream_wrong_address', 'web page'],
  ['a page of the web app', 200, PAGE, page, 'upstream_wrong_address', 'web page'],
  ['a page that is not declared', 200, PAGE, {}, 'upstream_wrong_address', 'web page'],
  [
    "a page of Dify's router",
    404,
    PAGE,
    { ...page, 'x-version': '1.12.1' },
    'upstream_wrong_address',
    'Dify 1.12.1 does not know',
  ],
  [
    'the plugin daemon',
    404,
    '404 page not found',
    { 'content-type': 'text/plain' },
    'upstream_wrong_address',
    'does not know the path',
  ],
  [
    'a proxy that asks for a login',
    401,
    'Unauthorized',
    { 'content-type': 'text/plain' },
    'upstream_unauthorized',
    'A server in front of Dify refused access',
  ],
  [
    'a proxy that says the same as JSON',
    401,
    json(401, 'unauthorized', 'no'),
    { 'content-type': 'application/json' },
    'upstream_unauthorized',
    'A server in front of Dify refused access',
  ],
  ['a body too large for a proxy', 413, PAGE, page, 'upstream_rejected', '413'],
  ['a status of its own', 418, json(418, 'teapot', 'short'), dify, 'upstream_error', 'status 418'],
  ['no JSON', 500, 'oops', { 'content-type': 'text/plain' }, 'upstream_error', 'not JSON'],
])('%s', async (_name, status, body, headers, code, part) => {
  const error = await errorOfAnswer(status, body, headers);
  expect(error.code).toBe(code);
  expect(error.message).toContain(part);
  expect(error.upstream).toEqual({ status, path: PATH });
});

describe('what a person needs to go on', () => {
  test('the key by the names it has in Dify', async () => {
    const { hint } = await errorOfAnswer(404, json(404, 'not_found', 'x'), dify);
    for (const name of ['DIFY_INNER_API_KEY', 'PLUGIN_DIFY_INNER_API_KEY', 'INNER_API_KEY_FOR_PLUGIN']) {
      expect(hint).toContain(name);
    }
  });

  test('the right kind of address', async () => {
    expect((await errorOfAnswer(200, PAGE, page)).hint).toContain('http://api:5001');
  });

  test('where a redirect leads, without its path', async () => {
    const headers = { location: 'https://login.example.com/start?token=fake' };
    const error = await errorOfAnswer(302, '', headers);
    expect(error.code).toBe('upstream_wrong_address');
    expect(error.message).toContain('https://login.example.com (');
    expect(error.toText()).not.toContain('token');
    await server?.close();
    expect((await errorOfAnswer(308, '', { location: '/signin' })).message).toContain('another path');
  });

  test('how long to wait', async () => {
    const limited = await errorOfAnswer(429, json(429, 'too_many', 'slow'), { ...dify, 'retry-after': '17' });
    expect(limited.code).toBe('upstream_rate_limited');
    expect(limited.hint).toContain('17 s');
    await server?.close();
    const date = new Date(Date.now() + 60_000).toUTCString();
    expect((await errorOfAnswer(429, '', { 'retry-after': date })).hint).toMatch(/Wait (?:59|60) s/);
    await server?.close();
    expect((await errorOfAnswer(429, PAGE, page)).hint).toContain('a while');
  });

  test("Dify's words end after a thousand characters", async () => {
    const { message } = await errorOfAnswer(400, json(400, 'invalid_param', 'x'.repeat(5000)), dify);
    expect(message.length).toBeLessThan(1100);
    expect(message.endsWith('x…')).toBe(true);
  });
});

test(`every recorded refusal has its code${sharedNote}`, async () => {
  const byStatus: Record<number, string> = {
    400: 'upstream_rejected',
    404: 'upstream_unauthorized',
    500: 'upstream_error',
  };
  for (const entry of recordings('invoke-error')) {
    const { status, headers } = entry.response;
    const error = await errorOfAnswer(status, bodyOf(entry), {
      'content-type': String(headers['content-type']),
      'x-version': String(headers['x-version']),
    });
    const outcome = { name: entry.name, code: error.code, hint: typeof error.hint };
    expect(outcome).toEqual({ name: entry.name, code: byStatus[status], hint: 'string' });
    await server?.close();
  }
});
