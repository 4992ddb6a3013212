/** How one error code reaches a model, an HTTP client and a shell. */
export interface ErrorRule {
  /** `result`: `isError` in a tools/call result, which the model reads. `protocol`: a JSON-RPC error. */
  readonly mcp: 'result' | 'protocol';
  /** JSON-RPC code if the error is not a tools/call result. */
  readonly rpc: number;
  /** HTTP status if the error ends a request before any MCP answer; errors inside an MCP answer have status 200. */
  readonly http: number;
  /** Exit code of the command line. */
  readonly exit: number;
  /** What the error means and how to fix it. `docs/errors.md` is generated from it. */
  readonly meaning: string;
}

type Defaults = Omit<ErrorRule, 'meaning'>;

const CALL: Defaults = { mcp: 'result', rpc: -32603, http: 200, exit: 1 };
const REQUEST: Defaults = { mcp: 'protocol', rpc: -32600, http: 400, exit: 1 };

/** Returns a function that makes rules with these defaults. */
function rulesOf(defaults: Defaults) {
  return (meaning: string, other: Partial<Defaults> = {}): ErrorRule => ({ ...defaults, ...other, meaning });
}

/** Errors that a model reads as the result of its call. */
const call = rulesOf(CALL);
/** Errors in the arguments of a call. */
const argument = rulesOf({ ...CALL, rpc: -32602, exit: 2 });
/** Errors that end a client's request or a command. */
const request = rulesOf(REQUEST);
/** Names that a client asks for and the bridge does not have. */
const lookup = rulesOf({ ...REQUEST, rpc: -32602, http: 200, exit: 2 });
/** Errors that keep a command from starting its work. */
const setup = rulesOf({ ...REQUEST, rpc: -32603, http: 500, exit: 2 });

/**
 * Every error of the bridge. No other place maps errors to answers.
 * Exit codes: 1 tool or upstream failure, 2 usage or configuration, 4 authentication, 130 interrupted.
 */
