import * as fc from '../../../support/fast-check.ts';
import { expect, test } from 'vitest';
import { errorFromFrame as errorOf } from '../../../../src/dify/inner/invoker.ts';
import type { BridgeError } from '../../../../src/model/errors.ts';
import { objectOf, textOf } from '../../../../src/model/json.ts';
import type { ProviderType } from '../../../../src/model/tool.ts';
import { recordings, sharedIsPresent, sharedNote } from '../../../support/shared.ts';

/** An answer of that version, which knows no secrets. */
const dify = (version?: string) => ({ version, mask: (words: string) => words });

const PLUGIN = 'langgenius/google/google';

function errorFromFrame(
  text: string,
  answer = dify(),
  {
    type = 'builtin',
    id = PLUGIN,
    silentMs = 0,
  }: { type?: ProviderType; id?: string; silentMs?: number } = {},
): BridgeError {
  const target = { providerType: type, providerId: id, tool: 't', providerLabel: 'Google' };
  return errorOf(text, answer, { target, silentMs });
}

test.each([
  ['q is required in input form', 'The tool failed: q is required in input form'],
  [
    'Request failed with status code 422 and {"detail": "nope"}',
    'The tool failed: Request failed with status code 422 and {"detail": "nope"}',
  ],
  [
    'req_id: f00 PluginInvokeError: {"args": {}, "error_type": "ToolInvokeError", "message": "kaput"}',
    'The tool failed: kaput',
  ],
  [
    'PluginInvokeError: {"args":{},"error_type":"ToolInvokeError","message":"[Errno 111] Connection refused"}',
    'The tool failed: [Errno 111] Connection refused',
  ],
  [
    'PluginInvokeError: {"args":{},"error_type":"ToolInvokeError","message":"tool x not found"}',
    'The tool failed: tool x not found',
  ],
  [
    'req_id: f00 PluginDaemonInnerError: {"error_type":"ToolInvokeError","message":"{\\"error_type\\":\\"Exception\\",\\"message\\":\\"inner\\"}"}',
    'The tool failed: inner',
  ],
  ['PluginInvokeError: {"message":{"error":"from an object"}}', 'The tool failed: from an object'],
  [
    'PluginInvokeError: {"error_type":"KeyError","message":"{\\"status\\":5}"}',
    'The tool failed: KeyError: {"status":5}',
  ],
  [
    'req_id: f00 PluginInvokeError: {"args": {}, "message": "cut o',
    'The tool failed: PluginInvokeError: {"args": {}, "message": "cut o',
  ],
  ['PluginInvokeError: {"args":{}}', 'The tool failed: PluginInvokeError: {"args":{}}'],
  ['PluginInvokeError: {"error_type":"TimeoutError","message":""}', 'The tool failed: TimeoutError'],
])('%s', (text, message) => {
  const error = errorFromFrame(text, dify());
  expect(error.code).toBe('tool_failed');
  expect(error.message).toBe(message);
  expect(error.hint).toBeUndefined();
});

const NO_TEXT = 'PluginInvokeError: {"error_type":"","message":""}';

test.each([
  ['one of Dify', '', 'time'],
  ['a plugin', NO_TEXT, PLUGIN],
])('the tool of %s fails without words', (_, text, id) => {
  const error = errorFromFrame(text, dify(), { id });
  expect(error).toMatchObject({ code: 'tool_failed', message: 'The tool failed without saying why.' });
});

test.each(['', '   '])('an empty text, by which Dify says that a plugin is gone: %j', (text) => {
  const atOnce = errorFromFrame(text, dify(), { silentMs: 900 });
  expect(atOnce.message).toBe("The plugin or Dify's plugin daemon stopped in the middle of the call.");
  const late = errorFromFrame(text, dify(), { silentMs: 600_012 });
  expect(late.message).toBe(
    'The plugin died in the middle of the call: Dify heard nothing from it for 10 minutes.',
  );
  for (const { code, hint } of [atOnce, late]) {
    expect(code).toBe('stream_broken');
    expect(hint).toContain('may have taken effect');
  }
});

const UUID = '11111111-1111-4111-8111-111111111111';
const invoke = (type: string, message: string): string =>
  `req_id: f00 PluginInvokeError: ${JSON.stringify({ args: {}, error_type: type, message })}`;

