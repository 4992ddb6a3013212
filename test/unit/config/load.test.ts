import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSecrets, difyConnection } from '../../../src/config/connection.ts';
import { type ConfigSources, loadConfig } from '../../../src/config/load.ts';
import { configFileSchema } from '../../../src/config/schema.ts';
import { settingsTable } from '../../../src/config/settings.ts';
import { BridgeError } from '../../../src/model/errors.ts';

const WORKSPACE = '11111111-2222-4333-8444-555555555555';

/** A home without a configuration file, so that the machine's own does not get in. */
const HOME = mkdtempSync(join(tmpdir(), 'bridge-home-'));

const DIFY = {
  DIFY_API_URL: 'http://dify.test:5001',
  DIFY_INNER_API_KEY: 'fake-inner-key',
  DIFY_WORKSPACE_ID: WORKSPACE,
  DIFY_ADMIN_API_KEY: 'fake-admin-key',
  DIFY_SECRET_KEY: 'fake-secret-key',
};

const load = (sources: Partial<ConfigSources> = {}) =>
  loadConfig({ needsDify: true, ...sources, env: { HOME, ...(sources.env ?? DIFY) } });

const problemsOf = async (sources: Partial<ConfigSources>): Promise<readonly string[]> => {
  const error = await load(sources).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BridgeError)) throw new Error('The configuration was accepted.');
  expect(error.code).toBe('config_invalid');
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
};

function fileWith(content: string, name = 'bridge.yaml'): string {
  const path = join(mkdtempSync(join(tmpdir(), 'bridge-config-')), name);
  writeFileSync(path, content);
  return path;
}

