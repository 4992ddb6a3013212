import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLogins, storeLogin } from '../../../src/logins/login-file.ts';
import type { Sandbox, SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { cli, type CliSetup } from '../../support/fake-cli.ts';
import { someLogin } from '../../support/logins.ts';
import { startSandbox } from '../../support/sandbox-client.ts';
import { type Answer, scriptedPrompter } from '../../support/scripted-prompter.ts';

const DAY_MS = 86_400_000;

/** A sandbox, and the command line of somebody without a configuration file. */
async function start(options: SandboxOptions = {}) {
  const sandbox = await startSandbox(options);
  const { email, password } = sandbox.credentials;
  const home = mkdtempSync(join(tmpdir(), 'bridge-home-'));
  const file = join(home, '.config/dify-mcp-bridge/logins.json');
  const run = (args: readonly string[], env: Record<string, string> = {}, setup: CliSetup = {}) =>
    cli(args, { ...setup, env: { HOME: home, ...env } });
  const logIn = () => run(['login', sandbox.url, '--email', email, '--yes'], { DIFY_PASSWORD: password });
  return { sandbox, email, password, home, file, run, logIn };
}

const logouts = ({ requests }: Sandbox): number =>
  requests.filter(({ path }) => path === '/console/api/logout').length;

describe('login', () => {
  it('works without a terminal, and ends with the next command as it must be typed', async () => {
    const { sandbox, email, password, file, logIn } = await start();
    const { code, stdout, stderr } = await logIn();
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `Dify 1.13.0 answers at ${sandbox.url}.\nwarning: Dify could not list mcp tools.\n`,
    });
    expect(stdout).toBe(
      [
        `Signed in to ${sandbox.url} as ${email} (owner), in "Sandbox workspace".`,
        `The login is stored in ${file}, readable only by you. The password is not stored.`,
        '2 tools are ready (1 needs credentials in Dify).',
        'Next: npx dify-mcp-bridge install claude-desktop\n',
      ].join('\n'),
    );
    expect(stdout + stderr).not.toContain(password);
    expect(await readLogins(file)).toHaveLength(1);
  });

  it.for([
    ['/usr/local/bin/dify-mcp-bridge', 'Next: dify-mcp-bridge install'],
    ['/opt/bridge/dist/main.js', 'Next: node /opt/bridge/dist/main.js install'],
  ] as const)('names the installed program %s', async ([script, next]) => {
    const { sandbox, email, password, run } = await start();
    const folder = mkdtempSync(join(tmpdir(), 'bridge-installed-'));
    const own = join(folder, script.split('/').at(-1) ?? '');
    writeFileSync(own, '');
    const { stdout } = await run(
      ['login', sandbox.url, '--email', email, '--yes'],
      { DIFY_PASSWORD: password },
      { io: { program: { node: process.execPath, script: own } } },
    );
    expect(stdout).toContain(next.replace(script, own));
  });

  it('asks in a terminal, and does not show the password', async () => {
    const { sandbox, email, password, run } = await start();
    const script: Answer[] = [
      [/^Dify's address/, sandbox.url],
      [/^E-mail address/, email],
      [/^Password of .* \(not shown\)$/, password],
      [/^Tools run in an app/, true],
    ];
    const prompter = scriptedPrompter(script);
    const setup = { terminal: true, io: { createPrompter: async () => prompter } };
    const { code, stdout, stderr } = await run(['login', '--no-color'], {}, setup);
    expect(code).toBe(0);
    const inWords = ['', '', '', 'three', 'four', 'five', 'six'][prompter.asked.length];
    expect(readFileSync('README.md', 'utf8')).toContain(`${inWords} questions`);
    expect(prompter.left()).toEqual([]);
    expect(stdout + stderr).not.toContain(password);
  });

  it('takes the password from a file, and says what is wrong with one', async () => {
    const { sandbox, email, password, home, run } = await start();
    const secret = join(home, 'password');
    const args = ['login', sandbox.url, '--email', email, '--yes', '--password-file', secret, '-o', 'json'];
    expect((await run(args)).jsonError().error).toMatchObject({
      code: 'config_invalid',
      problems: [{ path: '--password-file', message: expect.stringContaining('ENOENT') }],
    });
    writeFileSync(secret, `${password}\n`);
    expect((await run(args)).json()).toMatchObject({
      url: sandbox.url,
      email,
      workspace: { name: 'Sandbox workspace' },
      role: 'owner',
      version: '1.13.0',
      tools: 2,
      unusable: 1,
    });
  });

  it('takes two runs for a code without a terminal', async () => {
    const { sandbox, email, file, run } = await start();
    sandbox.signIn.offer({ password: false, emailCode: true });
    const first = await run(['login', sandbox.url, '--email', email, '--send-code']);
    const [, words = ''] = /npx dify-mcp-bridge (login .*) CODE/.exec(first.stdout) ?? [];
    const { code, stderr } = await run([...words.split(' '), sandbox.signIn.mails[0]?.code ?? '']);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(await readLogins(file)).toHaveLength(1);
    expect((await run(['login', sandbox.url, '--send-code'])).code).toBe(2);
  });

  it('says which way is offered if another is given', async () => {
    const { sandbox, logIn } = await start();
    sandbox.signIn.offer({ password: false, emailCode: true });
    const { code, stderr } = await logIn();
    expect(code).toBe(4);
    expect(stderr).toMatch(/offers only a code sent by e-mail.*\n.*--send-code/);
  });

  it('refuses an e-mail address of the wrong form before Dify is asked', async () => {
    const { sandbox, file, run } = await start();
    const args = ['login', sandbox.url, '--email', 'me@localhost', '--yes'];
    const { code, stderr } = await run(args, { DIFY_PASSWORD: 'fake-password' });
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"me@localhost" is not an e-mail address.'),
    });
    expect(sandbox.requests).toEqual([]);
    expect(existsSync(file)).toBe(false);
  });

  it('says so if variables lead elsewhere, so that the login is not used', async () => {
    const { sandbox, email, password, run } = await start();
    const { code, stderr } = await run(['login', sandbox.url, '--email', email, '--yes'], {
      DIFY_PASSWORD: password,
      DIFY_API_URL: 'http://api:5001',
      DIFY_INNER_API_KEY: 'fake-inner-key',
      DIFY_ADMIN_API_KEY: 'fake-admin-key',
    });
    expect(code).toBe(0);
    expect(stderr).toContain('The login is stored, but the bridge does not use it.');
  });

  it('ends with the exit code of a refused password', async () => {
    const { sandbox, email, file, run } = await start();
    const wrong = { DIFY_PASSWORD: 'wrong-password' };
    const { code, stderr } = await run(['login', sandbox.url, '--email', email, '--yes'], wrong);
    expect(code).toBe(4);
    expect(stderr).toContain('Six wrong passwords lock the account');
    expect(stderr).not.toContain('wrong-password');
    expect(existsSync(file) && (await readLogins(file)).length > 0).toBe(false);
    expect(sandbox.requests.filter(({ path }) => path === '/console/api/login')).toHaveLength(1);
  });

  it('is all that the other commands need', async () => {
    const { sandbox, run, logIn } = await start();
    await logIn();
    const { code, configs } = await run(['tools', 'list']);
    expect(code).toBe(0);
    expect(configs[0]?.dify).toMatchObject({ url: sandbox.url, createApp: true });
  });

  it('does not help if others can read its file', async () => {
    const { file, run, logIn } = await start();
    await logIn();
    chmodSync(file, 0o644);
    const again = ['login', 'https://dify.test', '--email', 'a@dify.test', '--yes'];
    for (const args of [['tools', 'list'], ['whoami'], ['logout'], again]) {
      const { code, stderr } = await run(args, args === again ? { DIFY_PASSWORD: 'fake-password' } : {});
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toContain(`chmod 600 '${file}'`);
    }
  });
});

