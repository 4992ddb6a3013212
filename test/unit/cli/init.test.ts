import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { startFront, WEB_PAGE } from '../../support/front.ts';
import { type CliRun, cli } from '../../support/fake-cli.ts';
import {
  type Answer,
  GIVE_UP,
  type ScriptedPrompter,
  scriptedPrompter,
} from '../../support/scripted-prompter.ts';

let sandbox: Sandbox;
let home: string;
let file: string;
let prompter: ScriptedPrompter | undefined;

beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'bridge-init-'));
  file = join(home, '.config', 'dify-mcp-bridge', 'config.yaml');
  sandbox.sessions.forgetFailures();
});
afterEach(() => {
  const left = prompter?.left() ?? [];
  prompter = undefined;
  if (left.length > 0)
    throw new Error(`Nobody asked: ${left.map(([question]) => question.source).join(', ')}`);
});

/** Everything that can be given in the environment. */
const given = (changes: Readonly<Record<string, string | undefined>> = {}) => ({
  HOME: home,
  DIFY_API_URL: sandbox.url,
  DIFY_INNER_API_KEY: sandbox.credentials.innerApiKey,
  DIFY_ADMIN_API_KEY: sandbox.credentials.adminApiKey,
  DIFY_SECRET_KEY: sandbox.credentials.secretKey,
  ...changes,
});

const alone = (
  argv: readonly string[] = [],
  env: Record<string, string | undefined> = given(),
): Promise<CliRun> => cli(['init', ...argv], { env });

function asked(
  script: readonly Answer[],
  {
    argv = [],
    env = { HOME: home },
  }: { argv?: readonly string[]; env?: Record<string, string | undefined> } = {},
): Promise<CliRun> {
  const person = scriptedPrompter(script);
  prompter = person;
  return cli(['init', '--no-color', ...argv], {
    env,
    terminal: true,
    io: { createPrompter: async () => person },
  });
}

const keysOf = ({ credentials }: Sandbox) => ({
  DIFY_INNER_API_KEY: credentials.innerApiKey,
  DIFY_ADMIN_API_KEY: credentials.adminApiKey,
  DIFY_SECRET_KEY: credentials.secretKey,
});

const readText = (path: string): string =>
  readFileSync(resolve(fileURLToPath(import.meta.url), '../../../..', path), 'utf8');

/** Dify's own file with the sandbox's keys. */
function envFile(changes: Readonly<Record<string, string>> = {}): string {
  const { innerApiKey, secretKey, adminApiKey } = sandbox.credentials;
  const values = {
    SECRET_KEY: secretKey,
    PLUGIN_DIFY_INNER_API_KEY: innerApiKey,
    ADMIN_API_KEY: adminApiKey,
    ADMIN_API_KEY_ENABLE: 'true',
    ...changes,
  };
  writeFileSync(
    join(home, '.env'),
    Object.entries(values)
      .map((pair) => `${pair.join('=')}\n`)
      .join(''),
  );
  return home;
}

/** Nothing that a person or a log could read has a secret in it. */
function expectNoSecrets({ stdout, stderr }: CliRun): void {
  const { innerApiKey, adminApiKey, secretKey, password } = sandbox.credentials;
  for (const secret of [innerApiKey, adminApiKey, secretKey, password]) {
    expect(stdout + stderr).not.toContain(secret);
  }
}

