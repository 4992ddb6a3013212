import { BridgeError, type ErrorCode, unauthorizedError } from '../../model/errors.ts';
import { failedPlugin } from './plain-words.ts';
import type { ProviderType, ToolRef } from '../../model/tool.ts';

export interface CallTarget extends ToolRef {
  /** The provider's name for a person. Default: its ID. */
  readonly providerLabel?: string | undefined;
}

/** `builtin` means one of Dify's own tools. */
type Kind = ProviderType | 'plugin';

/** A text of Dify, and what it means for the caller. */
interface Failure {
  readonly pattern: RegExp;
  /** The kinds of tools that it is about. Default: all. */
  readonly only?: readonly Kind[];
  /** Whether the text counts in the words of a plugin, an API or an MCP server too. Default: false. */
  readonly ofOthers?: boolean;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  /** Whether Dify's words are quoted. Default: true. */
  readonly quote?: boolean;
}

const AGAIN =
  'Try again in a moment. If this lasts for minutes, tell the user that the operator of Dify must';
const UNKNOWN_EFFECT = 'The tool may have taken effect: check before calling it again.';
const GONE = 'Do not retry. The bridge is refreshing its list of tools: list the tools again.';

/** How Dify passes on what an API or an MCP server answered. */
const QUOTING = /^(?:Request failed with status code|Failed to invoke tool:) /;

/** Texts by which Dify says that the provider that they name has no credentials: since 1.7, before, and after 1.17. */
const NO_CREDENTIALS =
  /no default provider for ([^\s"]+)|^builtin provider (\S+) not found$|No credential is configured for tool provider ([^\s"]+?)\.(?:\s|$)/;