describe('precedence', () => {
  it('takes a flag before the environment, the environment before the file, the file before the default', async () => {
    const file = fileWith('http:\n  host: file.test\n  port: 1001\n  maxStreams: 7\nlog:\n  level: warn\n');
    const { config, settings } = await load({
      file,
      env: { ...DIFY, DIFY_BRIDGE_PORT: '1002', DIFY_BRIDGE_HOST: 'env.test' },
      flags: { 'http.port': '1003' },
    });
    expect(config.http).toMatchObject({ host: 'env.test', port: 1003, maxStreams: 7, keepAlive: 5000 });
    const source = (path: string) => settings.find(({ setting }) => setting.path === path)?.source;
    expect(source('http.port')).toBe('flag --port');
    expect(source('http.host')).toBe('env DIFY_BRIDGE_HOST');
    expect(source('http.maxStreams')).toBe(`file ${file}:4 http.maxStreams`);
    expect(source('log.level')).toBe(`file ${file}:6 log.level`);
    expect(source('calls.timeout')).toBe('default');
    expect(source('tools.pageSize')).toBe('unset');
  });

  it('has the documented defaults', async () => {
    const { config } = await load();
    expect(config).toEqual({
      dify: {
        apiUrl: 'http://dify.test:5001',
        innerApiKey: 'fake-inner-key',
        workspaceId: WORKSPACE,
        adminApiKey: 'fake-admin-key',
        secretKey: 'fake-secret-key',
        userId: '',
      },
      http: {
        host: '127.0.0.1',
        port: 8080,
        allowWithoutToken: false,
        allowedHosts: [],
        allowedOrigins: [],
        maxStreams: 1000,
        maxBodyBytes: 4_194_304,
        keepAlive: 5000,
      },
      catalog: { refresh: 60_000, loadTimeout: 20_000 },
      tools: {
        names: 'qualified',
        maxNameLength: 44,
        languages: ['en_US'],
        formParameters: 'preset',
        unauthorized: 'brief',
        mode: 'list',
        auto: { tools: 80, tokens: 20_000 },
        pinned: [],
        deny: [],
        allow: [],
        readOnly: false,
        sounds: 'inline',
        maxInlineBytes: 1_000_000,
        maxTextChars: 100_000,
        handOff: { after: 50_000, withProgress: false },
        presets: {},
        aliases: {},
      },
      views: {},
      workspaces: {},
      manifest: { frozen: false },
      calls: {
        timeout: 1_260_000,
        maxConcurrent: 8,
        maxQueued: 100,
        maxFrameBytes: 31_457_280,
        maxAnswerBytes: 67_108_864,
        progressInterval: 15_000,
        shutdownGrace: 10_000,
        keepResults: 3_600_000,
        maxKeptBytes: 67_108_864,
      },
      limits: {
        ratePerPrincipal: 300_000,
        ratePerProvider: 600_000,
        ratePerView: 600_000,
        maxArgumentBytes: 16 * 1024 ** 2,
        breakerFailures: 10,
        breakerPause: 10_000,
      },
      files: {
        urls: 'fetch',
        allowHttp: false,
        allowedNetworks: [],
        fetchTimeout: 60_000,
        maxInputBytes: 209_715_200,
        allowedPaths: [],
        store: 'directory',
        keep: 86_400_000,
        maxOutputBytes: 209_715_200,
        maxReadBytes: 10_485_760,
      },
      state: {},
      oauth: { scopes: [], algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
      signIn: { emailDomains: [], clientDocuments: true, redirectHosts: [] },
      log: { level: 'info' },
      admin: { host: '127.0.0.1', allowWithoutToken: false },
      audit: { maxFileBytes: 67_108_864, maxFiles: 5, arguments: false },
      keysFile: join(HOME, '.config', 'dify-mcp-bridge', 'keys.json'),
      cacheDir: join(HOME, '.cache', 'dify-mcp-bridge'),
    });
  });

  it('counts an empty variable as unset', async () => {
    const { config } = await load({ env: { ...DIFY, DIFY_BRIDGE_PORT: '', DIFY_SECRET_KEY: '  ' } });
    expect(config.http.port).toBe(8080);
    expect(config.dify.secretKey).toBeUndefined();
  });

  it('freezes the result to its depths', async () => {
    const { config } = await load();
    expect(
      Object.isFrozen(config) && Object.isFrozen(config.tools) && Object.isFrozen(config.tools.languages),
    ).toBe(true);
  });
});

describe('wrong values', () => {
  it('are reported all together, each with its source', async () => {
    const file = fileWith('http:\n  maxStreams: 0\n  maxBodyBytes: lots\ncalls:\n  maxQueued: -1\n');
    const problems = await problemsOf({
      file,
      env: { DIFY_API_URL: 'localhost:5001', DIFY_WORKSPACE_ID: 'main', DIFY_BRIDGE_TOOLS_NAMES: 'short' },
      flags: { 'http.port': '99999', 'log.level': 'loud' },
    });
    expect(problems).toEqual([
      'env DIFY_API_URL: the address has no scheme: add http:// or https:// in front of it',
      expect.stringMatching(/^env DIFY_WORKSPACE_ID: expected a UUID/),
      'flag --port: expected a whole number from 0 to 65535, got 99999',
      `file ${file}:2 http.maxStreams: expected a whole number from 1 to 100000, got 0`,
      expect.stringMatching(/:3 http\.maxBodyBytes: expected a size .*, got "lots"$/),
      'env DIFY_BRIDGE_TOOLS_NAMES: expected one of qualified, bare, got "short"',
      `file ${file}:5 calls.maxQueued: expected a whole number from 0 to 100000, got -1`,
      'flag --log-level: expected one of debug, info, warn, error, silent, got "loud"',
      expect.stringMatching(/^dify\.innerApiKey: missing/),
      expect.stringMatching(/^dify\.adminApiKey: missing/),
    ]);
  });

  it.each(['ada', 'Ada <ada@example.com>', '@example.com', 'ada@', 'a da@example.com'])(
    'say what an e-mail address looks like: %s',
    async (value) => {
      const problems = await problemsOf({
        env: { ...DIFY, DIFY_EMAIL: value, DIFY_PASSWORD: 'fake-password' },
      });
      expect(problems).toEqual(['env DIFY_EMAIL: expected an e-mail address, such as ada@example.com']);
    },
  );

  it('never repeat what may be a secret', async () => {
    const error = await load({
      env: { ...DIFY, DIFY_WORKSPACE_ID: 'fake-secret-value', DIFY_API_URL: 'http://u:fake-secret-value@h' },
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BridgeError);
    expect((error as BridgeError).toText()).not.toContain('fake-secret-value');
  });

  it.each([
    ['localhost', /no scheme/],
    ['api:5001', /no scheme/],
    ['10.0.0.5:5001/', /no scheme/],
    ['ftp://dify.test', /http:\/\/ or https:\/\//],
    ['://', /http:\/\/ or https:\/\//],
    ['http://dify.test/console/api', /omit \/console\/api/],
    ['http://dify.test/v1', /omit \/v1/],
    ['http://dify.test/inner/api/invoke/tool', /omit \/inner\/api\/invoke\/tool/],
    ['http://dify.test/apps', /omit \/apps/],
    ['http://user:pass@dify.test', /user name or a password/],
    ['http://dify.test/?a=1', /\? or #/],
  ])('DIFY_API_URL=%s is refused in words that help', async (url, expected) => {
    const problems = await problemsOf({ env: { ...DIFY, DIFY_API_URL: url } });
    expect(problems).toEqual([expect.stringMatching(expected)]);
  });

  it.each([
    'redis',
    'localhost:6379',
    'http://fake-secret@h',
    'redis://',
    'redis://h/x',
    'redis://h?a=1',
    'redis://:%@h',
  ])('DIFY_BRIDGE_REDIS_URL=%s is refused, and not repeated', async (url) => {
    expect(await problemsOf({ env: { ...DIFY, DIFY_BRIDGE_REDIS_URL: url } })).toEqual([
      'env DIFY_BRIDGE_REDIS_URL: expected an address of Redis, such as redis://redis:6379 or ' +
        'rediss://:PASSWORD@redis.example.com:6380/1',
    ]);
  });

  it.each(['redis://h', 'rediss://user:p%20w@redis.test:6380/15', 'redis://[::1]:6379/'])(
    'DIFY_BRIDGE_REDIS_URL=%s is taken',
    async (url) => {
      const { config } = await load({ env: { ...DIFY, DIFY_BRIDGE_REDIS_URL: url } });
      expect(config.state.redisUrl).toBe(url);
    },
  );

  it.each([
    ['http://dify.test:5001/', 'http://dify.test:5001'],
    [' https://dify.test/sub/path// ', 'https://dify.test/sub/path'],
    ['http://[::1]:5001', 'http://[::1]:5001'],
  ])('DIFY_API_URL=%s is taken', async (url, expected) => {
    expect((await load({ env: { ...DIFY, DIFY_API_URL: url } })).config.dify.apiUrl).toBe(expected);
  });

  it.each([
    ['off', 'off'],
    ['90s', 90_000],
    ['100ms', 100],
  ])('DIFY_BRIDGE_TOOLS_HAND_OFF=%s is taken', async (value, expected) => {
    const { config } = await load({ env: { ...DIFY, DIFY_BRIDGE_TOOLS_HAND_OFF: value } });
    expect(config.tools.handOff).toEqual({ after: expected, withProgress: false });
  });

  it.each(['50', 'never', '2h', '50ms'])('DIFY_BRIDGE_TOOLS_HAND_OFF=%s is refused', async (value) => {
    expect(await problemsOf({ env: { ...DIFY, DIFY_BRIDGE_TOOLS_HAND_OFF: value } })).toEqual([
      `env DIFY_BRIDGE_TOOLS_HAND_OFF: expected off, or a duration with its unit (ms, s, m or h) from 100ms to 1h, got "${value}"`,
    ]);
  });

  it('explain the variable that Kubernetes sets by itself', async () => {
    const problems = await problemsOf({ env: { ...DIFY, DIFY_BRIDGE_PORT: 'tcp://10.0.0.1:8080' } });
    expect(problems).toEqual([expect.stringMatching(/^env DIFY_BRIDGE_PORT: .*enableServiceLinks/)]);
  });

  it.each(['yes', 'TRUE', '1', 'on'])('reads %s in the environment as true', async (value) => {
    const { config } = await load({ env: { ...DIFY, DIFY_BRIDGE_ALLOW_WITHOUT_TOKEN: value } });
    expect(config.http.allowWithoutToken).toBe(true);
  });

  it('refuses another word where true or false is expected', async () => {
    const problems = await problemsOf({ env: { ...DIFY, DIFY_BRIDGE_ALLOW_WITHOUT_TOKEN: 'maybe' } });
    expect(problems).toEqual(['env DIFY_BRIDGE_ALLOW_WITHOUT_TOKEN: expected true or false, got "maybe"']);
  });

  it('reads lists and plain sizes from the environment', async () => {
    const { config } = await load({
      env: {
        ...DIFY,
        DIFY_BRIDGE_TOOLS_LANGUAGES: 'ja_JP, en_US,',
        DIFY_BRIDGE_TOOLS_MAX_IMAGE_BYTES: '5000',
      },
    });
    expect(config.tools.languages).toEqual(['ja_JP', 'en_US']);
    expect(config.tools.maxImageBytes).toBe(5000);
  });

  it('takes networks and folders for files, and says of others what is expected', async () => {
    const networks = [
      'files.intern',
      'FILES.example.',
      'bücher.example',
      '10.1.0.0/16',
      '::1',
      'fd00::/8',
      '192.0.2.7',
    ];
    const { config } = await load({
      env: {
        ...DIFY,
        DIFY_BRIDGE_FILES_ALLOWED_NETWORKS: networks.join(','),
        DIFY_BRIDGE_FILES_ALLOWED_PATHS: '/srv/a, /srv/b',
      },
    });
    expect(config.files).toMatchObject({ allowedNetworks: networks, allowedPaths: ['/srv/a', '/srv/b'] });
    for (const wrong of [
      '10.1.0.0/33',
      'fd00::/129',
      'files.intern/8',
      '*.intern',
      '2130706433',
      'https://a',
    ]) {
      expect(await problemsOf({ env: { ...DIFY, DIFY_BRIDGE_FILES_ALLOWED_NETWORKS: wrong } })).toEqual([
        expect.stringMatching(/^env DIFY_BRIDGE_FILES_ALLOWED_NETWORKS: expected a host name such as/),
      ]);
    }
    expect(await problemsOf({ env: { ...DIFY, DIFY_BRIDGE_FILES_ALLOWED_PATHS: 'srv' } })).toEqual([
      'env DIFY_BRIDGE_FILES_ALLOWED_PATHS: expected the absolute path of a folder',
    ]);
  });

  it('takes an end user that is a UUID, and no other text', async () => {
    expect((await load({ env: { ...DIFY, DIFY_USER_ID: WORKSPACE } })).config.dify.userId).toBe(WORKSPACE);
    const problems = await problemsOf({ env: { ...DIFY, DIFY_USER_ID: 'bob' } });
    expect(problems).toEqual([
      expect.stringMatching(/^env DIFY_USER_ID: expected the id of a Dify end user/),
    ]);
  });
});

describe('signing in with Dify', () => {
  const env = {
    DIFY_URL: 'https://dify.test',
    DIFY_BRIDGE_SIGN_IN_KEY: 'a fake key that is longer than 32 characters',
  };
  const url = { DIFY_BRIDGE_PUBLIC_URL: 'https://bridge.test' };

  it('needs a public address with https, except on loopback', async () => {
    await expect(load({ env })).rejects.toThrow('The configuration has a problem');
    await expect(load({ env: { ...env, DIFY_BRIDGE_PUBLIC_URL: 'http://bridge.test' } })).rejects.toThrow(
      'The configuration has a problem',
    );
    await load({ env: { ...env, DIFY_BRIDGE_PUBLIC_URL: 'http://127.0.0.1:8080' } });
    await load({ env: { ...env, ...url } });
  });

  it('needs a key that nobody guesses', async () => {
    const error = await load({ env: { ...env, ...url, DIFY_BRIDGE_SIGN_IN_KEY: 'short' } }).catch(
      (thrown) => thrown,
    );
    expect((error as BridgeError).toText()).toContain('expected at least 32 characters');
    expect((error as BridgeError).toText()).not.toContain('short');
  });

  it('suffices as a connection: the bridge itself then has no tools', async () => {
    const { config } = await load({ env: { ...env, ...url } });
    expect(difyConnection(config)).toMatchObject({ apiUrl: 'https://dify.test' });
    expect(difyConnection(config).console).toBeUndefined();
    const own = await load({
      env: { ...env, ...url, DIFY_EMAIL: 'a@dify.test', DIFY_PASSWORD: 'fake-password' },
    });
    expect(difyConnection(own.config).console).toMatchObject({ kind: 'login', email: 'a@dify.test' });
    expect(configSecrets(own.config)).toContain(env.DIFY_BRIDGE_SIGN_IN_KEY);
  });
});

describe('secrets in files', () => {
  const secrets = settingsTable().filter(({ secret }) => secret === true);

  it('is possible for every secret', () => {
    expect(secrets.map(({ path }) => path)).toEqual([
      'dify.innerApiKey',
      'dify.adminApiKey',
      'dify.password',
      'dify.secretKey',
      'http.token',
      'http.sessionKey',
      'signIn.key',
      'state.redisUrl',
      'state.redisPassword',
      'admin.token',
    ]);
  });

  it('is possible for the address of a Redis', async () => {
    const file = fileWith('redis://:fake-password@redis.test:6379/2\n', 'secret');
    const { config } = await load({ env: { ...DIFY, DIFY_BRIDGE_REDIS_URL_FILE: file } });
    expect(config.state.redisUrl).toBe('redis://:fake-password@redis.test:6379/2');
    expect(configSecrets(config)).toContain('fake-password');
  });

  it.each(secrets.filter(({ kind }) => kind === 'text'))(
    '$env may be named as a file, without what editors add',
    async ({ env, path }) => {
      const name = env ?? '';
      const file = fileWith('\ufefffake secret with spaces, longer than 32\r\n\n', 'secret');
      const { config } = await load({
        env: {
          ...DIFY,
          DIFY_EMAIL: 'bridge@dify.test',
          DIFY_BRIDGE_PUBLIC_URL: 'https://bridge.test',
          [name]: undefined,
          [`${name}_FILE`]: file,
        },
      });
      const [group = '', key = ''] = path.split('.');
      const value = (config as unknown as Record<string, Record<string, unknown>>)[group]?.[key];
      expect(value).toBe('fake secret with spaces, longer than 32');
    },
  );

  it('may be a file in the encoding of Windows PowerShell', async () => {
    const file = fileWith('', 'secret');
    writeFileSync(file, Buffer.from('\ufefffake-key\r\n', 'utf16le'));
    const { config } = await load({
      env: { ...DIFY, DIFY_SECRET_KEY_FILE: file, DIFY_SECRET_KEY: undefined },
    });
    expect(config.dify.secretKey).toBe('fake-key');
  });

  it.each([' fake-key\n', '\ufefffake-key', '\tfake-key\r\n', '\u00a0fake-key'])(
    'loses what editors add: %j',
    async (key) => {
      const { config } = await load({ env: { ...DIFY, DIFY_INNER_API_KEY: key, DIFY_BRIDGE_TOKEN: key } });
      expect([config.dify.innerApiKey, config.http.token]).toEqual(['fake-key', 'fake-key']);
      const file = fileWith(`http:\n  token: ${JSON.stringify(key)}\n`);
      expect((await load({ file })).config.http.token).toBe('fake-key');
    },
  );

  it.each([
    ['"fake-key"', 'expected a key without quotes around it'],
    ["'fake-key'\n", 'expected a key without quotes around it'],
    ['“fake-key”', 'expected a key without quotes around it'],
    ['fake\nkey', 'expected a key on one line'],
    ['fake\u200bkey', 'expected a key of visible ASCII characters: copy it again'],
    ['fake–key', 'expected a key of visible ASCII characters: copy it again'],
    ['fake\u0000key', 'expected a key of visible ASCII characters: copy it again'],
  ])('is refused by name, and not quoted, where no header can carry it: %j', async (key, message) => {
    expect(await problemsOf({ env: { ...DIFY, DIFY_INNER_API_KEY: key, DIFY_ADMIN_API_KEY: key } })).toEqual([
      `env DIFY_INNER_API_KEY: ${message}`,
      `env DIFY_ADMIN_API_KEY: ${message}`,
    ]);
    const file = fileWith(key, 'secret');
    expect(
      await problemsOf({ env: { ...DIFY, DIFY_INNER_API_KEY: undefined, DIFY_INNER_API_KEY_FILE: file } }),
    ).toEqual([`env DIFY_INNER_API_KEY_FILE: ${message}`]);
  });

  it('is refused when the variable is set as well', async () => {
    const file = fileWith('x', 'secret');
    expect(await problemsOf({ env: { ...DIFY, DIFY_SECRET_KEY_FILE: file } })).toEqual([
      'env DIFY_SECRET_KEY: DIFY_SECRET_KEY and DIFY_SECRET_KEY_FILE are both set: unset one of them',
    ]);
  });

  it('is refused when the file is missing or empty, and the setting does not count as missing too', async () => {
    const { DIFY_INNER_API_KEY: _key, DIFY_ADMIN_API_KEY: _admin, ...rest } = DIFY;
    const empty = fileWith(' \t\n', 'empty');
    const problems = await problemsOf({
      env: { ...rest, DIFY_INNER_API_KEY_FILE: join(HOME, 'absent'), DIFY_ADMIN_API_KEY_FILE: empty },
    });
    expect(problems).toEqual([
      `env DIFY_INNER_API_KEY_FILE: the file ${join(HOME, 'absent')} cannot be read (ENOENT)`,
      `env DIFY_ADMIN_API_KEY_FILE: the file ${empty} is empty`,
    ]);
  });
});

describe('placeholders', () => {
  it('count as missing and let the next source speak', async () => {
    const file = fileWith('http:\n  token: ${TOKEN}\n  port: 1001\n');
    const { config, warnings } = await load({
      file,
      env: { ...DIFY, DIFY_BRIDGE_PORT: '${user_config.port}' },
    });
    expect(config.http.port).toBe(1001);
    expect(config.http.token).toBeUndefined();
    expect(warnings.map(({ path }) => path)).toEqual(['env DIFY_BRIDGE_PORT', `file ${file}:2 http.token`]);
  });

  it.each(['DIFY_INNER_API_KEY', 'DIFY_INNER_API_KEY_FILE'])('of %s are named', async (name) => {
    const key = '${user_config.key}';
    const value = name.endsWith('_FILE') ? fileWith(`${key}\n`, 'placeholder') : key;
    const error = await load({ env: { ...DIFY, DIFY_INNER_API_KEY: undefined, [name]: value } }).catch(
      (thrown: unknown) => thrown,
    );
    expect((error as BridgeError).toText()).toContain(`env ${name}`);
    expect((error as BridgeError).problems.map(({ path }) => path)).toEqual(['dify.innerApiKey']);
  });
});

describe('the file', () => {
  it.each([
    [
      'tools:\n  presets:\n    web__search:\n      parameters:\n        id: 1234567890123456789\n',
      'bridge.yaml:5 tools.presets.web__search.parameters.id: a number beyond 2^53 must be in quotes',
    ],
    [
      'tools:\n  presets:\n    web__search:\n      narrow:\n        n: { enum: [9007199254740993] }\n',
      'bridge.yaml:5 tools.presets.web__search.narrow.n.enum.0: a number beyond 2^53 must be in quotes',
    ],
    [
      'http:\n  port: 12345678901234567890\n',
      'bridge.yaml:2 http.port: expected a whole number from 0 to 65535, got 12345678901234567890',
    ],
    ['htp:\n  port: 1\n', 'bridge.yaml:1 htp: no such setting; did you mean http?'],
    ['http:\n  host: a\n  prot: 1\n', 'bridge.yaml:3 http.prot: no such setting; did you mean port?'],
    ['log:\n  frobnicate: 1\n', 'bridge.yaml:2 log.frobnicate: no such setting; known here: level'],
    ['http: 8080\n', 'bridge.yaml:1 http: expected settings, each as "name: value"'],
    ['- a\n- b\n', 'bridge.yaml:1: expected settings, each as "name: value"'],
    [
      'tools:\n  presets:\n    web__search:\n      parameter: {}\n',
      'bridge.yaml:4 tools.presets.web__search.parameter: no such setting; did you mean parameters?',
    ],
    [
      'tools:\n  presets:\n    web__search:\n      parameters: 5\n',
      'bridge.yaml:4 tools.presets.web__search.parameters: expected an object: the name of a parameter, then its value',
    ],
    [
      'tools:\n  languages: [en_US, 5]\n',
      'bridge.yaml:2 tools.languages.1: expected text (in the file, put it in quotes)',
    ],
    [
      'dify:\n  password: 12345\n  email: a@dify.test\n',
      'bridge.yaml:2 dify.password: expected text (in the file, put it in quotes)',
    ],
  ])('%j is refused with its line', async (content, expected) => {
    const file = fileWith(content);
    const problems = await problemsOf({ file });
    expect(problems).toEqual([`file ${file.replace('bridge.yaml', expected)}`]);
  });

  it('that is not YAML is refused with its line, and nothing is called missing that it may hold', async () => {
    const file = fileWith('http:\n  port: [1\nlog: {}\n');
    const problems = await problemsOf({ file, env: {} });
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every((text) => text.startsWith(`file ${file}:`))).toBe(true);
  });

  it('with a key twice is refused', async () => {
    const file = fileWith('http:\n  port: 1\n  port: 2\n');
    expect(await problemsOf({ file })).toEqual([expect.stringMatching(/bridge\.yaml:3: .*"port" only once/)]);
  });

  it('may refer to its own parts, but not without end', async () => {
    const file = fileWith('tools:\n  deny: &names [a, b]\n  pinned: *names\n');
    expect((await load({ file })).config.tools.pinned).toEqual(['a', 'b']);
    const deep = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, index, all) => {
      return `  ${name}: &${name} [${
        index === 0
          ? 'x'
          : Array(10)
              .fill(`*${all[index - 1]}`)
              .join()
      }]`;
    });
    expect(await problemsOf({ file: fileWith(`log:\n${deep.join('\n')}\n`) })).toEqual([
      expect.stringMatching(/bridge\.yaml:1: Excessive alias count/),
    ]);
  });

  it.each(['*core4711', '!core4711', '!core4711!', '|core4711'])(
    'is not quoted where a password that needs quotes is in it: %s',
    async (password) => {
      const problems = await problemsOf({ file: fileWith(`dify:\n  password: ${password}\n`) });
      expect(problems.join()).toMatch(/bridge\.yaml:[12]/);
      expect(problems.join()).not.toContain('core4711');
    },
  );

  it('may be JSON, empty, and have empty groups', async () => {
    expect((await load({ file: fileWith('{"http": {"port": 7}}') })).config.http.port).toBe(7);
    expect((await load({ file: fileWith('') })).config.http.port).toBe(8080);
    expect((await load({ file: fileWith('http:\nlog:\n  level:\n') })).config.log.level).toBe('info');
  });

  it('gives presets, which no other source can', async () => {
    const file = fileWith(
      [
        'tools:',
        '  presets:',
        '    web__search:',
        '      parameters: { engine: fast, limit: 5, deep: { a: [1, null] } }',
        `      credentialId: ${WORKSPACE}`,
      ].join('\n'),
    );
    expect((await load({ file })).config.tools.presets).toEqual({
      web__search: {
        parameters: { engine: 'fast', limit: 5, deep: { a: [1, null] } },
        credentialId: WORKSPACE,
      },
    });
  });

  it('is found by DIFY_BRIDGE_CONFIG and in XDG_CONFIG_HOME or ~/.config', async () => {
    const named = fileWith('http: { port: 1001 }');
    expect((await load({ env: { ...DIFY, DIFY_BRIDGE_CONFIG: named } })).file).toBe(named);

    const base = mkdtempSync(join(tmpdir(), 'bridge-xdg-'));
    mkdirSync(join(base, '.config', 'dify-mcp-bridge'), { recursive: true });
    const path = join(base, '.config', 'dify-mcp-bridge', 'config.yaml');
    writeFileSync(path, 'http: { port: 1002 }');
    expect((await load({ env: { ...DIFY, HOME: base } })).file).toBe(path);
    expect((await load({ env: { ...DIFY, XDG_CONFIG_HOME: join(base, '.config') } })).config.http.port).toBe(
      1002,
    );
    expect((await load({ env: { ...DIFY, HOME: base }, file: named })).file).toBe(named);
  });

  it('that was named must exist', async () => {
    await expect(load({ file: join(HOME, 'absent.yaml') })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/absent\.yaml cannot be read \(ENOENT\)/),
    });
  });
});