test.each<[text: string, type: ProviderType, code: string, says: RegExp]>([
  // The plugin daemon starts, is down or fails.
  [
    'req_id: f00 PluginDaemonInternalServerError: no available node, plugin runtime not found',
    'builtin',
    'upstream_unavailable',
    /still starting the plugin.*did not run.*\nTry again in a moment/s,
  ],
  [
    'req_id: f00 PluginDaemonInternalServerError: no available node, plugin runtime not found',
    'workflow',
    'upstream_unavailable',
    /Try again in a moment/,
  ],
  [
    'Failed to request plugin daemon, url: plugin/x/dispatch',
    'builtin',
    'upstream_unavailable',
    /plugin daemon is down/,
  ],
  [
    'PluginDaemonInternalServerError: killed by timeout',
    'builtin',
    'tool_failed',
    /PLUGIN_MAX_EXECUTION_TIMEOUT/,
  ],
  ['PluginDaemonInternalServerError: boom', 'builtin', 'upstream_error', /plugin daemon failed.*boom/],
  [
    '{"code":0,"message":"success","data":{"type":"novelty","message":{}}}',
    'builtin',
    'tool_failed',
    /^The plugin sent a message that this Dify cannot read, so Dify ended the call\.\nDo not retry/,
  ],
  ['PluginDaemonUnauthorizedError: Unauthorized', 'builtin', 'upstream_error', /PLUGIN_DAEMON_KEY/],
  ['PluginRuntimeError: exit status 1', 'builtin', 'stream_broken', /may have taken effect/],
  // Other services of Dify.
  ['Error 111 connecting to redis:6379. Connection refused.', 'builtin', 'upstream_error', /reach its Redis/],
  [
    'Error -2 connecting to redis:6379. Name does not resolve.',
    'workflow',
    'upstream_error',
    /reach its Redis/,
  ],
  [
    'PluginDaemonInternalServerError: dial tcp 172.18.0.3:6379: connect: connection refused',
    'builtin',
    'upstream_error',
    /reach its Redis/,
  ],
  ['[Errno 111] Connection refused', 'builtin', 'upstream_error', /service that it needs/],
  [
    'Failed to execute code, which is likely a network issue, please check if the sandbox service is running.',
    'workflow',
    'upstream_error',
    /sandbox/,
  ],
  // Credentials.
  [
    invoke('ToolProviderCredentialValidationError', 'bad key'),
    'builtin',
    'provider_unauthorized',
    /^Google does not accept the credentials.*bad key\nDo not retry; tell the user to authorize Google in Dify again/s,
  ],
  [
    `no default provider for ${PLUGIN}`,
    'builtin',
    'provider_unauthorized',
    /^Google has no credentials in this Dify workspace, so this tool cannot run.\nDo not retry; tell the user to authorize Google in Dify \(Tools\)\.$/,
  ],
  [
    'Failed to get tool runtime: no default provider for acme/mail/mail',
    'workflow',
    'provider_unauthorized',
    /^acme\/mail\/mail has no credentials/,
  ],
  [
    `No credential is configured for tool provider ${PLUGIN}. Authorize the provider or select a credential.`,
    'builtin',
    'provider_unauthorized',
    /^Google has no credentials/,
  ],
  [
    `OAuth credential for tool provider ${PLUGIN} could not be refreshed. Reauthorize or select another credential.`,
    'builtin',
    'provider_unauthorized',
    /authorize Google in Dify again/,
  ],
  [`provider has been deleted: ${UUID}`, 'builtin', 'provider_unauthorized', /operator of the bridge/],
  [
    `Tool credential ${UUID} has been deleted. Select or authorize another credential.`,
    'builtin',
    'provider_unauthorized',
    /operator of the bridge/,
  ],
  [
    'Tool credential changed while refreshing. Retry the invocation.',
    'builtin',
    'upstream_unavailable',
    /Try again/,
  ],
  ['Request failed with status code 401 and {}', 'api', 'provider_unauthorized', /^The API Google does not/],
  [
    'Failed to connect to MCP server: 401 Unauthorized',
    'mcp',
    'provider_unauthorized',
    /^The MCP server Google/,
  ],
  [
    'Failed to connect to MCP server: refused',
    'mcp',
    'tool_failed',
    /cannot connect to the MCP server Google/,
  ],
  // Limits.
  [invoke('InvokeRateLimitError', 'slow down'), 'builtin', 'upstream_rate_limited', /slow down\nWait/],
  ['Request failed with status code 429 and {}', 'api', 'upstream_rate_limited', /Wait/],
  ['Model provider openai quota exceeded.', 'workflow', 'upstream_rate_limited', /Do not retry/],
  ['timed out', 'api', 'tool_failed', /API_TOOL_DEFAULT_READ_TIMEOUT/],
  ['[Errno 111] Connection refused', 'api', 'tool_failed', /server of the API is down/],
  ['Stopped by user.', 'workflow', 'tool_failed', /APP_MAX_EXECUTION_TIME/],
  [
    'Aborted: Maximum execution time exceeded: 8.12s > 3s',
    'workflow',
    'tool_failed',
    /longer than Dify allows/,
  ],
  // What is gone: a plugin only where there is one.
  ['PluginNotFoundError: plugin not found', 'builtin', 'tool_gone', /plugin is no longer installed/],
  ['Tool with name x not found', 'builtin', 'tool_gone', /no longer has the tool/],
  ['tool x not found', 'api', 'tool_gone', /^(?!.*plugin).*no longer has the tool/s],
  ['workflow not found or not published', 'workflow', 'tool_gone', /^(?!.*plugin).*no longer exists/s],
])('%s, of a tool of kind %s', (text, type, code, says) => {
  const id = type === 'builtin' ? PLUGIN : UUID;
  const error = errorFromFrame(text, dify(), { type, id });
  expect(error.code).toBe(code);
  expect(error.toText()).toMatch(says);
});

