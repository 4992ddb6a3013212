import { afterEach, describe, expect, test } from 'vitest';
import { errorFromAnswer } from '../../../../src/dify/wire/answer-errors.ts';
import type { CallTarget } from '../../../../src/dify/wire/failures.ts';
import type { BridgeError } from '../../../../src/model/errors.ts';
import { objectOf, textOf } from '../../../../src/model/json.ts';
import { bodyOf, everyRecording, sharedIsPresent, sharedNote } from '../../../support/shared.ts';
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
  target?: CallTarget,
): Promise<BridgeError> {
  server = await loopback((_request, response) => response.writeHead(status, headers).end(body));
  const answer = await server.http.send({ method: 'POST', path: PATH, body: {}, signal: idleSignal() });
  return errorFromAnswer(answer, target);
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
])('the error of an answer says what to do: %s', async (_name, status, body, headers, code, part) => {
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

/** Codes of recorded refusals that do not follow from the status. */
const KNOWN_REFUSALS: Record<string, string> = {
  'api-provider-unknown': 'tool_gone',
  'api-tool-unknown': 'tool_gone',
  'mcp-unknown': 'tool_gone',
  'plugin-tool-unknown': 'tool_gone',
  'unknown-hardcoded-tool': 'tool_gone',
  'workflow-unknown': 'tool_gone',
  'credential-unknown': 'provider_unauthorized',
  'provider-unauthorised': 'provider_unauthorized',
  'unknown-tenant': 'upstream_unauthorized',
  'user-not-uuid': 'upstream_unauthorized',
};

test.skipIf(!sharedIsPresent).each(everyRecording('invoke-error'))(
  `the refusal $name recorded from $of has its code${sharedNote}`,
  async (entry) => {
    const byStatus: Record<number, string> = {
      400: 'upstream_rejected',
      404: 'upstream_unauthorized',
      500: 'upstream_error',
    };
    const { status, headers } = entry.response;
    const { tool_type: providerType, provider, tool } = objectOf(entry.request.body);
    const target = {
      providerType: (providerType ?? 'builtin') as CallTarget['providerType'],
      providerId: textOf(provider) ?? '',
      tool: textOf(tool) ?? '',
    };
    const wire = { 'content-type': String(headers['content-type']), 'x-version': entry.dify_version };
    const error = await errorOfAnswer(status, bodyOf(entry), wire, target);
    const name = entry.name.split('/')[1] ?? '';
    expect(error.code).toBe(KNOWN_REFUSALS[name] ?? byStatus[status]);
    expect(error.hint).toEqual(expect.any(String));
    // A plugin is spoken of only where there is one.
    const isOfPlugin = target.providerType === 'builtin' && target.providerId.includes('/');
    expect(isOfPlugin || error.hint?.includes('plugin') !== true).toBe(true);
  },
);

describe('an internal error says what it may mean', () => {
  const body = json(500, 'unknown', 'Internal Server Error');
  const cases: [string, CallTarget['providerType'], string, RegExp][] = [
    ['a plugin', 'builtin', 'acme/kit/kit', /plugin is no longer installed/],
    ['one of Dify', 'builtin', 'time', /^See the log/],
    ['an API', 'api', 'by name', /by its ID/],
    ['a workflow', 'workflow', 'by name', /by its ID/],
    ['an MCP server', 'mcp', 'desk', /^See the log/],
  ];
  test.each(cases)('for a tool of %s', async (_name, providerType, providerId, hint) => {
    const error = await errorOfAnswer(500, body, dify, { providerType, providerId, tool: 't' });
    expect(error.code).toBe('upstream_error');
    expect(error.hint).toMatch(hint);
  });
});

test('the known texts count in an answer as in a frame', async () => {
  const target: CallTarget = {
    providerType: 'builtin',
    providerId: 'a/b/c',
    tool: 't',
    providerLabel: 'Google',
  };
  const said = (message: string) => errorOfAnswer(400, json(400, 'invalid_param', message), dify, target);
  expect((await said('no default provider for a/b/c')).message).toMatch(/^Google has no credentials/);
  await server?.close();
  expect((await said('Failed to request plugin daemon, url: x')).code).toBe('upstream_unavailable');
});
