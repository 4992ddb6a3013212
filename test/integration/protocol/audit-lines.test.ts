import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox } from '../../../src/index.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { CLIENT_KINDS } from '../../support/mcp-clients.ts';
import { accountEnv, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';

const TOOL = 'time__weekday';
const ARGS = { year: 2026, month: 11, day: 22 };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox.close());

const ways = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));

describe('the audit log', () => {
  it.each(ways)('has every call of the client $kind over $transport', async ({ transport, kind }) => {
    const file = join(mkdtempSync(join(tmpdir(), 'audit-')), 'audit.log');
    const road = kind === 'v1' ? 'account' : 'inner';
    const env = road === 'account' ? accountEnv(sandbox) : sandboxEnv(sandbox);
    {
      await using bridge = await startBridge({ env: { ...env, DIFY_BRIDGE_AUDIT_FILE: file } });
      const client = await bridge.connect(kind, transport);
      await client.callTool(TOOL, ARGS);
      await client.callTool(TOOL, { year: 'never' });
      await client.callTool('no_such_tool', { q: 'FAKE-ARGUMENT' }).catch(() => undefined);
    }
    const text = readFileSync(file, 'utf8');
    const lines = text.trimEnd().split('\n');
    const who = {
      principal: transport === 'stdio' ? 'local' : 'anonymous',
      client: expect.stringMatching(/^test-v[12]$/) as string,
      workspace: 'default',
      view: 'default',
      road,
      argumentsHash: expect.stringMatching(/^[\da-f]{64}$/) as string,
    };
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { ...who, tool: TOOL, provider: 'time', outcome: 'ok', bytes: expect.any(Number) as number },
      { ...who, tool: TOOL, provider: 'time', outcome: 'invalid_arguments', bytes: 0 },
      { ...who, tool: 'no_such_tool', outcome: 'tool_not_found', bytes: 0 },
    ]);
    expect(text).not.toContain('FAKE-ARGUMENT');
    expect(text).not.toContain('never');
  });

  it.each(ways)(
    'has the calls that the bridge answers itself, once each, for $kind over $transport',
    async ({ transport, kind }) => {
      const file = join(mkdtempSync(join(tmpdir(), 'audit-')), 'audit.log');
      const own = {
        DIFY_BRIDGE_AUDIT_FILE: file,
        DIFY_BRIDGE_TOOLS_MODE: 'search',
        DIFY_BRIDGE_TOOLS_HAND_OFF: '50s',
      };
      {
        await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), ...own } });
        const client = await bridge.connect(kind, transport);
        await client.callTool('search_tools', { query: 'weekday' });
        await client.callTool('describe_tool', {});
        await client.callTool('call_tool', { name: TOOL, arguments: ARGS });
        await client.callTool('call_tool', { name: 'no_such_tool', arguments: {} });
        await client.callTool('get_call_result', { call_id: 'nobody' });
        await client.callTool('cancel_call', {});
      }
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      const bridge = { provider: 'bridge', bytes: 0, view: 'default' };
      expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
        { ...bridge, tool: 'search_tools', outcome: 'ok' },
        { ...bridge, tool: 'describe_tool', outcome: 'invalid_arguments' },
        { tool: TOOL, provider: 'time', outcome: 'ok' },
        { ...bridge, tool: 'call_tool', outcome: 'tool_not_found' },
        { ...bridge, tool: 'get_call_result', outcome: 'call_not_found' },
        { ...bridge, tool: 'cancel_call', outcome: 'invalid_arguments' },
      ]);
    },
  );
});
