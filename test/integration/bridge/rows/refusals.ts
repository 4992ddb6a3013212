import { jsonAnswer } from '../../../support/scripted-dify.ts';
import { refused, type Row } from './row.ts';

const PYDANTIC =
  '1 validation error for TenantUserPayload\ntenant_id\n  Field required [type=missing, input_value={}, input_type=dict]';
const NO_ROUTE =
  'The requested URL was not found on the server. You have requested this URI [/inner/api/invoke/tool] but did you mean /inner/api/invoke/tool ?';
const PROVIDER = '9c0de1aa-1111-4222-8333-444455556666';

/** Dify's 400 with what it says; the bridge passes its words on as Dify's. */
function invalid(title: string, message: string, tool?: Row['tool']): Row {
  return {
    title,
    ...(tool && { tool }),
    answer: refused(400, 'invalid_param', message),
    expected: {
      says: [
        'Dify refused the call before running the tool.',
        `Dify said: ${message}`,
        'Check the arguments. If they are right, tell the user to check the settings of the tool and its provider in Dify.',
      ],
    },
  };
}

/** Dify's 400 with words that the bridge knows. */
function known(title: string, message: string, says: readonly string[], tool?: Row['tool']): Row {
  return { title, ...(tool && { tool }), answer: refused(400, 'invalid_param', message), expected: { says } };
}

const gone = (title: string, message: string, tool?: Row['tool']): Row =>
  known(
    title,
    message,
    ['no longer', `Dify said: ${message}`, 'Do not retry. The bridge is refreshing'],
    tool,
  );

const SETTING = [
  'The tool needs a setting',
  'tell the user that the operator of the bridge must set the parameter in a preset',
];

/** 500 without a reason; what is likely is named. */
function internal(title: string, likely: string, tool?: Row['tool']): Row {
  return {
    title,
    ...(tool && { tool }),
    answer: jsonAnswer({ message: 'Internal Server Error', code: 'unknown', status: 500 }, 500),
    expected: {
      says: ['internal error (status 500)', 'Dify said: Internal Server Error', likely],
    },
  };
}

function notReady(code: string): Row {
  return {
    title: `Dify is not installed yet (${code})`,
    answer: refused(401, code, 'Dify has not been initialized and installed yet.'),
    expected: { says: ['Dify is not set up yet.', 'finish its installation'] },
  };
}

/** What Dify answers instead of a stream: the rows of its inner API, in the order of its checks. */
export const REFUSALS: readonly Row[] = [
  invalid('a body that Dify cannot read', PYDANTIC),
  known('no workspace', 'tenant_id is required', ['operator of the bridge must correct DIFY_WORKSPACE_ID']),
  known('an unknown workspace', 'tenant not found', [
    'operator of the bridge must correct DIFY_WORKSPACE_ID',
  ]),
  known('a user that is no UUID', 'user not found', ['operator of the bridge must correct dify.userId']),
  notReady('not_setup'),
  notReady('not_init_validated'),
  {
    title: 'a missing or wrong key',
    answer: refused(404, 'not_found', NO_ROUTE),
    expected: {
      says: ['Dify does not accept the inner API key', 'DIFY_INNER_API_KEY must be'],
    },
  },
  invalid('an unknown type of tool', 'invalid payload: 1 validation error for RequestInvokeTool\ntool_type'),
  {
    title: 'an empty provider',
    answer: refused(404, 'not_found', `plugin not found, please add plugin. ${NO_ROUTE}`),
    expected: { says: ["The tool's plugin is no longer installed"] },
  },
  invalid('a malformed provider', 'Invalid plugin id a b c'),
  internal('a plugin that is not installed', "the tool's plugin is no longer installed"),
  gone('a plugin that a fork looks for', 'plugin provider acme/kit/kit not found after retries: 3'),
  known(
    'a plugin daemon that is down',
    'Failed to request plugin daemon, url: plugin/7d0c3c8e/management/tool',
    ["Dify's plugin daemon is down", 'Try again in a moment'],
  ),
  gone('an unknown hard-coded tool', 'builtin tool now not found', 'hardcoded'),
  gone('an unknown tool of a plugin', 'Tool with name run not found'),
  gone('an unknown tool of an MCP server', 'Tool with name mixed not found', 'mcp'),
  gone('an unknown operation', 'tool getPet not found', 'api'),
  gone('an unknown api provider', `api provider ${PROVIDER} not found`, 'api'),
  gone('an unknown workflow', `workflow provider ${PROVIDER} not found`, 'workflow'),
  internal('an api provider that is no UUID', 'does not name its provider by its ID', 'api'),
  internal('a workflow provider that is no UUID', 'does not name its provider by its ID', 'workflow'),
  gone('an unknown MCP server', 'mcp provider my-server not found', 'mcp'),
  gone('a workflow whose app was deleted', 'app not found', 'workflow'),
  gone('a workflow whose version is gone', 'workflow not found', 'workflow'),
  {
    title: 'a provider without credentials',
    tool: 'keyed',
    answer: refused(400, 'invalid_param', 'no default provider for acme/keyed/keyed'),
    expected: {
      says: [
        'Keyed has no credentials in this Dify workspace, so this tool cannot run.',
        'Do not retry; tell the user to authorize Keyed in Dify (Tools).',
      ],
    },
  },
  known('a provider that lost its credentials', 'no default provider for acme/kit/kit', [
    'has no credentials in this Dify workspace, so this tool cannot run.',
    'Do not retry; tell the user to authorize',
  ]),
  known('an unknown credential', 'provider has been deleted: 13ddf478-7e42-44aa-9b04-6d2e76a16c56', [
    'was deleted in Dify',
    'tell the user that the operator of the bridge must correct the credential',
  ]),
  known('a required form parameter that is missing', 'tool parameter key not found in tool config', SETTING),
  known(
    'a choice that a form does not have',
    "tool parameter sel value zzz not in options ['a', 'b']",
    SETTING,
  ),
  invalid('a value that cannot be cast', "invalid literal for int() with base 10: 'abc'"),
  invalid(
    'several files for one',
    'This parameter only accepts one file but got multiple files while invoking.',
  ),
  known('a selector left out', 'The selector must be a dictionary.', SETTING),
];

