import { describe, expect, it } from 'vitest';
import { configSecrets, difyConnection } from '../../../src/config/connection.ts';
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

const FILE = '/nowhere/logins.json';
const HOME_LOGIN = {
  url: 'https://dify.test',
  email: 'a@dify.test',
  workspaceId: WORKSPACE,
  secrets: ['fake-token'],
};
const OTHER_LOGIN = { ...HOME_LOGIN, url: 'https://other.test', email: 'b@other.test' };
const STORED = [HOME_LOGIN, OTHER_LOGIN];

function loadWith(env: Record<string, string>, read = async () => STORED as readonly (typeof HOME_LOGIN)[]) {
  const nowhere = { HOME: '/nowhere', XDG_CONFIG_HOME: '/nowhere', ...env };
  return loadConfig({ env: nowhere, needsDify: true, logins: { file: FILE, read } });
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

describe('a stored login', () => {
  it.for([
    ['nothing else is configured', {}, HOME_LOGIN],
    ['its address is', { DIFY_URL: 'https://OTHER.test/apps' }, OTHER_LOGIN],
    ['its account is', { DIFY_EMAIL: 'B@other.test' }, OTHER_LOGIN],
    [
      'its address and workspace are',
      { DIFY_URL: 'https://other.test', DIFY_WORKSPACE_ID: WORKSPACE },
      OTHER_LOGIN,
    ],
    ['the road is its own', { DIFY_ROAD: 'account' }, HOME_LOGIN],
  ] as const)('is used if %s', async ([, env, { url, email }]) => {
    const { config, settings } = await loadWith(env);
    expect(difyConnection(config)).toEqual({
      apiUrl: url,
      account: { filesUrl: url, createApp: true },
      console: { kind: 'stored', file: FILE, url, email, workspaceId: WORKSPACE },
    });
    expect(configSecrets(config)).toContain('fake-token');
    expect(settings.find(({ setting }) => setting.path === 'dify.createApp')).toMatchObject({
      value: true,
      source: `login ${FILE}`,
    });
  });

  it('gives way to every other credential, and is not even read', async () => {
    const read = () => Promise.reject(new Error('The stored logins were read.'));
    for (const env of [
      { DIFY_URL: 'https://dify.test', ...LOGIN },
      { DIFY_URL: 'https://dify.test', ...ADMIN },
      { ...INNER, ...ADMIN },
    ]) {
      expect((await loadWith(env, read)).config.login).toBeUndefined();
    }
  });

  it('does not overrule what is configured', async () => {
    const { config } = await loadWith({ DIFY_CREATE_APP: 'false' });
    expect(difyConnection(config)).toMatchObject({ account: { createApp: false } });
  });

  it.for([
    [
      'another address',
      { DIFY_URL: 'https://third.test' },
      /DIFY_EMAIL and DIFY_PASSWORD, .* or run dify-mcp-bridge login/,
    ],
    [
      'another account',
      { DIFY_URL: 'https://dify.test', DIFY_EMAIL: 'c@dify.test' },
      /dify\.password: missing/,
    ],
  ] as const)('is not used for %s', async ([, env, problem]) => {
    const error: unknown = await loadWith(env).catch((thrown: unknown) => thrown);
    expect((error as BridgeError).toText()).toMatch(problem);
  });
});