describe('init without a terminal', () => {
  it('takes the environment, checks it and writes a file that works alone', async () => {
    const run = await alone();
    expect(run.stdout).toContain(
      '2 tools are ready (1 needs credentials in Dify).\nNext: npx dify-mcp-bridge install claude-desktop\n',
    );
    expect(run.code).toBe(0);
    expectNoSecrets(run);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
    const check = await cli(['config', 'check', '--no-live'], { env: { HOME: home } });
    expect(check.stdout).toContain('no warnings');
    const doctor = await cli(['doctor', '-o', 'json'], { env: { HOME: home } });
    const { checks } = doctor.json() as { checks: { name: string; status: string }[] };
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(checks.find(({ name }) => name === 'configuration')?.status).toBe('pass');
  });

  it('takes files of secrets, flags before variables, and a workspace by its name', async () => {
    const secret = join(home, 'inner');
    writeFileSync(secret, `${sandbox.credentials.innerApiKey}\n`);
    const env = given({
      DIFY_INNER_API_KEY: undefined,
      DIFY_INNER_API_KEY_FILE: secret,
      DIFY_API_URL: 'http://127.0.0.1:9',
    });
    const run = await alone(
      ['--url', `${sandbox.url}/`, '--workspace', 'Sandbox workspace', '-o', 'json'],
      env,
    );
    expect(run.json()).toMatchObject({
      file,
      backup: null,
      apiUrl: sandbox.url,
      version: sandbox.version,
      workspace: { id: sandbox.credentials.workspaceId },
      warnings: [],
    });
  });

  it("takes the keys from Dify's own file", async () => {
    const env = { HOME: home };
    const run = await alone(['--dify-env', envFile(), '--url', sandbox.url], env);
    expect(run.code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain(sandbox.credentials.secretKey);
  });

  it('leaves files out where that is wanted', async () => {
    await alone(['--no-files']);
    expect(readFileSync(file, 'utf8')).not.toContain(sandbox.credentials.secretKey);
  });

  it('logs in where there is no admin key', async () => {
    const { email, password } = sandbox.credentials;
    const env = given({ DIFY_ADMIN_API_KEY: undefined, DIFY_EMAIL: email, DIFY_PASSWORD: password });
    expect((await alone([], env)).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain(email);
  });

  it('names all that is missing at once, and writes nothing', async () => {
    const run = await alone([], { HOME: home });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/--url\n.*DIFY_INNER_API_KEY.*\n.*DIFY_ADMIN_API_KEY.*\n.*--dify-env/);
    expect(existsSync(file)).toBe(false);
    const disabled = await alone(['--dify-env', envFile({ ADMIN_API_KEY_ENABLE: 'false' })], { HOME: home });
    expect(disabled.stderr).toMatch(
      /ADMIN_API_KEY: has no effect in Dify unless ADMIN_API_KEY_ENABLE is true/,
    );
  });

  it.each([
    [{ DIFY_INNER_API_KEY: 'fake-wrong' }, 4, /does not accept the inner API key[^]*another Dify's file/],
    [{ DIFY_ADMIN_API_KEY: 'fake-wrong' }, 4, /does not accept the admin key\.\n.*ADMIN_API_KEY_ENABLE/],
    [{ DIFY_SECRET_KEY: 'fake-wrong' }, 4, /refuses links signed with/],
    [{ DIFY_WORKSPACE_ID: '99999999-0000-4000-8000-000000000000' }, 2, /has no workspace.*\nIt has 5a4db0c5/],
    [{ DIFY_API_URL: 'dify.test:5001' }, 2, /add http:\/\/ or https:\/\/ in front of it/],
    [{ DIFY_API_URL: 'http://127.0.0.1:9' }, 1, /refused\.\n[^]*do not publish port 5001/],
    [{ DIFY_INNER_API_KEY_FILE: '/nowhere/key' }, 2, /both set/],
  ])('refuses %j', async (changes, code, message) => {
    const run = await alone([], given(changes));
    expect(run.code).toBe(code);
    expect(run.stderr).toMatch(message);
    expect(run.stdout).toBe('');
    expect(existsSync(file)).toBe(false);
    expectNoSecrets(run);
  });

  it('recognises nginx, which passes the console on and the inner API not', async () => {
    await using nginx = await startFront(sandbox.url, {
      answer: ({ url }) => (url?.startsWith('/inner/') === true ? WEB_PAGE : undefined),
    });
    const run = await alone([], given({ DIFY_API_URL: nginx.url }));
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/web page[^]*nginx[^]*docker-compose\.override\.yaml/);
  });

  it('says when Dify has admin keys switched off', async () => {
    await using dify = await startFront(sandbox.url, {
      answer: ({ url }) =>
        url === '/console/api/workspaces'
          ? { status: 401, headers: { 'content-type': 'application/json' }, body: '{"code":"unauthorized"}' }
          : undefined,
    });
    const run = await alone([], given({ DIFY_API_URL: dify.url }));
    expect(run.stderr).toMatch(/switched off in this Dify\.\nSet ADMIN_API_KEY_ENABLE=true/);
  });

  it('asks which of several workspaces is meant', async () => {
    const body = JSON.stringify({
      data: [
        { id: '11111111-0000-4000-8000-000000000000', name: 'One', status: 'normal' },
        { id: '22222222-0000-4000-8000-000000000000', name: 'Two', status: 'normal' },
        { id: '33333333-0000-4000-8000-000000000000', name: 'Old', status: 'archive' },
      ],
      has_more: false,
    });
    await using dify = await startFront(sandbox.url, {
      answer: ({ url }) =>
        url?.startsWith('/console/api/all-workspaces') === true
          ? { headers: { 'content-type': 'application/json' }, body }
          : undefined,
    });
    const run = await alone([], given({ DIFY_API_URL: dify.url }));
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(
      /several workspaces\.\nName one with --workspace: 1{8}.* \(One\), 2{8}.* \(Two\)\.\n/,
    );
  });

  it('overwrites an existing file only with --force, and saves a copy next to the new one', async () => {
    await alone();
    writeFileSync(file, '# mine\n', { mode: 0o644 });
    const refused = await alone();
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/already exists\.\nAdd --force/);
    expect(readFileSync(file, 'utf8')).toBe('# mine\n');
    const forced = await alone(['--force', '-o', 'json']);
    const { backup } = forced.json() as { backup: string };
    expect(readFileSync(backup, 'utf8')).toBe('# mine\n');
    expect([file, backup].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(readdirSync(join(file, '..'))).toHaveLength(2);
  });

  it('puts the bridge into a client afterwards', async () => {
    const folder = join(home, '.cursor');
    const missing = await alone(['--client', 'cursor']);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('Cursor does not seem to be installed');
    expect(existsSync(file)).toBe(true);
    mkdirSync(folder);
    expect((await alone(['--client', 'cursor', '--force'])).code).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, 'mcp.json'), 'utf8'))).toEqual({
      mcpServers: {
        dify: { command: 'npx', args: ['-y', expect.any(String), 'serve'] },
      },
    });
    expect((await alone(['--client', 'cursor', '-o', 'json'])).code).toBe(2);
  });
});

