import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSecrets, difyConnection } from '../../../src/config/connection.ts';
import { type LoadedConfig, loadConfig } from '../../../src/config/load.ts';
import type { UsableLogin } from '../../../src/config/stored-logins.ts';
import { workspaceTexts } from '../../../src/config/workspace-texts.ts';
import { allViewsOf, onlyWorkspace, workspacesOf } from '../../../src/config/workspaces.ts';
import { BridgeError } from '../../../src/model/errors.ts';

const [MAIN, SALES] = ['11111111-2222-4333-8444-555555555555', '11111111-2222-4333-8444-666666666666'];

const HOME = mkdtempSync(join(tmpdir(), 'bridge-home-'));

const DIFY = {
  DIFY_API_URL: 'http://dify.test:5001',
  DIFY_INNER_API_KEY: 'fake-inner-key',
  DIFY_WORKSPACE_ID: MAIN,
  DIFY_ADMIN_API_KEY: 'fake-admin-key',
};

function load(
  file: unknown,
  env: Record<string, string> = {},
  logins?: UsableLogin[],
): Promise<LoadedConfig> {
  const path = join(mkdtempSync(join(tmpdir(), 'bridge-config-')), 'bridge.yaml');
  writeFileSync(path, JSON.stringify(file));
  const stored = logins && { file: '/fake/logins.json', read: async () => logins };
  return loadConfig({ needsDify: true, file: path, env: { HOME, ...DIFY, ...env }, logins: stored });
}

async function sales(own: object, env: Record<string, string> = {}, logins?: UsableLogin[]) {
  const { config } = await load({ workspaces: { sales: own } }, env, logins);
  return onlyWorkspace(config, 'sales');
}

