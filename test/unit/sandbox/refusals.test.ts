import { describe, expect, it } from 'vitest';
import { invoke, startSandbox } from '../../support/sandbox-client.ts';
import { kitProvider } from '../../support/recorded-kit.ts';

const KIT = { tool_type: 'builtin', provider: 'paperkite/kit/kit', tool: 'all_types' };
const TIME = { tool_type: 'builtin', provider: 'time', tool: 'current_time' };
const PETS = { tool_type: 'api', provider: '5a4db0c5-0000-4000-8000-0000000000a1', tool: 'getPet' };
const NOBODY = '00000000-0000-4000-8000-000000000000';
const FAULT = 'Internal Server Error';

describe('an invocation is refused before it runs', () => {
  it.each([
    ['a tenant that is missing', { tenant_id: undefined }, 400, '1 validation error for TenantUserPayload'],
    ['an empty tenant', { tenant_id: '' }, 400, 'tenant_id is required'],
    ['an unknown tenant', { tenant_id: NOBODY }, 400, 'tenant not found'],
    ['a tenant that is no UUID', { tenant_id: 'mine' }, 400, 'tenant not found'],
    ['a user that is null', { user_id: null }, 400, 'Input should be a valid string [type=string_type'],
    ['a user that is no UUID', { user_id: 'alice' }, 400, 'user not found'],
    ['another tool type', { tool_type: 'plugin' }, 400, "'builtin', 'workflow', 'api' or 'mcp'"],
    ['a provider that is missing', { provider: undefined }, 400, 'provider\n  Field required [type=missing'],
    ['parameters that are a list', { tool_parameters: [] }, 400, 'Input should be a valid dictionary'],
    ['a credential that is a number', { credential_id: 5 }, 400, 'input_value=5, input_type=int'],
    ['an empty provider', { provider: '' }, 404, 'plugin not found, please add plugin.'],
    ['a malformed provider', { provider: 'a b c' }, 400, 'Invalid plugin id a b c'],
    ['a bare name that is no plugin', { provider: 'nothing' }, 500, FAULT],
    ['a plugin that is not installed', { provider: 'acme/none/none' }, 500, FAULT],
    ['an unknown tool of a hard-coded provider', { tool: 'nope' }, 400, 'builtin tool nope not found'],
    ['an unknown tool of a plugin', { ...KIT, tool: 'nope' }, 400, 'Tool with name nope not found'],
    ['an unknown tool of an API', { ...PETS, tool: 'nope' }, 400, 'tool nope not found'],
    ['an API by its name', { ...PETS, provider: 'Pet store' }, 500, FAULT],
    ['an unknown API', { ...PETS, provider: NOBODY }, 400, `api provider ${NOBODY} not found`],
    ['a workflow by its name', { tool_type: 'workflow', provider: 'Compare texts' }, 500, FAULT],
    ['an unknown workflow', { tool_type: 'workflow', provider: NOBODY }, 400, 'workflow provider'],
    ['an unknown MCP server', { tool_type: 'mcp', provider: 'nope' }, 400, 'mcp provider nope not found'],
    [
      'an unknown tool of an MCP server',
      { tool_type: 'mcp', provider: 'library-desk', tool: 'nope' },
      400,
      'Tool with name nope not found',
    ],
    ['a number that is none', { ...KIT, tool_parameters: { n: 'abc' } }, 400, 'invalid literal for int()'],
    ['a choice that is none', { ...KIT, tool_parameters: { sel: 'z' } }, 400, "not in options ['a', 'b']"],
    ['a setting that is missing', { ...KIT, tool: 'needform' }, 400, 'tool parameter key not found'],
    ['a selector that is missing', { ...KIT, tool: 'selform' }, 400, 'The selector must be a dictionary.'],
  ])('for %s', async (_what, fields, status, message) => {
    const sandbox = await startSandbox();
    sandbox.workspace.addProvider(kitProvider(KIT.provider));
    const response = await invoke(sandbox, { ...TIME, ...fields } as typeof TIME);
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/json']);
    expect(await response.json()).toEqual({
      code: { 400: 'invalid_param', 404: 'not_found', 500: 'unknown' }[status],
      message: expect.stringContaining(message) as string,
      status,
    });
  });

  it('for a key that is missing or wrong, with a 404 that looks like a route', async () => {
    const sandbox = await startSandbox();
    for (const key of [undefined, 'wrong', sandbox.credentials.adminApiKey]) {
      const response = await fetch(`${sandbox.url}/inner/api/invoke/tool`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-inner-api-key': key }) },
        body: JSON.stringify({ ...TIME, tenant_id: sandbox.credentials.workspaceId, user_id: '' }),
      });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        code: 'not_found',
        message: expect.stringContaining('You have requested this URI [/inner/api/invoke/tool]') as string,
      });
    }
  });

  it.each([
    ['text/plain', '{}'],
    ['application/json', '{broken'],
    ['application/json', ''],
    ['application/json', '[]'],
  ])('for a body of type %s: %s', async (type, body) => {
    const sandbox = await startSandbox();
    const response = await fetch(`${sandbox.url}/inner/api/invoke/tool`, {
      method: 'POST',
      headers: { 'content-type': type, 'x-inner-api-key': sandbox.credentials.innerApiKey },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('2 validation errors for TenantUserPayload');
  });
});
