import { describe, expect, it } from 'vitest';
import { featuresOf } from '../../../src/sandbox/features.ts';
import { type DecodedFrame, framesOf, invoke, asAdmin, startSandbox } from '../../support/sandbox-client.ts';

const COMPARE = {
  tool_type: 'workflow',
  provider: '5a4db0c5-0000-4000-8000-0000000000b1',
  tool: 'compare_texts',
  tool_parameters: { first: 'kite and wind', second: 'wind and rain' },
};
const WEEKDAY = {
  tool_type: 'builtin',
  provider: 'time',
  tool: 'weekday',
  tool_parameters: { year: 2026, month: 11, day: 22 },
};

describe('releases', () => {
  it.each([
    ['1.4.1', 'lengthPrefixedFrames', false],
    ['1.4.2', 'lengthPrefixedFrames', true],
    ['1.5.1', 'mcpTools', false],
    ['1.6.0', 'mcpTools', true],
    ['1.5.1', 'darkIcons', false],
    ['1.6.0', 'darkIcons', true],
    ['1.7.1', 'apiJsonMessages', false],
    ['1.7.2', 'tenantBeforeKey', false],
    ['1.8.0', 'tenantBeforeKey', true],
    ['1.9.1', 'cookieSessions', false],
    ['1.9.2', 'cookieSessions', true],
    ['1.10.0', 'workflowOutputs', false],
    ['1.11.0', 'workflowOutputs', true],
    ['1.11.1', 'base64Password', false],
    ['1.11.2', 'base64Password', true],
    ['1.11.4', 'brokenFileOutputs', false],
    ['1.12.1', 'brokenFileOutputs', true],
    ['1.13.0', 'brokenFileOutputs', false],
    ['1.14.2', 'downloadRequests', false],
    ['1.15.0', 'downloadRequests', true],
    ['1.2.0', 'previewUrls', false],
    ['1.3.0', 'previewUrls', true],
    ['1.4.0', 'workflowsNeedLogin', false],
    ['1.4.1', 'workflowsNeedLogin', true],
    ['1.4.2', 'workflowsNeedLogin', false],
    ['1.6.0', 'retrieverResources', false],
    ['1.7.0', 'retrieverResources', true],
    ['1.7.2', 'nodeLinks', false],
    ['1.8.0', 'nodeLinks', true],
    ['1.8.1', 'failedLookups', false],
    ['1.9.0', 'failedLookups', true],
    ['1.8.1', 'createsEndUsers', false],
    ['1.9.0', 'createsEndUsers', true],
    ['1.9.0', 'refusesAnonymous', true],
    ['1.9.1', 'refusesAnonymous', false],
    ['1.11.4', 'conflictStatus', false],
    ['1.12.0', 'conflictStatus', true],
    ['1.11.4', 'jsonLists', false],
    ['1.12.0', 'jsonLists', true],
    ['1.12.1', 'workersRun', false],
    ['1.13.0', 'workersRun', true],
    ['1.13.0', 'goneIsNotFound', false],
    ['1.13.1', 'goneIsNotFound', true],
    ['1.13.3', 'fileIdsInMeta', false],
    ['1.14.0', 'fileIdsInMeta', true],
    ['1.13.3', 'fileReferences', false],
    ['1.14.0', 'fileReferences', true],
    ['1.14.2', 'uploadReferences', false],
    ['1.15.0', 'uploadReferences', true],
    ['1.14.2', 'credentialVisibility', false],
    ['1.15.0', 'credentialVisibility', true],
    ['1.14.2', 'identityMode', false],
    ['1.15.0', 'identityMode', true],
    ['1.15.0', 'nullInputSchemas', false],
    ['1.16.0', 'nullInputSchemas', true],
    ['1.15.0', 'namedExtensions', false],
    ['1.16.0', 'namedExtensions', true],
    ['1.16.0', 'multipleSelects', false],
    ['1.16.1', 'multipleSelects', true],
  ] as const)('%s: %s is %s', (version, feature, expected) => {
    expect(featuresOf(version)[feature]).toBe(expected);
  });

  it('sends JSON and a blank line for each frame before 1.4.2', async () => {
    const sandbox = await startSandbox({ version: '1.4.1' });
    const response = await invoke(sandbox, WEEKDAY);
    const body = await response.text();
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(body.endsWith('\n\n')).toBe(true);
    const frames = body.trimEnd().split('\n\n');
    expect(frames.map((frame) => JSON.parse(frame) as DecodedFrame)).toEqual([
      { data: { type: 'text', message: { text: 'November 22, 2026 is Sunday.' }, meta: null }, error: '' },
    ]);
  });

  it('sends fourteen bytes before the JSON of each frame from 1.4.2', async () => {
    const sandbox = await startSandbox({ version: '1.4.2' });
    const bytes = Buffer.from(await (await invoke(sandbox, WEEKDAY)).arrayBuffer());
    expect(bytes.subarray(0, 4).toString('hex')).toBe('0f000a00');
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 14);
    expect(bytes.subarray(8, 14).toString('hex')).toBe('000000000000');
    expect(bytes.subarray(14, 15).toString()).toBe('{');
  });

  it('leaves variables of workflows out before 1.11.0 and suppress_output before 1.10.0', async () => {
    const kinds = async (version: string): Promise<unknown[]> =>
      (await framesOf(await startSandbox({ version }), COMPARE)).map((frame) => frame.data?.type);
    expect(await kinds('1.10.1')).toEqual(['text', 'json']);
    expect(await kinds('1.11.0')).toEqual(['variable', 'variable', 'variable', 'variable', 'text', 'json']);
    const old = await framesOf(await startSandbox({ version: '1.9.2' }), COMPARE);
    expect(Object.keys(old.at(-1)?.data?.message ?? {})).toEqual(['json_object']);
  });

  it('has no outputs in the list of workflows before 1.11.0', async () => {
    const list = async (
      version: string,
    ): Promise<{ workflow_app_id?: string; tools: { output_schema: object }[] }[]> =>
      (await asAdmin(await startSandbox({ version }), '/workspaces/current/tools/workflow')).json() as never;
    expect((await list('1.10.1'))[0]).not.toHaveProperty('workflow_app_id');
    expect((await list('1.10.1'))[0]?.tools[0]?.output_schema).toEqual({});
    expect((await list('1.11.0'))[0]).toHaveProperty('workflow_app_id');
    expect((await list('1.11.0'))[0]?.tools[0]?.output_schema).toHaveProperty('properties');
  });

  it('knows no MCP tools before 1.6.0', async () => {
    const sandbox = await startSandbox({ version: '1.5.1' });
    const list = await asAdmin(sandbox, '/workspaces/current/tools/mcp');
    expect([list.status, list.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    const call = await invoke(sandbox, { tool_type: 'mcp', provider: 'library-desk', tool: 'opening_hours' });
    expect(call.status).toBe(400);
    expect(await call.text()).toContain("Input should be 'builtin', 'workflow' or 'api'");
  });

  it('looks at the key first before 1.8.0 and last from there', async () => {
    const status = async (version: string): Promise<number> => {
      const sandbox = await startSandbox({ version });
      const response = await fetch(`${sandbox.url}/inner/api/invoke/tool`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-inner-api-key': 'wrong' },
        body: JSON.stringify({ tenant_id: 'nobody', user_id: '' }),
      });
      return response.status;
    };
    expect(await status('1.7.2')).toBe(404);
    expect(await status('1.8.0')).toBe(400);
  });

  it('sends an object of a custom API once before 1.7.2', async () => {
    const call = {
      tool_type: 'api',
      provider: '5a4db0c5-0000-4000-8000-0000000000a1',
      tool: 'getPet',
      tool_parameters: { petId: 1 },
    };
    const kinds = async (version: string): Promise<unknown[]> =>
      (await framesOf(await startSandbox({ version }), call)).map((frame) => frame.data?.type);
    expect(await kinds('1.7.1')).toEqual(['text']);
    expect(await kinds('1.7.2')).toEqual(['json', 'text']);
  });

  it.each([
    ['1.10.0', 200, 405, 404],
    ['1.10.1', 405, 200, 404],
    ['1.16.1', 405, 200, 404],
    ['1.17.0', 404, 404, 200],
  ])('answers for the current workspace as %s does', async (version, get, post, summary) => {
    const sandbox = await startSandbox({ version });
    const status = async (method: string, path: string): Promise<number> => {
      const headers = {
        authorization: `Bearer ${sandbox.credentials.adminApiKey}`,
        'x-workspace-id': sandbox.credentials.workspaceId,
      };
      return (await fetch(`${sandbox.url}/console/api${path}`, { method, headers })).status;
    };
    const current = '/workspaces/current';
    expect(await status('GET', current)).toBe(get);
    expect(await status('POST', current)).toBe(post);
    expect(await status('GET', `${current}/summary`)).toBe(summary);
    expect(await status('GET', '/workspaces')).toBe(200);
  });

  it('says its release in every answer', async () => {
    const sandbox = await startSandbox({ version: '1.11.4' });
    for (const path of ['/health', '/nowhere', '/inner/api/invoke/tool', '/console/api/workspaces']) {
      const response = await fetch(`${sandbox.url}${path}`);
      const headers = ['x-version', 'x-env'].map((header) => response.headers.get(header));
      expect([path, ...headers]).toEqual([path, '1.11.4', 'PRODUCTION']);
    }
    expect(await (await fetch(`${sandbox.url}/health`)).json()).toMatchObject({ version: '1.11.4' });
  });
});