async function problemsOf(file: unknown, env?: Record<string, string>): Promise<readonly string[]> {
  const error = await load(file, env).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BridgeError)) throw new Error('The configuration was accepted.');
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('a workspace', () => {
  it('of the same Dify needs its ID only, and inherits the keys but not the end user', async () => {
    const config = await sales({ dify: { workspaceId: SALES } }, { DIFY_USER_ID: MAIN });
    expect(difyConnection(config)).toMatchObject({
      apiUrl: 'http://dify.test:5001',
      innerApiKey: 'fake-inner-key',
      workspaceId: SALES,
      console: { kind: 'admin-key', key: 'fake-admin-key', workspaceId: SALES },
      userId: '',
    });
  });

  it('changes the texts of errors to name the settings that reach it', async () => {
    const text =
      'Set DIFY_API_URL, DIFY_WORKSPACE_ID, dify.createApp (DIFY_CREATE_APP) or DIFY_BRIDGE_TOKEN.';
    const change = workspaceTexts(await sales({ dify: { workspaceId: SALES } }));
    expect(change?.(text)).toBe(
      'Set DIFY_API_URL, workspaces.sales.dify.workspaceId, workspaces.sales.dify.createApp or DIFY_BRIDGE_TOKEN.',
    );
    const { config } = await load({});
    expect(workspaceTexts(config)).toBeUndefined();
  });

  it('of another Dify inherits none of its keys', async () => {
    const dify = { apiUrl: 'http://other.test', innerApiKey: 'fake-other-key', workspaceId: SALES };
    const config = await sales({ dify: { ...dify, email: 'a@example.com', password: 'fake-password' } });
    expect(JSON.stringify(config.dify)).not.toMatch(/fake-inner-key|fake-admin-key|dify\.test/);
    expect(await problemsOf({ workspaces: { sales: { dify: { apiUrl: 'http://other.test' } } } })).toEqual([
      expect.stringMatching(/^workspaces\.sales\.dify\.innerApiKey: missing: set it here/),
      expect.stringMatching(/^workspaces\.sales\.dify\.workspaceId: missing/),
      expect.stringMatching(/^workspaces\.sales\.dify\.adminApiKey: missing/),
    ]);
  });

  it('with an account of its own does not meet the password or the admin key of another', async () => {
    const config = await sales(
      { dify: { workspaceId: SALES, email: 'b@example.com', password: 'fake-b' } },
      { DIFY_EMAIL: 'a@example.com', DIFY_PASSWORD: 'fake-a' },
    );
    expect(config.dify).toMatchObject({ email: 'b@example.com', password: 'fake-b' });
    expect(config.dify.adminApiKey).toBeUndefined();
    expect(
      await problemsOf({ workspaces: { sales: { dify: { workspaceId: SALES, email: 'b@example.com' } } } }),
    ).toEqual([expect.stringMatching(/^workspaces\.sales\.dify\.password: missing/)]);
  });

  it('inherits tools, catalogue and limits key by key, but neither views nor manifest', async () => {
    const file = {
      tools: { deny: ['*delete*'], names: 'bare', auto: { tools: 7 } },
      views: { support: {} },
      calls: { maxConcurrent: 3, timeout: '2m' },
      catalog: { refresh: '5m' },
      manifest: { dir: HOME },
      workspaces: {
        sales: {
          dify: { workspaceId: SALES },
          tools: { names: 'qualified', auto: { tokens: 9 } },
          views: { orders: { readOnly: true } },
          calls: { maxConcurrent: 2 },
        },
      },
    };
    const { config } = await load(file);
    const own = onlyWorkspace(config, 'sales');
    expect(own.tools).toMatchObject({
      deny: ['*delete*'],
      names: 'qualified',
      auto: { tools: 7, tokens: 9 },
    });
    expect(own.calls).toMatchObject({ maxConcurrent: 2, timeout: 120_000 });
    expect(own.catalog).toEqual({ ...config.catalog, refresh: 300_000 });
    expect(own.manifest).toEqual({ frozen: false });
    expect([...allViewsOf(config).keys()]).toEqual(['default', 'support', 'sales/default', 'sales/orders']);
    expect(workspacesOf(config).get('default')).toBe(config);
  });

  it('takes its settings about Dify from variables of its own, or from the file that one names', async () => {
    const key = join(mkdtempSync(join(tmpdir(), 'bridge-key-')), 'key');
    writeFileSync(key, 'fake-key-of-a-file\n');
    const file = { workspaces: { 'north-sales': { dify: { apiUrl: 'http://other.test' } } } };
    const { config, warnings } = await load(file, {
      DIFY_BRIDGE_WORKSPACES_NORTH_SALES_WORKSPACE_ID: SALES,
      DIFY_BRIDGE_WORKSPACES_NORTH_SALES_INNER_API_KEY_FILE: key,
      DIFY_BRIDGE_WORKSPACES_NORTH_SALES_ADMIN_API_KEY: 'fake-admin-of-north',
      DIFY_BRIDGE_WORKSPACES_NORTH_SALES_ADMIN_KEY: 'x',
    });
    expect(onlyWorkspace(config, 'north-sales').dify).toMatchObject({
      innerApiKey: 'fake-key-of-a-file',
      adminApiKey: 'fake-admin-of-north',
      workspaceId: SALES,
    });
    expect(configSecrets(config)).toEqual(
      expect.arrayContaining(['fake-key-of-a-file', 'fake-admin-of-north']),
    );
    expect(warnings.map(({ path }) => path)).toEqual(['env DIFY_BRIDGE_WORKSPACES_NORTH_SALES_ADMIN_KEY']);
    expect(await problemsOf(file, { DIFY_BRIDGE_WORKSPACES_NORTH_SALES_WORKSPACE_ID: 'three' })).toEqual([
      expect.stringMatching(/^env DIFY_BRIDGE_WORKSPACES_NORTH_SALES_WORKSPACE_ID: .*UUID/),
    ]);
  });

  it('uses the stored login that fits it', async () => {
    const login = {
      url: 'https://dify.test',
      email: 'b@example.com',
      workspaceId: SALES,
      secrets: ['fake-token'],
    };
    const config = await sales({ dify: { url: 'https://dify.test', workspaceId: SALES } }, {}, [
      { ...login, workspaceId: MAIN },
      login,
    ]);
    expect(difyConnection(config)).toMatchObject({
      apiUrl: 'https://dify.test',
      console: { kind: 'stored', file: '/fake/logins.json', email: 'b@example.com', workspaceId: SALES },
    });
    expect(configSecrets(config)).toContain('fake-token');
  });

  it('cannot share an account with another, because an account is in one workspace at a time', async () => {
    const account = { DIFY_ADMIN_API_KEY: '', DIFY_EMAIL: 'a@example.com', DIFY_PASSWORD: 'fake-a' };
    expect(await problemsOf({ workspaces: { sales: { dify: { workspaceId: SALES } } } }, account)).toEqual([
      expect.stringMatching(/^workspaces\.sales\.dify\.email: the account is that of the default workspace/),
    ]);
  });

  it.each([
    [{ Sales: { dify: {} } }, /at most 32 of a-z/],
    [{ default: { dify: { workspaceId: SALES } } }, /described at the top of the file/],
    [{ sales: { dify: { secretKey: 'fake' } } }, /expected url, apiUrl, workspaceId or email/],
    [{ sales: { dify: { workspaceID: SALES } } }, /did you mean workspaceId\?/],
    [{ sales: { dify: { workspaceId: SALES }, http: {} } }, /no such setting; known here: dify, catalog/],
    [{ sales: { dify: { workspaceId: SALES }, calls: { maxMemoryBytes: '1GiB' } } }, /no such setting/],
  ])('is refused by the part that is wrong: %j', async (workspaces, message) => {
    const problems = await problemsOf({ workspaces });
    expect(problems.join('\n')).toMatch(message);
  });

  it('that does not exist is refused with those that do', async () => {
    const { config } = await load({ workspaces: { sales: { dify: { workspaceId: SALES } } } });
    expect(() => onlyWorkspace(config, 'sale')).toThrow(
      expect.objectContaining({ code: 'usage', hint: 'The workspaces are default, sales.' }),
    );
  });
});