/** Read from the sources of Dify 1.0 to 1.17 and of its plugin daemon. The first match counts. */
const FAILURES: readonly Failure[] = [
  {
    pattern: /^tenant(?:_id)? (?:not found|is required)$/,
    code: 'upstream_unauthorized',
    message: 'Dify knows no workspace with the ID that the bridge sends.',
    hint: 'Do not retry; tell the user that the operator of the bridge must correct DIFY_WORKSPACE_ID.',
  },
  {
    pattern: /^user not found$/,
    code: 'upstream_unauthorized',
    message: 'Dify does not accept the user that the bridge sends.',
    hint: 'Do not retry; tell the user that the operator of the bridge must correct dify.userId, or leave it empty.',
  },
  {
    pattern:
      /^tool parameter .* (?:not found in tool config|not in options \[.*\])$|^The selector must be a dictionary/,
    code: 'upstream_rejected',
    message: 'The tool needs a setting that it does not have.',
    hint: 'Do not retry; tell the user that the operator of the bridge must set the parameter in a preset of the tool.',
  },
  {
    pattern: /provider has been deleted: |Tool credential \S+ has been deleted/,
    code: 'provider_unauthorized',
    message:
      'The credential that the bridge is configured to use was deleted in Dify, so this tool cannot run.',
    hint: "Do not retry; tell the user that the operator of the bridge must correct the credential in the tool's preset.",
  },
  {
    pattern: /credential changed while refreshing/,
    code: 'upstream_unavailable',
    message: 'Dify was renewing the credentials of {provider}. The tool did not run.',
    hint: 'Try again in a moment.',
  },
  {
    pattern:
      /\b(?:ToolProviderCredentialValidationError|CredentialsValidateFailedError|InvokeAuthorizationError|ToolProviderOAuthError)\b|OAuth credential for tool provider|Failed to refresh credentials/,
    ofOthers: true,
    code: 'provider_unauthorized',
    message: '{provider} does not accept the credentials that Dify has for it, so this tool cannot run.',
    hint: 'Do not retry; tell the user to authorize {provider} in Dify again (Tools).',
  },
  {
    pattern: /^Please auth the tool first|^Failed to connect to MCP server: .*(?:Authentication|\b401\b)/,
    only: ['mcp'],
    code: 'provider_unauthorized',
    message: 'The MCP server {provider} does not accept the credentials that Dify has for it.',
    hint: 'Do not retry; tell the user to authorize {provider} in Dify again (Tools, MCP).',
  },
  {
    pattern:
      /no available node|plugin runtime not found|no proper instance|runtime (?:is )?not (?:active|bound)|plugin manager is not initialized|failed to get plugin manager/,
    code: 'upstream_unavailable',
    message: "Dify's plugin daemon is still starting the plugin. The tool did not run.",
    hint: `${AGAIN} look into the log of plugin_daemon.`,
  },
  {
    pattern: /plugin instance stopped|runtime already stopped|PluginDaemon\w*Error: .*session not found/,
    code: 'stream_broken',
    message: 'The plugin stopped in the middle of the call.',
    hint: UNKNOWN_EFFECT,
  },
  {
    pattern: /killed by timeout/,
    code: 'tool_failed',
    message: 'Dify ended the tool, because it ran longer than PLUGIN_MAX_EXECUTION_TIMEOUT allows.',
    hint: `${UNKNOWN_EFFECT} Tell the user that the operator of Dify can raise that limit.`,
  },
  {
    pattern:
      /Failed to request plugin daemon|Request to Plugin Daemon Service failed|failed to fetch plugin available nodes|redirect request failed/,
    code: 'upstream_unavailable',
    message: "Dify's plugin daemon is down or cannot be reached.",
    hint: `${AGAIN} start the plugin_daemon service.`,
  },
  {
    pattern: /Failed to parse response from plugin daemon/,
    code: 'upstream_rejected',
    message: 'Dify cannot read the declaration of the plugin: the plugin needs a newer Dify.',
    hint: 'Do not retry; tell the user that the operator of Dify must update Dify, or install an older version of the plugin.',
  },
  {
    // Dify raises the whole line of a message whose type it does not know.
    pattern: /^\{"code":\s*0,\s*"message":\s*"success"/,
    code: 'tool_failed',
    message: 'The plugin sent a message that this Dify cannot read, so Dify ended the call.',
    hint: 'Do not retry; tell the user that the operator of Dify must update Dify, which the plugin needs.',
    quote: false,
  },
  {
    pattern: /PluginDaemonUnauthorizedError/,
    code: 'upstream_error',
    message: "Dify's plugin daemon does not accept the key of Dify's api service.",
    hint: 'Do not retry; tell the user that the operator of Dify must give both services the same PLUGIN_DAEMON_KEY.',
  },
  {
    pattern:
      /Error -?\d+ (?:while )?connecting to \S+:\d+|\bredis\b.*(?:refused|timed? ?out|closed)|dial tcp \S+:6379|LOADING Redis|MISCONF Redis/i,
    code: 'upstream_error',
    message: 'Dify cannot reach its Redis.',
    hint: `${UNKNOWN_EFFECT} ${AGAIN} check its Redis.`,
  },
  {
    pattern: /sqlalche\.me\/e\/|\(psycopg2?\.OperationalError\)|dial tcp \S+:(?:5432|3306)/,
    code: 'upstream_error',
    message: 'Dify cannot use its database.',
    hint: `${UNKNOWN_EFFECT} ${AGAIN} check its database.`,
  },
  {
    pattern: /dial tcp |connection refused/i,
    only: ['plugin'],
    code: 'upstream_error',
    message: 'Dify or its plugin daemon cannot reach a service that it needs.',
    hint: `${UNKNOWN_EFFECT} ${AGAIN} check the services of Dify.`,
  },
  {
    pattern:
      /Failed to execute code, which is likely a network issue|check if the sandbox service is running/,
    code: 'upstream_error',
    message: "Dify's service for running code (sandbox) is down.",
    hint: `${UNKNOWN_EFFECT} ${AGAIN} start the sandbox service.`,
  },
  {
    pattern: /QuotaExceeded|quota exceeded|quota for .* has been exhausted/i,
    ofOthers: true,
    code: 'upstream_rate_limited',
    message: 'A quota that the tool needs is used up.',
    hint: 'Do not retry; tell the user to check the quota in Dify or at the service behind the tool.',
  },
  {
    pattern:
      /rate.?limit.?(?:error|exceeded|reached)|too many (?:concurrent |active )?requests|status code 429\b/i,
    ofOthers: true,
    code: 'upstream_rate_limited',
    message: 'Dify, or the service behind the tool, received too many requests.',
    hint: 'Wait a while before the next call.',
  },
  {
    pattern: /^Request failed with status code 40[13]\b/,
    only: ['api'],
    ofOthers: true,
    code: 'provider_unauthorized',
    message: 'The API {provider} does not accept the credentials that Dify has for it.',
    hint: 'Do not retry; tell the user to check the authorization of {provider} in Dify (Tools, Custom).',
  },
  {
    pattern: /timed out|timeout/i,
    only: ['api'],
    code: 'tool_failed',
    message: 'The API {provider} did not answer Dify in time.',
    hint: `${UNKNOWN_EFFECT} Tell the user that the operator of Dify can raise API_TOOL_DEFAULT_READ_TIMEOUT.`,
  },
  {
    pattern: /connection refused/i,
    only: ['api'],
    code: 'tool_failed',
    message: 'Dify cannot connect to the API {provider}.',
    hint: 'Do not retry at once; tell the user that the server of the API is down or its address in Dify is wrong.',
  },
  {
    pattern: /Failed to connect to MCP server/,
    only: ['mcp'],
    code: 'tool_failed',
    message: 'Dify cannot connect to the MCP server {provider}.',
    hint: 'Do not retry at once; tell the user that this MCP server is down or its address in Dify is wrong.',
  },
  {
    pattern: /^Stopped by user\.$|Maximum execution (?:time|steps) exceeded|Maximum execution steps/,
    only: ['workflow'],
    code: 'tool_failed',
    message:
      'Dify ended the workflow, because it took longer than Dify allows, or because someone stopped it.',
    hint: 'Do not retry at once; tell the user that the operator of Dify can raise APP_MAX_EXECUTION_TIME and WORKFLOW_MAX_EXECUTION_TIME.',
  },
  {
    pattern:
      /PluginNotFoundError|plugin not found\b|plugin provider \S+ not found|PluginDaemonNotFoundError/i,
    only: ['plugin'],
    code: 'tool_gone',
    message: "The tool's plugin is no longer installed in this Dify workspace.",
    hint: GONE,
  },
  {
    pattern:
      /^(?:workflow provider \S.* not found|app not found|workflow not found(?: or not published)?)\.?$/,
    only: ['workflow'],
    code: 'tool_gone',
    message: 'The workflow behind the tool no longer exists in this Dify workspace.',
    hint: GONE,
  },
  {
    pattern:
      /^(?:(?:builtin )?tool (?:with name )?\S.* not found|(?:api|mcp) provider \S.* not found)(?:\.|$)/i,
    only: ['builtin', 'plugin', 'api', 'mcp'],
    code: 'tool_gone',
    message: 'This Dify workspace no longer has the tool.',
    hint: GONE,
  },
  {
    pattern: /PluginRuntimeError/,
    code: 'stream_broken',
    message: 'The process of the plugin failed during the call.',
    hint: UNKNOWN_EFFECT,
  },
  {
    pattern: /PluginDaemon(?!Inner)\w*Error/,
    code: 'upstream_error',
    message: "Dify's plugin daemon failed.",
    hint: `${UNKNOWN_EFFECT} Tell the user that the operator of Dify must look into the log of plugin_daemon.`,
  },
];

/**
 * Returns the error for a text in which Dify reports a fault of its own rather than of the tool; undefined if it is
 * not known. `words` is the text without its wrapping, to be quoted. The same text may come in a frame or in an answer.
 */
export function knownFailure(
  text: string,
  words: string,
  target: CallTarget,
  upstream?: { readonly status: number; readonly path: string },
): BridgeError | undefined {
  const { providerId, providerLabel = providerId } = target;
  const missing = QUOTING.test(words) ? null : NO_CREDENTIALS.exec(words);
  if (missing !== null) {
    const named = missing.slice(1).find((id) => id !== undefined) ?? providerId;
    // A workflow may use a tool of another provider.
    return unauthorizedError(named === providerId ? providerLabel : named, { upstream });
  }
  const plugin = failedPlugin(words);
  const isOfOthers = QUOTING.test(words) || plugin !== undefined || text.includes('PluginInvokeError');
  const kind = kindOf(target);
  const found = FAILURES.find(
    ({ pattern, only, ofOthers = false }) =>
      (only?.includes(kind) ?? true) &&
      (ofOthers || !isOfOthers) &&
      (pattern.test(words) || pattern.test(text)),
  );
  if (found === undefined) return undefined;
  const fill = (sentence: string): string => sentence.replaceAll('{provider}', () => plugin ?? providerLabel);
  const quote = words === '' || found.quote === false ? '' : ` Dify said: ${words}`;
  return new BridgeError(found.code, `${fill(found.message)}${quote}`, { hint: fill(found.hint), upstream });
}

export function kindOf({ providerType, providerId }: CallTarget): Kind {
  return providerType === 'builtin' && providerId.includes('/') ? 'plugin' : providerType;
}