describe('logout', () => {
  it.for(['1.4.1', '1.13.0'])(
    'ends the login here and in Dify, and no other one there (%s)',
    async (version) => {
      const { sandbox, email, file, run, logIn } = await start({ version });
      await logIn();
      // The person signs in elsewhere later.
      const elsewhere = ['--config', join(file, '../../other.yaml')];
      await run(['login', sandbox.url, '--email', email, '--yes', ...elsewhere], {
        DIFY_PASSWORD: sandbox.credentials.password,
      });
      expect(sandbox.sessions.refreshTokens).toBe(2);
      const { code, stdout, stderr } = await run(['logout']);
      expect({ code, stdout, stderr }).toEqual({
        code: 0,
        stdout: `Signed out of ${sandbox.url} as ${email}.\n`,
        stderr: '',
      });
      expect(await readLogins(file)).toEqual([]);
      expect(sandbox.sessions.refreshTokens).toBe(1);
      expect(logouts(sandbox)).toBe(1);
    },
  );

  it('deletes the login if Dify is away, and says so', async () => {
    const { sandbox, email, file, run, logIn } = await start();
    await logIn();
    await sandbox.close();
    const { code, stdout, stderr } = await run(['logout', sandbox.url]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/is deleted here, but Dify could not end it: Dify cannot be reached .* 30 days/);
    expect(stdout).toContain(`Signed out of ${sandbox.url} as ${email}.`);
    expect(await readLogins(file)).toEqual([]);
  });

  it('takes the address as people paste it, and asks which account if several fit', async () => {
    const { file, run } = await start();
    const logins = [
      someLogin(),
      someLogin({ email: 'b@dify.test' }),
      someLogin({ url: 'https://other.test' }),
    ];
    for (const login of logins) await storeLogin(file, login);
    const several = await run(['logout', 'dify.test/apps']);
    expect(several.code).toBe(2);
    expect(several.stderr).toMatch(/Several logins fit\.\n.*--email.*b@dify\.test/);
    expect(await run(['logout', 'https://third.test'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /No such login.*\n.*Stored: https:\/\/other\.test as a@dify\.test \(Garden\)/,
      ),
    });
    expect(await readLogins(file)).toHaveLength(3);
  });

  it('says so if there is nothing to end', async () => {
    const { run } = await start();
    expect(await run(['logout'])).toMatchObject({ code: 0, stdout: 'No login is stored.\n' });
  });
});