describe('an end user for each principal', () => {
  it('is of the inner road, and leaves no use for a single one', async () => {
    const env = { ...DIFY, DIFY_USER_PER_PRINCIPAL: 'true', DIFY_USER_ID: WORKSPACE };
    expect((await load({ env })).warnings).toContainEqual({
      path: 'dify.userId',
      message: expect.stringMatching(/^not used/),
    });
    expect((await load({ env: { ...env, DIFY_ROAD: 'account' } })).warnings).toContainEqual({
      path: 'dify.userPerPrincipal',
      message: 'not used on the account road',
    });
  });
});

describe('access tokens', () => {
  const env = {
    ...DIFY,
    DIFY_BRIDGE_PUBLIC_URL: 'https://bridge.example.com',
    DIFY_BRIDGE_OAUTH_ISSUER: 'https://login.example.com/',
  };

  it('are accepted from an issuer, whose slash at the end is kept', async () => {
    const file = fileWith(
      'views: { charts: {} }\noauth: { views: { charts: { scope: dify.charts }, default: { claim: groups, value: staff } } }',
    );
    const { config } = await load({ file, env: { ...env, DIFY_BRIDGE_OAUTH_SCOPES: 'dify,dify.read' } });
    expect(config.oauth).toEqual({
      issuer: 'https://login.example.com/',
      scopes: ['dify', 'dify.read'],
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      views: { charts: { scope: 'dify.charts' }, default: { claim: 'groups', value: 'staff' } },
    });
    expect(config.oauth).not.toHaveProperty('audience');
  });

  it('are accepted from an issuer on loopback without TLS, by IPv6 too', async () => {
    const local = {
      DIFY_BRIDGE_PUBLIC_URL: 'http://[::1]:8080',
      DIFY_BRIDGE_OAUTH_ISSUER: 'http://[::1]:9000',
    };
    const { config } = await load({ env: { ...env, ...local } });
    expect(config.oauth.issuer).toBe('http://[::1]:9000');
  });

  it.each<[Record<string, string>, string, string]>([
    [{ DIFY_BRIDGE_PUBLIC_URL: '' }, '', 'http.publicUrl: missing: oauth.issuer needs'],
    [
      { DIFY_BRIDGE_PUBLIC_URL: 'http://bridge.example.com' },
      '',
      'env DIFY_BRIDGE_PUBLIC_URL: expected https://',
    ],
    [
      { DIFY_BRIDGE_OAUTH_ISSUER: 'http://login.example.com' },
      '',
      'env DIFY_BRIDGE_OAUTH_ISSUER: expected the address',
    ],
    [{ DIFY_BRIDGE_OAUTH_ISSUER: 'login' }, '', 'env DIFY_BRIDGE_OAUTH_ISSUER: expected the address'],
    [{ DIFY_BRIDGE_OAUTH_ISSUER: '', DIFY_BRIDGE_OAUTH_SCOPES: 'dify' }, '', 'oauth.issuer: missing'],
    [
      { DIFY_BRIDGE_OAUTH_ALGORITHMS: 'RS256,HS256' },
      '',
      'env DIFY_BRIDGE_OAUTH_ALGORITHMS: expected one of RS256',
    ],
    [{ DIFY_BRIDGE_OAUTH_SCOPES: 'dify read' }, '', 'expected a scope without spaces'],
    [{ DIFY_BRIDGE_OAUTH_ALGORITHMS: 'none' }, '', 'env DIFY_BRIDGE_OAUTH_ALGORITHMS: expected one of RS256'],
    [{}, 'oauth: { views: { chart: { scope: a } } }', 'there is no view named chart'],
    [{}, 'oauth: { views: { default: { claim: groups } } }', 'expected a scope, or a claim and its value'],
    [{}, 'oauth: { views: { default: {} } }', 'expected a scope, or a claim and its value'],
    [{}, 'oauth: { isuer: x }', 'did you mean'],
  ])('with %o and %j are refused', async (changes, text, problem) => {
    const problems = await problemsOf({ file: fileWith(text), env: { ...env, ...changes } });
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });
});