const KEYS: Answer = [/^How do you want to connect\?/, 'With keys of a self-hosted Dify'];
const ACCOUNT: Answer = [/^How do you want to connect\?/, 'Sign in with your Dify account'];
const ADDRESS = /^Where is Dify's api service/;
const ENV_FILE = /^Path of Dify's docker\/\.env/;
const LISTING = /^How will the bridge list/;
const ADMIN_KEY = /^ADMIN_API_KEY of Dify/;
const INNER_KEY = /^PLUGIN_DIFY_INNER_API_KEY/;
const FILES = /^Fetch the files/;
const CLIENT = /^Which client/;
const NONE: Answer = [CLIENT, 'None now'];

describe('init at a terminal, with an account', () => {
  /** What a newcomer with one workspace is asked. */
  const signIn = (): Answer[] => [
    ACCOUNT,
    [/^Dify's address/, sandbox.url],
    [/^E-mail address/, sandbox.credentials.email],
    [/^Password of/, sandbox.credentials.password],
    [/^Tools run in an app/, true],
  ];
  afterEach(() => {
    for (const { id } of sandbox.account.apps.slice()) sandbox.account.deleteApp(id);
  });

  it('asks as many questions as documented, writes no configuration, and ends with the tools and the next command', async () => {
    const script = [...signIn(), NONE];
    const run = await asked(script);
    expect(run).toMatchObject({ code: 0 });
    expect(prompter?.asked).toHaveLength(script.length);
    const inWords = ['', '', '', 'three', 'four', 'five', 'six', 'seven'][script.length];
    expect(readText('docs/installation.md')).toContain(`${inWords} questions`);
    expect(run.stdout).toMatch(
      /2 tools are ready \(1 needs credentials in Dify\)\.\nNext: npx dify-mcp-bridge install claude-desktop\n$/,
    );
    expect(readdirSync(join(file, '..'))).toEqual(['logins.json']);
    expectNoSecrets(run);
  });

  it('installs into the client that was chosen', async () => {
    mkdirSync(join(home, '.cursor'));
    const first = /^Which client.*\[Cursor, Cherry Studio, Claude Desktop \(not found on this machine\), /;
    const run = await asked([...signIn(), [first, 'Cursor'], [/^Write this/, true]]);
    expect(run.code).toBe(0);
    const entry = { command: 'npx', args: ['-y', expect.any(String), 'serve'] };
    expect(JSON.parse(readFileSync(join(home, '.cursor', 'mcp.json'), 'utf8'))).toEqual({
      mcpServers: { dify: entry },
    });
  });

  it('names the command for later if nothing shall be written', async () => {
    mkdirSync(join(home, '.cursor'));
    const run = await asked([...signIn(), [CLIENT, 'Cursor'], [/^Write this/, false]]);
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('Nothing was written. Later: npx dify-mcp-bridge install cursor\n');
    expect(readdirSync(join(home, '.cursor'))).toEqual([]);
  });

  it('keeps the login if the client is missing, and names the command for later', async () => {
    const run = await asked([...signIn(), [CLIENT, 'Cursor']]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(
      /Cursor does not seem to be installed[^]*Later: npx dify-mcp-bridge install cursor\n/,
    );
    expect(readdirSync(join(file, '..'))).toEqual(['logins.json']);
  });

  it('ends as with no client if it is left at that question', async () => {
    const run = await asked([...signIn(), [CLIENT, GIVE_UP]]);
    expect(run).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Given up') });
    expect(run.stdout).toMatch(/Next: npx dify-mcp-bridge install claude-desktop\n$/);
  });

  it('leaves nothing behind when it is given up', async () => {
    const { length } = sandbox.account.apps;
    const run = await asked([...signIn().slice(0, -1), [/^Tools run in an app/, GIVE_UP]]);
    expect(run.code).toBe(130);
    expect(existsSync(join(file, '..')) ? readdirSync(join(file, '..')) : []).toEqual([]);
    expect(sandbox.account.apps).toHaveLength(length);
  });

  it('says so if the configuration has keys, which come first', async () => {
    await alone();
    const run = await asked([...signIn(), NONE]);
    expect(run.code).toBe(0);
    expect(run.stderr.replaceAll(/\n\|  /g, ' ')).toMatch(
      /does not use it\. These settings come first: dify\.apiUrl, .* in .*config\.yaml\./,
    );
  });

  it('keeps errors inside the frame, and within 80 columns', async () => {
    const run = await asked([
      ACCOUNT,
      [/^Dify's address/, 'https://marketplace.dify.ai'],
      [/^Dify's address/, `${sandbox.url}/apps`],
      [/^E-mail address/, 'me'],
      [/^E-mail address/, 'me@localhost'],
      [/^E-mail address/, sandbox.credentials.email],
      [/^Password of/, 'wrong-password'],
      [/^Password of/, sandbox.credentials.password],
      [/^Tools run in an app/, true],
      NONE,
    ]);
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('|  error: ');
    const lines = run.stderr.trimEnd().split('\n');
    expect(lines.filter((line) => !line.startsWith('|') || line.length > 80)).toEqual([]);
    expect(prompter?.told).toEqual(
      Array.from({ length: 2 }, () => expect.stringContaining('you@example.com')),
    );
    const logins = sandbox.requests.filter(({ path }) => path === '/console/api/login');
    expect(logins.slice(-2)).toHaveLength(2);
  });

  it('takes all answers from the environment', async () => {
    const { email, password } = sandbox.credentials;
    const env = { HOME: home, DIFY_URL: sandbox.url, DIFY_EMAIL: email, DIFY_PASSWORD: password };
    const run = await alone(['--yes'], env);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('2 tools are ready') });
    const none = await alone([], env);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes: agrees that the app') });
  });
});

describe('init at a terminal, with keys', () => {
  it("takes the keys from Dify's file", async () => {
    const run = await asked([
      KEYS,
      [ADDRESS, sandbox.url],
      [ENV_FILE, envFile()],
      [CLIENT, 'Another, over HTTP'],
    ]);
    expect(run.code).toBe(0);
    expect(run.stderr).toContain(`Dify ${sandbox.version} answers at ${sandbox.url}.`);
    expect(run.stdout).toMatch(/Wrote\s.*config\.yaml[^]*Next: npx dify-mcp-bridge serve --http\n$/);
    expectNoSecrets(run);
  });

  it('says nothing of SECRET_KEY where Dify gives the files without it', async () => {
    const newer = await createSandbox({ version: '1.16.0' });
    try {
      const run = await asked([
        KEYS,
        [ADDRESS, newer.url],
        [ENV_FILE, ''],
        [LISTING, 'With the admin key'],
        [ADMIN_KEY, newer.credentials.adminApiKey],
        [INNER_KEY, newer.credentials.innerApiKey],
        NONE,
      ]);
      expect(run.code).toBe(0);
      expect(run.stderr + run.stdout + readFileSync(file, 'utf8')).not.toMatch(/SECRET_KEY|secretKey/);
      const again = await alone(['--force'], given({ DIFY_API_URL: newer.url, ...keysOf(newer) }));
      expect(again.code).toBe(0);
      expect(readFileSync(file, 'utf8')).not.toMatch(/SECRET_KEY|secretKey/);
    } finally {
      await newer.close();
    }
  });

  it('tells what is wrong with an answer, at its own question', async () => {
    const { innerApiKey, adminApiKey, secretKey } = sandbox.credentials;
    const run = await asked([
      KEYS,
      [ADDRESS, 'dify'],
      [ADDRESS, 'http://127.0.0.1:9'],
      [ADDRESS, `${sandbox.url}/console/api`],
      [ADDRESS, sandbox.url],
      [ENV_FILE, '/nowhere/.env'],
      [ENV_FILE, '~/nowhere/.env'],
      [
        ENV_FILE,
        envFile({ PLUGIN_DIFY_INNER_API_KEY: 'fake-wrong', ADMIN_API_KEY_ENABLE: '', SECRET_KEY: '' }),
      ],
      [LISTING, 'With the admin key'],
      [ADMIN_KEY, `ADMIN_API_KEY=${adminApiKey}`],
      [ADMIN_KEY, 'fake wrong'],
      [ADMIN_KEY, 'fake-wrong'],
      [ADMIN_KEY, adminApiKey],
      [INNER_KEY, innerApiKey],
      [FILES, true],
      [/^SECRET_KEY/, 'fake-wrong'],
      [/^SECRET_KEY/, secretKey],
      NONE,
    ]);
    expect(run.code).toBe(0);
    expect(run.stderr.match(/error:/g)).toHaveLength(8);
    expect(run.stderr).toContain(`${join(homedir(), 'nowhere/.env')} cannot be read`);
    expect(run.stderr).toMatch(/omit \/console\/api/);
    expect(run.stderr.replaceAll(/\n\|  /g, ' ')).toContain(
      'ADMIN_API_KEY has no effect in Dify unless ADMIN_API_KEY_ENABLE is true.',
    );
    expect(prompter?.told).toEqual([
      expect.stringContaining('without the name'),
      expect.stringContaining('no spaces'),
    ]);
    expect(readFileSync(file, 'utf8')).toContain(secretKey);
  });

  it('lists the workspaces live, with the number of their tools', async () => {
    const id = sandbox.credentials.workspaceId;
    const other = { id: '22222222-0000-4000-8000-000000000000', name: 'Two', status: 'normal' };
    const body = JSON.stringify({ data: [other, { id, name: 'Mine', status: 'normal' }], has_more: false });
    await using dify = await startFront(sandbox.url, {
      answer: ({ url }) =>
        url?.startsWith('/console/api/all-workspaces') === true
          ? { headers: { 'content-type': 'application/json' }, body }
          : undefined,
    });
    const run = await asked([[/^Which workspace\? \[Two \(.*\), Mine \(\d+ tools\)\]/, 'Mine'], NONE], {
      env: given({ DIFY_API_URL: dify.url }),
    });
    expect(run.code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain(id);
  });

  it('says what it skipped', async () => {
    const run = await asked([[FILES, false], NONE], { env: given({ DIFY_SECRET_KEY: undefined }) });
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('Skipped: files of results.');
  });

  it('stops before Dify would lock the account', async () => {
    const { email } = sandbox.credentials;
    const login: Answer[] = [
      [/^E-mail/, email],
      [/password/, 'fake-wrong'],
    ];
    const before = sandbox.requests.length;
    const run = await asked([[LISTING, 'With the login of an account'], ...login, ...login, ...login], {
      env: { HOME: home, DIFY_API_URL: sandbox.url },
      argv: ['--dify-env', envFile({ ADMIN_API_KEY: '' })],
    });
    expect(run.code).toBe(4);
    const logins = sandbox.requests.slice(before).filter(({ path }) => path === '/console/api/login');
    expect(logins).toHaveLength(3);
    expect(existsSync(file)).toBe(false);
  });

  it('does not touch an existing file without a yes', async () => {
    await alone();
    const before = readFileSync(file, 'utf8');
    const run = await asked([KEYS, [/already exists/, false]]);
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('Nothing was written.');
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('can be given up', async () => {
    const run = await asked([KEYS, [ADDRESS, GIVE_UP]]);
    expect(run.code).toBe(130);
    expect(existsSync(file)).toBe(false);
  });
});