describe('whoami', () => {
  it('shows Dify, account, workspace, role, road and the age of the login', async () => {
    const { sandbox, email, file, run, logIn } = await start();
    await storeLogin(file, someLogin());
    await logIn();
    const [login] = await readLogins(file);
    if (login === undefined) throw new Error('The login is missing.');
    await storeLogin(file, { ...login, signedInAt: new Date(Date.now() - 3 * DAY_MS) });
    sandbox.account.setRole('editor');
    const { code, stdout, stderr } = await run(['whoami']);
    const ends = login.tokens.kind === 'cookies' ? new Date(login.tokens.expiresAt ?? 0) : new Date(0);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      `Dify:         ${sandbox.url}, version 1.13.0`,
      `account:      ${email}`,
      `workspace:    Sandbox workspace (${sandbox.credentials.workspaceId})`,
      'role:         editor',
      'road:         account',
      'credentials:  a stored login',
      'signed in:    3 days ago',
      `ends:         on ${ends.toISOString().slice(0, 10)} if it is not used`,
      'also stored:  https://dify.test as a@dify.test (Garden)',
      '',
    ]);
    expect((await run(['whoami', '-o', 'json'])).json()).toMatchObject({
      url: sandbox.url,
      version: '1.13.0',
      account: email,
      role: 'editor',
      road: 'account',
      endsAt: ends.toISOString(),
      others: [{ url: 'https://dify.test', email: 'a@dify.test', workspace: 'Garden' }],
    });
  });

  it.for(['1.4.1', '1.9.1', '1.17.0'])('knows the role in Dify %s', async (version) => {
    const { run, logIn } = await start({ version });
    await logIn();
    expect((await run(['whoami', '-o', 'json'])).json()).toMatchObject({
      version,
      role: 'owner',
      endsAt: expect.stringMatching(/^\d{4}-/),
    });
  });

  it.for<[string, (sandbox: Sandbox) => void, number, RegExp]>([
    [
      'the login has ended',
      ({ sessions }) => {
        sessions.expireAccessTokens();
        sessions.expireRefreshTokens();
      },
      4,
      /login of sandbox@example\.com at http.* has ended\.\nRun: npx dify-mcp-bridge login http/,
    ],
    [
      'the account is banned',
      ({ signIn }) => (signIn.isBanned = true),
      4,
      /has ended\. Dify said: "Account is banned\."/,
    ],
    [
      'the account works in another workspace now',
      ({ account }) => account.memberships.switchTo(account.memberships.join('Garden', 'owner').id),
      4,
      /is now in the workspace "Garden", but this login is for "Sandbox workspace"\.\nSwitch back/,
    ],
    [
      'the account left the workspace',
      ({ account, credentials }) => {
        account.memberships.join('Garden', 'owner');
        account.memberships.leave(credentials.workspaceId);
      },
      4,
      /no longer a member of the workspace/,
    ],
    [
      'the workspace is archived',
      ({ account, credentials }) => {
        account.memberships.switchTo(account.memberships.join('Garden', 'owner').id);
        account.memberships.archive(credentials.workspaceId);
      },
      4,
      /or the workspace is archived/,
    ],
  ])('shows what is known and the next step if %s', async ([, change, exit, text]) => {
    const { sandbox, email, run, logIn } = await start();
    await logIn();
    change(sandbox);
    const { code, stdout, stderr } = await run(['whoami']);
    expect(code).toBe(exit);
    expect(stdout).toContain(`account:      ${email}`);
    expect(stderr).toMatch(text);
  });

  it('shows the other ways to reach Dify too', async () => {
    const { sandbox, email, password, run } = await start();
    const { adminApiKey, workspaceId, innerApiKey } = sandbox.credentials;
    const DIFY_URL = sandbox.url;
    const admin = { DIFY_ADMIN_API_KEY: adminApiKey, DIFY_WORKSPACE_ID: workspaceId };
    const facts = async (env: Record<string, string>) => (await run(['whoami', '-o', 'json'], env)).json();
    expect(await facts({ DIFY_URL, DIFY_EMAIL: email, DIFY_PASSWORD: password })).toMatchObject({
      road: 'account',
      account: email,
      credentials: 'e-mail and password',
      signedInAt: null,
    });
    const inner = { DIFY_API_URL: sandbox.url, DIFY_INNER_API_KEY: innerApiKey, ...admin };
    expect(await facts(inner)).toMatchObject({
      road: 'inner',
      account: "the workspace's owner",
      credentials: 'the admin key',
      workspace: { id: workspaceId },
    });
  });
});