describe('the connection to Dify', () => {
  it('is required in whole', async () => {
    const env = { DIFY_API_URL: DIFY.DIFY_API_URL };
    expect((await problemsOf({ env })).map((text) => text.split(':')[0])).toEqual([
      'dify.innerApiKey',
      'dify.workspaceId',
      'dify.adminApiKey',
    ]);
  });

  it('is not listed setting by setting where nothing of it is there', async () => {
    expect(await problemsOf({ env: {} })).toEqual([]);
  });

  it('asks for the other half of a login', async () => {
    const { DIFY_ADMIN_API_KEY: _, ...rest } = DIFY;
    expect(await problemsOf({ env: { ...rest, DIFY_EMAIL: 'a@dify.test' } })).toEqual([
      expect.stringMatching(/^dify\.password: missing/),
    ]);
    expect(await problemsOf({ env: { ...rest, DIFY_PASSWORD: 'fake' } })).toEqual([
      expect.stringMatching(/^dify\.email: missing/),
    ]);
  });

  it('is not required where it is not used', async () => {
    const { config } = await load({ env: {}, needsDify: false });
    expect(() => difyConnection(config)).toThrow(BridgeError);
  });

  it('prefers the admin key to a login', async () => {
    const login = { DIFY_EMAIL: 'a@dify.test', DIFY_PASSWORD: 'fake-password' };
    const both = await load({ env: { ...DIFY, ...login } });
    expect(difyConnection(both.config).console).toEqual({
      kind: 'admin-key',
      key: 'fake-admin-key',
      workspaceId: WORKSPACE,
    });
    const { DIFY_ADMIN_API_KEY: _, ...rest } = DIFY;
    const one = await load({ env: { ...rest, ...login } });
    expect(difyConnection(one.config)).toEqual({
      apiUrl: 'http://dify.test:5001',
      innerApiKey: 'fake-inner-key',
      workspaceId: WORKSPACE,
      console: { kind: 'login', email: 'a@dify.test', password: 'fake-password', workspaceId: WORKSPACE },
      secretKey: 'fake-secret-key',
      userId: '',
    });
    expect(configSecrets(both.config)).toEqual([
      'fake-inner-key',
      'fake-admin-key',
      'fake-password',
      'fake-secret-key',
    ]);
  });

  it('is replaced by the sandbox, whatever the sources say', async () => {
    const file = fileWith('dify:\n  workspaceId: nonsense\n  apiUrl: ${URL}\n');
    const { config, settings, warnings } = await load({
      file,
      sandbox: true,
      env: { DIFY_API_URL: 'nonsense', DIFY_INNER_API_KEY: 'a', DIFY_INNER_API_KEY_FILE: 'b' },
    });
    expect(config.sandbox).toBe('demo');
    expect(config.dify).toEqual({ userId: '' });
    expect(warnings).toEqual([]);
    expect(settings.find(({ setting }) => setting.path === 'dify.apiUrl')?.source).toBe('sandbox');
    expect((await load({ sandbox: 'files', env: {} })).config.sandbox).toBe('files');
  });

  it('has no sandbox of another name', async () => {
    await expect(load({ sandbox: 'demos' })).rejects.toMatchObject({
      code: 'usage',
      hint: 'Did you mean demo?',
    });
  });
});