const page = '<!doctype html>\n<title>Dify</title>';

/** What a server in front of Dify answers, or another server in its place. */
export const STRANGERS: readonly Row[] = [
  {
    title: 'the web app at the address',
    answer: { headers: { 'content-type': 'text/html' }, body: page },
    expected: { says: ["a web page instead of Dify's API", 'Set DIFY_API_URL'] },
  },
  {
    title: 'a 404 page of a proxy',
    answer: { status: 404, headers: { 'content-type': 'text/html' }, body: page },
    expected: { says: ['a web page', 'Set DIFY_API_URL'] },
  },
  {
    title: "a 404 page of Dify's router",
    answer: { status: 404, headers: { 'content-type': 'text/html', 'x-version': '0.15.3' }, body: page },
    expected: { says: ['Dify 0.15.3 does not know the path /inner/api/invoke/tool', 'Set DIFY_API_URL'] },
  },
  ...[502, 503].map((status) => ({
    title: `a gateway that answers ${status}`,
    answer: { status, headers: { 'content-type': 'text/html' }, body: page },
    expected: {
      says: [
        `with status ${status}`,
        "it cannot reach Dify's api service",
        'Check that the api',
        // A service that ended during the call leaves a 502 too.
        ...(status === 502 ? ['The tool may have taken effect'] : []),
      ],
    },
  })),
  {
    title: 'a gateway that waited in vain: the tool may run',
    answer: { status: 504, headers: { 'content-type': 'text/html' }, body: page },
    expected: {
      says: [
        '(status 504)',
        'stopped waiting',
        'may still be running in Dify: check there before calling again',
      ],
    },
  },
  {
    title: 'a request to slow down',
    answer: { ...jsonAnswer({}, 429), headers: { 'retry-after': '7' } },
    expected: { says: ['received too many requests', 'Wait 7 s'] },
  },
  {
    title: 'a body that a proxy finds too large',
    answer: { status: 413, headers: { 'content-type': 'text/html' }, body: page },
    expected: { says: ['larger than a server in front of Dify accepts', 'Send less'] },
  },
  {
    title: 'a redirect',
    answer: { status: 301, headers: { location: 'https://dify.test/inner/api/invoke/tool' } },
    expected: { says: ['redirects /inner/api/invoke/tool to https://dify.test', 'Set DIFY_API_URL'] },
  },
  {
    title: 'a proxy that wants a login',
    answer: { status: 401, body: 'no' },
    expected: { says: ['A server in front of Dify', 'Set DIFY_API_URL'] },
  },
  {
    title: 'a connection that breaks before the answer: the tool may have run',
    answer: { chunks: [], ending: 'reset' },
    expected: {
      says: ['Dify cannot be reached', 'the connection was closed', 'unknown: check before repeating it'],
    },
  },
];
