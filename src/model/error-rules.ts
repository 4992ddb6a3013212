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

/** Defaults for errors that a model reads as the result of its call. */
const CALL = { mcp: 'result', rpc: -32603, http: 200, exit: 1 } as const;

/** Of errors in the arguments of a call. */
const ARGUMENT = { ...CALL, rpc: -32602, exit: 2 } as const;

/** Defaults for errors that end a client's request or a command. */
const REQUEST = { mcp: 'protocol', rpc: -32600, http: 400, exit: 1 } as const;

/** Of names that a client asks for and the bridge does not have. */
const LOOKUP = { ...REQUEST, rpc: -32602, http: 200, exit: 2 } as const;

/** Of errors that keep a command from starting its work. */
const SETUP = { ...REQUEST, rpc: -32603, http: 500, exit: 2 } as const;

/**
 * Every error of the bridge. No other place maps errors to answers.
 * Exit codes: 1 tool or upstream failure, 2 usage or configuration, 4 authentication, 130 interrupted.
 */
export const ERROR_RULES = {
  invalid_arguments: {
    ...ARGUMENT,
    meaning: 'The arguments do not fit the tool. The error lists each problem; nothing was sent to Dify.',
  },
  tool_not_found: {
    ...LOOKUP,
    meaning:
      'No published tool has that name. The error names similar ones, or says why the tool is withheld.',
  },
  tool_failed: { ...CALL, meaning: 'The tool ran in Dify and reported an error of its own.' },
  provider_unauthorized: {
    ...CALL,
    exit: 4,
    meaning:
      'The provider has no credentials in this Dify workspace, or does not accept them: authorize it in Dify under Tools.',
  },
  tool_gone: {
    ...CALL,
    meaning: 'Dify no longer has the tool or its provider. The bridge refreshes its list of tools at once.',
  },
  upstream_rejected: {
    ...CALL,
    meaning:
      'Dify refused the call before running the tool, because a parameter, tool or provider is not as Dify expects.',
  },
  upstream_unauthorized: {
    ...CALL,
    exit: 4,
    meaning: 'Dify does not accept the key, the login or the workspace that the bridge was configured with.',
  },
  login_ended: {
    ...CALL,
    exit: 4,
    meaning:
      'The stored login is no longer valid: it was not used for 30 days, or the account signed out. Run dify-mcp-bridge login; a running bridge then continues without a restart.',
  },
  login_file_invalid: {
    ...CALL,
    exit: 2,
    meaning:
      'The file of stored logins is damaged, can be read by others, or cannot be read or written. The message says what to do.',
  },
  upstream_wrong_address: {
    ...CALL,
    exit: 2,
    meaning:
      "DIFY_API_URL or DIFY_URL does not lead to Dify's API. It may lead to nginx or the web app, which answer with web pages.",
  },
  upstream_unreachable: {
    ...CALL,
    meaning: 'The bridge cannot connect to Dify: it is down, or DIFY_API_URL or DIFY_URL is wrong.',
  },
  upstream_error: {
    ...CALL,
    meaning: "Dify answered with an internal error. See the log of Dify's api service for the cause.",
  },
  upstream_unavailable: {
    ...CALL,
    meaning:
      'A service of Dify that the tool needs, such as the plugin daemon or Redis, is down or still starting. Try again in a moment.',
  },
  upstream_rate_limited: {
    ...CALL,
    meaning:
      'Dify, a proxy in front of it or the service behind the tool received too many requests, or a quota is used up. Wait before the next call.',
  },
  upstream_forbidden: {
    ...CALL,
    exit: 4,
    meaning:
      "The account's role in the Dify workspace does not allow the request: it must be editor, admin or owner.",
  },
  upstream_quota_exceeded: {
    ...CALL,
    meaning: 'The plan of the Dify workspace has no room, for example for one more app.',
  },
  app_missing: {
    ...CALL,
    exit: 2,
    meaning:
      'The account has no app "MCP bridge" in the Dify workspace, in which the bridge runs tools. Set dify.createApp so that the bridge creates it.',
  },
  upstream_not_ready: { ...CALL, meaning: 'Dify is not set up yet: finish its installation in the browser.' },
  stream_broken: {
    ...CALL,
    meaning: "Dify's answer broke off or became unreadable in the middle. The tool may have run to its end.",
  },
  frame_too_large: {
    ...CALL,
    meaning:
      'A message of the tool, or all messages together, exceeded a limit (settings calls.maxFrameBytes, calls.maxAnswerBytes, calls.maxMemoryBytes).',
  },
  deadline_exceeded: {
    ...CALL,
    meaning:
      'The tool took longer than the bridge waits (setting calls.timeout). It may still be running in Dify.',
  },
  busy: {
    ...CALL,
    http: 503,
    meaning:
      'Too many calls are running and waiting (settings calls.maxConcurrent, calls.maxQueued and limits.queuedPerPrincipal), or their answers use all memory for answers (calls.maxMemoryBytes). The error says how long to wait.',
  },
  rate_limited: {
    ...CALL,
    http: 429,
    meaning:
      'The client, the view or the provider has had as many calls this minute as it may (settings limits.ratePerPrincipal, limits.ratePerView, limits.ratePerProvider). The error says how long to wait.',
  },
  provider_unavailable: {
    ...CALL,
    http: 503,
    meaning:
      "The provider's last calls failed in Dify or on the way to it, so the bridge refuses further ones for a while (settings limits.breakerFailures, limits.breakerPause). The error says how long to wait.",
  },
  cancelled: {
    ...CALL,
    exit: 130,
    meaning:
      'The caller cancelled the call. Its request to Dify was closed, but a tool that has started runs to its end in Dify, except a workflow on the account road.',
  },
  call_not_found: {
    ...ARGUMENT,
    http: 404,
    meaning:
      'Unknown call ID. The result expired, was evicted (settings calls.keepResults, calls.maxKeptBytes), was lost in a restart, or belongs to another client.',
  },
  file_refused: {
    ...ARGUMENT,
    meaning:
      'A file in the arguments cannot be used: its address or path is not allowed, or the file is missing, too large or not a regular file. The tool was not started.',
  },
  file_too_large: {
    ...CALL,
    rpc: -32602,
    http: 413,
    meaning:
      'A file is larger than the bridge accepts or stores (settings files.maxInputBytes, files.maxStoreBytes).',
  },
  file_not_found: {
    ...LOOKUP,
    http: 404,
    meaning: 'Unknown file. It never existed, has expired, was evicted, or belongs to another client.',
  },
  state_unavailable: {
    ...CALL,
    http: 503,
    meaning:
      'The Redis that stores files and results for all replicas (setting state.redisUrl) does not answer or has no memory left. Calls continue.',
  },
  catalog_unavailable: {
    ...REQUEST,
    rpc: -32603,
    http: 200,
    meaning: 'The tools have not been loaded from Dify yet. The message says why.',
  },
  invalid_cursor: {
    ...LOOKUP,
    meaning: 'The cursor of a list request was not issued by this bridge. Request the first page again.',
  },
  shutting_down: { ...CALL, http: 503, meaning: 'The bridge is stopping and accepts no new calls.' },
  config_invalid: {
    ...SETUP,
    meaning:
      'The configuration is not valid. Every problem is listed with its source; the bridge does not start.',
  },
  keys_file_invalid: {
    ...SETUP,
    meaning:
      'The file of API keys is missing, damaged, can be changed by others, or cannot be read or written. The message says what to do.',
  },
  client_config_invalid: {
    ...SETUP,
    meaning:
      'The configuration file of an MCP client is missing, is not valid JSON or cannot be written. It was not changed.',
  },
  usage: {
    ...REQUEST,
    rpc: -32602,
    exit: 2,
    meaning: 'The command line is not valid. The message names the option and what it expects.',
  },
  unauthorized: {
    ...REQUEST,
    rpc: -32001,
    http: 401,
    exit: 4,
    meaning: 'The HTTP request carries no valid API key or bearer token.',
  },
  insufficient_scope: {
    ...REQUEST,
    rpc: -32001,
    http: 403,
    meaning:
      'The access token is valid but does not permit the request. The challenge names the scopes that would.',
  },
  authorization_unavailable: {
    ...REQUEST,
    rpc: -32603,
    http: 503,
    exit: 4,
    meaning:
      'The access token cannot be verified because the authorization server that issued it (setting oauth.issuer) does not answer.',
  },
  forbidden: {
    ...REQUEST,
    rpc: -32001,
    http: 403,
    meaning:
      'The Host or Origin of the HTTP request is not allowed (settings http.allowedHosts, http.allowedOrigins).',
  },
  bad_request: {
    ...REQUEST,
    meaning: 'The request is not one MCP message, or uses the ID of one in progress.',
  },
  invalid_params: {
    ...REQUEST,
    rpc: -32602,
    meaning:
      'The parameters of an MCP request are not as MCP defines them. The message names the first wrong one.',
  },
  request_timeout: {
    ...REQUEST,
    http: 408,
    meaning: 'The body of the HTTP request stopped arriving.',
  },
  parse_error: { ...REQUEST, rpc: -32700, meaning: 'The message is not JSON.' },
  body_too_large: {
    ...REQUEST,
    http: 413,
    meaning:
      'A request is larger than the bridge accepts: over HTTP the setting http.maxBodyBytes, over stdio 16 MiB.',
  },
  unsupported_media_type: {
    ...REQUEST,
    http: 415,
    meaning: 'The body of the HTTP request must be application/json.',
  },
  session_not_found: {
    ...REQUEST,
    rpc: -32001,
    http: 404,
    meaning: 'The MCP session has ended or never existed. The client must start a new one with initialize.',
  },
  overloaded: {
    ...REQUEST,
    rpc: -32000,
    http: 503,
    meaning:
      'The bridge holds as many open streams (settings http.maxStreams, limits.streamsPerPrincipal, limits.streamsPerView) or unfinished request bodies as it may.',
  },
  port_unavailable: {
    ...SETUP,
    meaning: 'The address to listen on is in use or not allowed. Choose another with --port or --host.',
  },
  internal: {
    ...CALL,
    http: 500,
    meaning: 'A fault in the bridge itself. The log has the details under the request ID.',
  },
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERROR_RULES;