describe('warnings', () => {
  const warningsWith = async (env: Record<string, string | undefined>): Promise<readonly string[]> =>
    (await load({ env: { ...DIFY, ...env } })).warnings.map(({ path, message }) => `${path}: ${message}`);

  it('are absent where nothing is doubtful', async () => {
    expect(await warningsWith({})).toEqual([]);
  });

  // The keys are put together here so that no scanner takes them for secrets of this project.
  it.each([
    [
      'DIFY_INNER_API_KEY',
      ['QaHbTe77CtuXmsfyhR7+vRjI/', '+XbV1AaFy691iy+kGDv2Jvy0/eAh8Y1'],
      /Dify's default key/,
    ],
    ['DIFY_INNER_API_KEY', ['inner-', 'api-key'], /Dify's default key/],
    [
      'DIFY_INNER_API_KEY',
      ['lYkiYYT6owG+71oLerGzA7', 'GXCgOT++6ovaezWAjpCjf+Sjc3ZtU+qUEi'],
      /PLUGIN_DAEMON_KEY/,
    ],
    ['DIFY_SECRET_KEY', ['sk-9f73s3ljTXVcMT3Blb3', 'ljTqtsKiGHXVcMT3BlbkFJLK7U'], /Dify's default key/],
  ])('name %s as a key that everybody knows', async (name, parts, expected) => {
    const warnings = await warningsWith({ [name]: parts.join('') });
    expect(warnings).toEqual([expect.stringMatching(expected)]);
    expect(warnings.join('')).not.toContain(parts.join(''));
  });

  it('do not ask for the secret key, because only Dify can tell whether it needs it', async () => {
    expect(await warningsWith({ DIFY_SECRET_KEY: undefined })).toEqual([]);
  });

  it('name misspelt variables of the bridge, but not those of Kubernetes', async () => {
    expect(
      await warningsWith({
        DIFY_BRIDGE_PROT: '1',
        DIFY_BRIDGE_SERVICE_HOST: 'x',
        DIFY_BRIDGE_PORT_8080_TCP: 'y',
      }),
    ).toEqual(['env DIFY_BRIDGE_PROT: no such variable; did you mean DIFY_BRIDGE_PORT?']);
  });

  it('tell of an address that serve --http refuses', async () => {
    expect(await warningsWith({ DIFY_BRIDGE_HOST: '0.0.0.0' })).toEqual([
      expect.stringMatching(/^http\.host: 0\.0\.0\.0 is reachable by others/),
    ]);
    expect(await warningsWith({ DIFY_BRIDGE_HOST: '0.0.0.0', DIFY_BRIDGE_TOKEN: 'fake-token' })).toEqual([]);
    expect(await warningsWith({ DIFY_BRIDGE_HOST: '127.0.0.2' })).toEqual([]);
  });

  it('tell of a login that is not used', async () => {
    expect(await warningsWith({ DIFY_EMAIL: 'a@dify.test', DIFY_PASSWORD: 'fake' })).toEqual([
      expect.stringMatching(/^dify\.email: not used/),
    ]);
  });
});

describe('the table', () => {
  it('gives every setting that is no object a variable of its own', () => {
    const table = settingsTable();
    const names = table.flatMap(({ env }) => env ?? []);
    expect(new Set(names).size).toBe(names.length);
    expect(table.filter(({ env }) => env === undefined).map(({ path }) => path)).toEqual([
      'oauth.views',
      'tools.auto',
      'tools.presets',
      'tools.aliases',
      'views',
      'workspaces',
    ]);
    expect(names.filter((name) => !/^DIFY_(BRIDGE_)?[A-Z_]+$/.test(name))).toEqual([]);
  });

  it('has a default that the schema accepts for every setting that has one', async () => {
    for (const { env, default: value } of settingsTable()) {
      if (env === undefined || value === undefined || value === '') continue;
      const text = Array.isArray(value) ? value.join(',') : JSON.stringify(value).replaceAll('"', '');
      if (text === '') continue;
      const { config } = await load({ env: { ...DIFY, [env]: text } });
      expect(config).toEqual((await load()).config);
    }
  });

  it('is what the published JSON Schema describes', async () => {
    await expect(`${JSON.stringify(configFileSchema(), null, 2)}\n`).toMatchFileSnapshot(
      '../../fixtures/config/config.schema.json',
    );
  });
});

it('a long word that is no host costs what its length costs', async () => {
  const host = `${'a'.repeat(400_000)}!`;
  const [problem] = await problemsOf({ env: { ...DIFY, DIFY_BRIDGE_FILES_ALLOWED_NETWORKS: host } });
  expect(problem).toContain('expected a host name');
});
