/** A recorded refusal and what an MCP client reads of it. */
export interface RecordedRefusal {
  /** `group/name` of the recording. */
  readonly name: string;
  /** Words of the result. */
  readonly says: readonly string[];
  /** Settings with which the bridge sends the recorded request. */
  readonly env?: Readonly<Record<string, string>>;
  /** A configuration file for the same purpose. */
  readonly file?: string;
  /** Why the bridge never sends the recorded request: the answer is given to another one. */
  readonly unsendable?: string;
}

const REFUSED = 'Dify refused the call before running the tool.';
const GONE = 'This Dify workspace no longer has the tool.';
const SETTING = 'The tool needs a setting that it does not have.';
const FAULT = 'Dify failed with an internal error (status 500). Dify said: Internal Server Error';
const KEY = 'Dify does not accept the inner API key';

/** Every recorded refusal, and one failure that the bridge prevents where it knows the inputs. */
export const RECORDED_REFUSALS: readonly RecordedRefusal[] = [
  { name: 'invoke-error/api-provider-by-name', says: [FAULT] },
  {
    name: 'invoke-error/api-provider-unknown',
    says: [GONE, 'Dify said: api provider b1547512-1819-4aac-bfb4-9bcf3017ee6c not found'],
  },
  { name: 'invoke-error/api-tool-unknown', says: [GONE, 'Dify said: tool nope not found'] },
  {
    name: 'invoke-error/bad-tool-type',
    says: [REFUSED, 'Dify said: invalid payload: 1 validation error for RequestInvokeTool'],
    unsendable: 'the bridge knows the four types',
  },
  {
    name: 'invoke-error/credential-unknown',
    says: [
      'was deleted in Dify, so this tool cannot run.',
      'Dify said: provider has been deleted: 13ddf478-7e42-44aa-9b04-6d2e76a16c56',
    ],
    file: 'tools: { presets: { acme_sec__all_types: { credentialId: 13ddf478-7e42-44aa-9b04-6d2e76a16c56 } } }',
  },
  {
    name: 'invoke-error/form-parameter-missing',
    says: [SETTING, 'Dify said: tool parameter key not found in tool config'],
  },
  {
    name: 'invoke-error/form-select-value',
    says: [SETTING, "Dify said: tool parameter sel value zzz not in options ['a', 'b']"],
  },
  { name: 'invoke-error/malformed-provider', says: [REFUSED, 'Dify said: Invalid plugin id a b c'] },
  { name: 'invoke-error/mcp-unknown', says: [GONE, 'Dify said: mcp provider nope not found'] },
  {
    name: 'invoke-error/no-key',
    says: [KEY, 'DIFY_INNER_API_KEY must be'],
    unsendable: 'the bridge does not start without a key',
  },
  {
    name: 'invoke-error/not-json',
    says: [REFUSED, 'Dify said: 2 validation errors for TenantUserPayload'],
    unsendable: 'the bridge sends JSON',
  },
  {
    name: 'invoke-error/number-cast',
    says: [REFUSED, "Dify said: invalid literal for int() with base 10: 'abc'"],
  },
  {
    name: 'invoke-error/parameters-null',
    says: [REFUSED, 'Dify said: invalid payload'],
    unsendable: 'the bridge sends an object',
  },
  { name: 'invoke-error/plugin-not-installed', says: [FAULT, 'no longer installed'] },
  { name: 'invoke-error/plugin-tool-unknown', says: [GONE, 'Dify said: Tool with name nope not found'] },
  { name: 'invoke-error/selector-missing', says: [SETTING, 'Dify said: The selector must be a dictionary.'] },
  { name: 'invoke-error/unknown-hardcoded-tool', says: [GONE, 'Dify said: builtin tool nope not found'] },
  {
    name: 'invoke-error/unknown-tenant',
    says: ['Dify knows no workspace', 'Dify said: tenant not found'],
    env: { DIFY_WORKSPACE_ID: '61040907-9d12-4b33-8015-0379c40ade41' },
  },
  {
    name: 'invoke-error/user-not-uuid',
    says: ['does not accept the user', 'Dify said: user not found'],
    unsendable: 'the configuration takes UUIDs only',
  },
  {
    name: 'invoke-error/workflow-unknown',
    says: [
      'The workflow behind the tool no longer exists',
      'Dify said: workflow provider 6b409005-1eb1-4def-a273-5540c9ba2990 not found',
    ],
  },
  {
    name: 'invoke-error/wrong-key',
    says: [KEY, 'DIFY_INNER_API_KEY must be'],
    env: { DIFY_INNER_API_KEY: 'wrong' },
  },
  { name: 'invoke/workflow-missing-input', says: ['The tool failed: q is required in input form'] },
];