const IN_NODE = (type: string, details: string): string =>
  `An error occurred in the acme/mail/mail, please contact the author of acme/mail/mail for help, error type: ${type}, error details: ${details}`;

test.each<[text: string, type: ProviderType]>([
  ['Request failed with status code 404 and {"error":"session not found"}', 'api'],
  ['Request failed with status code 500 and Error 111 connecting to redis:6379.', 'api'],
  ['Request failed with status code 504 and upstream timeout', 'api'],
  ['Request failed with status code 422 and {"detail":"no default provider for region"}', 'api'],
  ['Failed to invoke tool: no default provider for x, timeout, 401', 'mcp'],
  ['session not found', 'workflow'],
  ['OperationalError: my own', 'workflow'],
])('the words of others stay theirs: %s', (text, type) => {
  const error = errorFromFrame(text, dify(), { type, id: UUID });
  expect(error).toMatchObject({ code: 'tool_failed', message: `The tool failed: ${text}` });
});

test.each<[text: string, code: string, says: RegExp]>([
  [
    IN_NODE('Exception', 'nap failed on purpose'),
    'tool_failed',
    /^The tool failed: An error occurred in the acme/,
  ],
  [IN_NODE('Exception', 'tool x not found, rate limit?'), 'tool_failed', /^The tool failed: /],
  [
    IN_NODE('ToolProviderCredentialValidationError', 'bad key'),
    'provider_unauthorized',
    /^acme\/mail\/mail does not accept the credentials/,
  ],
])('a plugin that fails in a node of a workflow: %s', (text, code, says) => {
  const error = errorFromFrame(text, dify(), { type: 'workflow', id: UUID });
  expect(error.code).toBe(code);
  expect(error.toText()).toMatch(says);
});

test.skipIf(!sharedIsPresent).each([
  ['run-unauthorised', 'provider_unauthorized', /^langgenius\/google\/google has no credentials/],
  ['run-plugin-error', 'tool_failed', /nap failed on purpose$/],
  ['run-bad-type', 'tool_failed', /invalid literal for int\(\)/],
] as const)(`a node fails in a workflow as recorded in %s${sharedNote}`, (name, code, says) => {
  const [entry] = recordings('account', '1.16.1').filter((each) => each.name === `account/${name}`);
  const text = textOf(objectOf(entry?.response.json)['error']) ?? '';
  const error = errorFromFrame(text, dify('1.16.1'), { type: 'workflow', id: UUID });
  expect(error.code).toBe(code);
  expect(error.message).toMatch(says);
});

test('Dify 1.4.1 runs workflow tools only with the admin key', () => {
  const text = '401 Unauthorized: Invalid Authorization token.';
  const error = errorFromFrame(text, dify('1.4.1'), { type: 'workflow', id: UUID });
  expect(error.code).toBe('upstream_unauthorized');
  expect(error.hint).toContain('DIFY_ADMIN_API_KEY');
  expect(errorFromFrame(text, dify('1.4.2'), { type: 'workflow', id: UUID }).code).toBe('tool_failed');
});

test('wrappers are opened so far and no further', () => {
  let text = 'core';
  for (let depth = 0; depth < 10; depth += 1)
    text = `PluginInvokeError: ${JSON.stringify({ message: text })}`;
  const { message } = errorFromFrame(text, dify());
  expect(message).toContain('core');
  expect(message).toContain('PluginInvokeError');
});

test('a long text is cut', () => {
  const { message } = errorFromFrame('😀'.repeat(5000), dify());
  expect(message.length).toBeLessThan(4100);
  expect(message.endsWith('😀…')).toBe(true);
});

test('the error of Dify 1.12 with files of workflows is named, in that version only', () => {
  const text = '1 validation error for FileMessage … missing file_marker …';
  expect(errorFromFrame(text, dify('1.12.1')).hint).toContain('1.13');
  expect(errorFromFrame(text, dify('1.13.0')).hint).toBeUndefined();
  expect(errorFromFrame('file is missing', dify('1.12.1')).hint).toBeUndefined();
});

test('any text makes an error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(errorFromFrame(`PluginInvokeError: ${text}`).code).toBe('tool_failed');
    }),
  );
});
