import { describe, expect, it } from 'vitest';
import { difyConnection } from '../../../src/config/connection.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { BridgeError } from '../../../src/model/errors.ts';

const WORKSPACE = '3f2a6c1e-0000-4000-8000-5b9d2c7e1f04';
const LOGIN = { DIFY_EMAIL: 'a@dify.test', DIFY_PASSWORD: 'fake-password' };
const ADMIN = { DIFY_ADMIN_API_KEY: 'fake-admin-key', DIFY_WORKSPACE_ID: WORKSPACE };
const INNER = { DIFY_API_URL: 'http://dify.test:5001', DIFY_INNER_API_KEY: 'fake-inner-key' };

function load(env: Record<string, string>) {
  return loadConfig({ env: { HOME: '/nowhere', XDG_CONFIG_HOME: '/nowhere', ...env }, needsDify: true });
}

async function problemsOf(env: Record<string, string>): Promise<readonly string[]> {
  const error: unknown = await load(env).catch((thrown: unknown) => thrown);
  if (!(error instanceof BridgeError)) return ['no error'];
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('the road to Dify', () => {
  it.for([
    ['a login', { DIFY_URL: 'https://dify.test', ...LOGIN }, 'account'],
    ['the admin key', { DIFY_URL: 'https://dify.test', ...ADMIN }, 'account'],
    ['an inner key', { ...INNER, ...ADMIN }, 'inner'],
    ['an inner key beside an address', { DIFY_URL: 'https://dify.test', ...INNER, ...ADMIN }, 'inner'],
    ['the account road by name', { DIFY_ROAD: 'account', ...INNER, ...ADMIN }, 'account'],
    ['the inner road by name', { DIFY_ROAD: 'inner', ...INNER, ...ADMIN }, 'inner'],
  ] as const)('with %s', async ([, env, road]) => {
    const connection = difyConnection((await load(env)).config);
    expect(connection.account === undefined ? 'inner' : 'account').toBe(road);
  });

  it.for([
    ['https://dify.test/', 'https://dify.test'],
    ['https://dify.test/apps?category=all', 'https://dify.test'],
    ['http://dify.test:8080/app/4534d949/workflow#node', 'http://dify.test:8080'],
    ['https://example.test/dify/signin', 'https://example.test/dify'],
    ['http://tools/apps', 'http://tools'],
    [' http://localhost ', 'http://localhost'],
  ] as const)('takes %s as the browser shows it', async ([DIFY_URL, apiUrl]) => {
    expect(difyConnection((await load({ DIFY_URL, ...LOGIN })).config)).toMatchObject({
      apiUrl,
      account: { filesUrl: apiUrl, createApp: false },
    });
  });

  it('knows where Dify Cloud has its files', async () => {
    const { config } = await load({ DIFY_URL: 'https://cloud.dify.ai/apps', ...LOGIN });
    expect(difyConnection(config)).toMatchObject({
      apiUrl: 'https://cloud.dify.ai',
      account: { filesUrl: 'https://upload.dify.ai' },
    });
  });

  it.for([
    [{ DIFY_URL: 'dify.test', ...LOGIN }, /DIFY_URL: the address has no scheme/],
    [{ DIFY_URL: 'https://me:secret@dify.test/apps', ...LOGIN }, /must not contain a user name/],
    [{ DIFY_URL: 'https://dify.test' }, /^dify\.email: missing: set DIFY_EMAIL and DIFY_PASSWORD, or/],
    [{ DIFY_URL: 'https://dify.test', DIFY_EMAIL: 'a@dify.test' }, /^dify\.password: missing/],
    [{ DIFY_URL: 'https://dify.test', DIFY_ADMIN_API_KEY: 'key' }, /^dify\.workspaceId: missing/],
    [{ DIFY_ROAD: 'account', ...LOGIN }, /^dify\.url: missing: set DIFY_URL/],
    [{ DIFY_ROAD: 'tunnel', DIFY_URL: 'https://dify.test', ...LOGIN }, /DIFY_ROAD: expected one of/],
    [
      { DIFY_URL: 'https://dify.test', DIFY_INNER_API_KEY: 'key', ...ADMIN },
      /^dify\.apiUrl: missing: the inner API is not served at DIFY_URL/,
    ],
  ] as const)('names the setting that is wrong: %j', async ([env, problem]) => {
    expect(await problemsOf(env)).toEqual([expect.stringMatching(problem)]);
  });

  it('warns of settings that it does not use', async () => {
    const { warnings } = await load({
      DIFY_ROAD: 'account',
      DIFY_URL: 'https://dify.test',
      ...INNER,
      DIFY_SECRET_KEY: 'fake-secret-key',
      ...ADMIN,
    });
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'dify.innerApiKey: not used on the account road',
      'dify.secretKey: not used on the account road',
    ]);
  });
});