export const ERROR_RULES = {
  invalid_arguments: argument(
    'The arguments do not fit the tool. The error lists each problem; nothing was sent to Dify.',
  ),
  tool_not_found: lookup(
    'No published tool has that name. The error names similar ones, or says why the tool is withheld.',
  ),
  tool_failed: call('The tool ran in Dify and reported an error of its own.'),
  provider_unauthorized: call(
    'The provider has no credentials in this Dify workspace, or does not accept them: authorize it in Dify under Tools.',
    { exit: 4 },
  ),
  tool_gone: call(
    'Dify no longer has the tool or its provider. The bridge refreshes its list of tools at once.',
  ),
  upstream_rejected: call(
    'Dify refused the call before running the tool, because a parameter, tool or provider is not as Dify expects.',
  ),
  upstream_unauthorized: call(
    'Dify does not accept the key, the login or the workspace that the bridge was configured with.',
    { exit: 4 },
  ),
  login_ended: call(
    'The stored login is no longer valid: it was not used for 30 days, or the account signed out. Run dify-mcp-bridge login; a running bridge then continues without a restart.',
    { exit: 4 },
  ),
  login_file_invalid: call(
    'The file of stored logins is damaged, can be read by others, or cannot be read or written. The message says what to do.',
    { exit: 2 },
  ),
  upstream_wrong_address: call(
    "DIFY_API_URL or DIFY_URL does not lead to Dify's API. It may lead to nginx or the web app, which answer with web pages.",
    { exit: 2 },
  ),
  upstream_unreachable: call(
    'The bridge cannot connect to Dify: it is down, or DIFY_API_URL or DIFY_URL is wrong.',
  ),
  upstream_error: call(
    "Dify answered with an internal error. See the log of Dify's api service for the cause.",
  ),
  upstream_unavailable: call(
    'A service of Dify that the tool needs, such as the plugin daemon or Redis, is down or still starting. Try again in a moment.',
  ),
  upstream_rate_limited: call(
    'Dify, a proxy in front of it or the service behind the tool received too many requests, or a quota is used up. Wait before the next call.',
  ),
  upstream_forbidden: call(
    "The account's role in the Dify workspace does not allow the request: it must be editor, admin or owner.",
    { exit: 4 },
  ),
  upstream_quota_exceeded: call('The plan of the Dify workspace has no room, for example for one more app.'),
  app_missing: call(
    'The account has no app "MCP bridge" in the Dify workspace, in which the bridge runs tools. Set dify.createApp so that the bridge creates it.',
    { exit: 2 },
  ),
  upstream_not_ready: call('Dify is not set up yet: finish its installation in the browser.'),
  stream_broken: call(
    "Dify's answer broke off or became unreadable in the middle. The tool may have run to its end.",
  ),
  frame_too_large: call(
    'A message of the tool, or all messages together, exceeded a limit (settings calls.maxFrameBytes, calls.maxAnswerBytes, calls.maxMemoryBytes).',
  ),
  deadline_exceeded: call(
    'The tool took longer than the bridge waits (setting calls.timeout). It may still be running in Dify.',
  ),
  busy: call(
    'Too many calls are running and waiting (settings calls.maxConcurrent, calls.maxQueued and limits.queuedPerPrincipal), or their answers use all memory for answers (calls.maxMemoryBytes). The error says how long to wait.',
    { http: 503 },
  ),
  rate_limited: call(
    'The client, the view or the provider has had as many calls this minute as it may (settings limits.ratePerPrincipal, limits.ratePerView, limits.ratePerProvider). The error says how long to wait.',
    { http: 429 },
  ),
  provider_unavailable: call(
    "The provider's last calls failed in Dify or on the way to it, so the bridge refuses further ones for a while (settings limits.breakerFailures, limits.breakerPause). The error says how long to wait.",
    { http: 503 },
  ),
  cancelled: call(
    'The caller cancelled the call. Its request to Dify was closed, but a tool that has started runs to its end in Dify, except a workflow on the account road.',
    { exit: 130 },
  ),
  call_not_found: argument(
    'Unknown call ID. The result expired, was evicted (settings calls.keepResults, calls.maxKeptBytes), was lost in a restart, or belongs to another client.',
    { http: 404 },
  ),
  file_refused: argument(
    'A file in the arguments cannot be used: its address or path is not allowed, or the file is missing, too large or not a regular file. The tool was not started.',
  ),
  file_too_large: call(
    'A file is larger than the bridge accepts or stores (settings files.maxInputBytes, files.maxStoreBytes).',
    { rpc: -32602, http: 413 },
  ),
  file_not_found: lookup(
    'Unknown file. It never existed, has expired, was evicted, or belongs to another client.',
    { http: 404 },
  ),
  state_unavailable: call(
    'The Redis that stores files and results for all replicas (setting state.redisUrl) does not answer or has no memory left. Calls continue.',
    { http: 503 },
  ),
  catalog_unavailable: request('The tools have not been loaded from Dify yet. The message says why.', {
    rpc: -32603,
    http: 200,
  }),
  invalid_cursor: lookup(
    'The cursor of a list request was not issued by this bridge. Request the first page again.',
  ),
  shutting_down: call('The bridge is stopping and accepts no new calls.', { http: 503 }),
  config_invalid: setup(
    'The configuration is not valid. Every problem is listed with its source; the bridge does not start.',
  ),
  keys_file_invalid: setup(
    'The file of API keys is missing, damaged, can be changed by others, or cannot be read or written. The message says what to do.',
  ),
  client_config_invalid: setup(
    'The configuration file of an MCP client is missing, is not valid JSON or cannot be written. It was not changed.',
  ),
  usage: request('The command line is not valid. The message names the option and what it expects.', {
    rpc: -32602,
    exit: 2,
  }),
  unauthorized: request('The HTTP request carries no valid API key or bearer token.', {
    rpc: -32001,
    http: 401,
    exit: 4,
  }),
  insufficient_scope: request(
    'The access token is valid but does not permit the request. The challenge names the scopes that would.',
    { rpc: -32001, http: 403 },
  ),
  authorization_unavailable: request(
    'The access token cannot be verified because the authorization server that issued it (setting oauth.issuer) does not answer.',
    { rpc: -32603, http: 503, exit: 4 },
  ),
  forbidden: request(
    'The Host or Origin of the HTTP request is not allowed (settings http.allowedHosts, http.allowedOrigins).',
    { rpc: -32001, http: 403 },
  ),
  bad_request: request('The request is not one MCP message, or uses the ID of one in progress.'),
  invalid_params: request(
    'The parameters of an MCP request are not as MCP defines them. The message names the first wrong one.',
    { rpc: -32602 },
  ),
  request_timeout: request('The body of the HTTP request stopped arriving.', { http: 408 }),
  parse_error: request('The message is not JSON.', { rpc: -32700 }),
  body_too_large: request(
    'A request is larger than the bridge accepts: over HTTP the setting http.maxBodyBytes, over stdio 16 MiB.',
    { http: 413 },
  ),
  unsupported_media_type: request('The body of the HTTP request must be application/json.', { http: 415 }),
  session_not_found: request(
    'The MCP session has ended or never existed. The client must start a new one with initialize.',
    { rpc: -32001, http: 404 },
  ),
  overloaded: request(
    'The bridge holds as many open streams (settings http.maxStreams, limits.streamsPerPrincipal, limits.streamsPerView) or unfinished request bodies as it may.',
    { rpc: -32000, http: 503 },
  ),
  port_unavailable: setup(
    'The address to listen on is in use or not allowed. Choose another with --port or --host.',
  ),
  internal: call('A fault in the bridge itself. The log has the details under the request ID.', {
    http: 500,
  }),
};

export type ErrorCode = keyof typeof ERROR_RULES;
