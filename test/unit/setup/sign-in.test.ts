import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readLogins } from '../../../src/logins/login-file.ts';
import type { BridgeError } from '../../../src/model/errors.ts';
import { signIn } from '../../../src/setup/sign-in.ts';
import type { SignInAnswers } from '../../../src/setup/sign-in-talk.ts';
import type { Sandbox, SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { errorOf } from '../../support/error-of.ts';
import { type FrontAnswer, startFront, WEB_PAGE } from '../../support/front.ts';
import { loginsPath } from '../../support/logins.ts';
import { startSandbox } from '../../support/sandbox-client.ts';
import { type Answer, GIVE_UP, scriptedPrompter } from '../../support/scripted-prompter.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const PASSWORD = /^Password of sandbox@example\.com/;
const APP = /^Tools run in an app called "MCP bridge"/;
const CODE = /^Code from the mail/;

/** A sandbox, and somebody who signs in to it. */
async function start(options: SandboxOptions = {}) {
  const sandbox = await startSandbox(options);
  const { email, password } = sandbox.credentials;
  const file = loginsPath();
  const notes: string[] = [];
  const shown: BridgeError[] = [];
  const talk = (given: SignInAnswers, script?: readonly Answer[]) => {
    const asker = script && scriptedPrompter(script);
    const done = signIn({
      asker,
      given: { url: sandbox.url, email, ...given },
      file,
      signal: AbortSignal.any([]),
      note: (text) => void notes.push(text),
      show: (error) => void shown.push(error),
    });
    return { asker, done };
  };
  return { sandbox, file, notes, shown, talk, password };
}

/** Whether Dify still accepts a refresh token that the sandbox issued: none is left after a sign-in that failed. */
async function expectNothingLeft({ sandbox, file }: { sandbox: Sandbox; file: string }): Promise<void> {
  expect(existsSync(file) ? await readLogins(file) : []).toEqual([]);
  expect(sandbox.sessions.refreshTokens).toBe(0);
}

describe('a sign-in', () => {
  it.for(['1.4.1', '1.9.1', '1.13.0', '1.17.0'])('by password stores a login (Dify %s)', async (version) => {
    const { sandbox, file, talk, password } = await start({ version });
    const { asker, done } = talk({ url: undefined, email: undefined }, [
      [/^Dify's address/, `${sandbox.url}/apps`],
      [/^E-mail address/, sandbox.credentials.email],
      [PASSWORD, password],
      [APP, true],
    ]);
    expect(await done).toMatchObject({ version, role: 'owner' });
    expect(asker?.left()).toEqual([]);
    const [login] = await readLogins(file);
    expect(login).toMatchObject({
      url: sandbox.url,
      email: sandbox.credentials.email,
      workspaceId: sandbox.credentials.workspaceId,
      workspaceName: 'Sandbox workspace',
      tokens: { kind: ['1.4.1', '1.9.1'].includes(version) ? 'bearer' : 'cookies' },
    });
    expect(JSON.stringify(login)).not.toContain(password);
    expect(sandbox.account.apps.map(({ name }) => name)).toEqual(['MCP bridge']);
  });

  it('does not ask for the app again', async () => {
    const { sandbox, talk, password } = await start();
    await talk({ password, yes: true }).done;
    await talk({}, [[PASSWORD, password]]).done;
    expect(sandbox.account.apps).toHaveLength(1);
  });

  it('survives a pause in which its tokens expire', async () => {
    const { sandbox, file, talk, password } = await start();
    const pause = (): boolean => {
      sandbox.sessions.expireAccessTokens();
      return true;
    };
    await talk({}, [
      [PASSWORD, password],
      [APP, pause],
    ]).done;
    expect(await readLogins(file)).toHaveLength(1);
    expect(sandbox.sessions.refreshTokens).toBe(1);
  });

  it('asks for a refused password again, and for nothing that would show it', async () => {
    const { sandbox, shown, talk, password } = await start();
    await talk({}, [
      [PASSWORD, 'wrong-password'],
      [PASSWORD, password],
      [APP, true],
    ]).done;
    expect(shown.map((error) => error.toText())).toEqual([
      expect.stringMatching(
        /does not accept this password for sandbox@example\.com\. Dify said: "Invalid email or password\."\n.*Six wrong passwords lock/,
      ),
    ]);
    expect(sandbox.requests.filter(({ path }) => path === '/console/api/login')).toHaveLength(2);
  });

  it('gives up after three wrong passwords, with three more before a lock', async () => {
    const { sandbox, talk } = await start();
    const wrong: Answer[] = [[PASSWORD, 'wrong-1']];
    const { done } = talk({}, [...wrong, ...wrong, [PASSWORD, 'wrong-3']]);
    expect(await errorOf(done)).toMatchObject({ code: 'upstream_unauthorized' });
    expect(sandbox.requests.filter(({ path }) => path === '/console/api/login')).toHaveLength(3);
  });

  it('offers the code if the password is locked', async () => {
    const { sandbox, talk, password } = await start();
    sandbox.signIn.offer({ emailCode: true });
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await errorOf(talk({ password: 'wrong-password', yes: true }).done);
    }
    const script: Answer[] = [
      [/^How do you sign in/, 'With a password'],
      [PASSWORD, password],
      [/^Sign in with a code/, true],
      [CODE, GIVE_UP],
    ];
    const { asker, done } = talk({}, script);
    expect(await errorOf(done)).toMatchObject({ code: 'cancelled' });
    expect(asker?.left()).toEqual([]);
    const locked = await errorOf(talk({ password, yes: true }).done);
    expect(locked).toMatchObject({
      code: 'upstream_rate_limited',
      message: expect.stringMatching(/locked .* for a day/),
    });
  });
});

describe('a code by e-mail', () => {
  async function startWithCodes(options?: SandboxOptions) {
    const one = await start(options);
    one.sandbox.signIn.offer({ password: false, emailCode: true });
    return one;
  }
  const latest = (sandbox: Sandbox): string => sandbox.signIn.mails.at(-1)?.code ?? '';

  it.for(['1.9.1', '1.11.1', '1.13.0'])('signs in, typed wrong and sent again (Dify %s)', async (version) => {
    const { sandbox, shown, file, talk } = await startWithCodes({ version });
    const { mails } = sandbox.signIn;
    const { asker, done } = talk({}, [
      [CODE, 'abcdef'],
      [CODE, ''],
      [CODE, () => ` ${latest(sandbox).slice(0, 3)} ${latest(sandbox).slice(3)} `],
      [APP, true],
    ]);
    await done;
    expect(asker?.left()).toEqual([]);
    expect(mails).toHaveLength(2);
    expect(shown.map(({ message }) => message)).toEqual([
      expect.stringContaining('does not accept this code'),
    ]);
    expect(await readLogins(file)).toHaveLength(1);
  });

  it('goes on with the first mail if no other is sent, and says when a code has expired', async () => {
    const { sandbox, shown, talk } = await startWithCodes();
    const limit = (): string => {
      sandbox.signIn.mailsAreLimited = true;
      return '';
    };
    const expire = (): string => {
      sandbox.signIn.expireCodes();
      return '123456';
    };
    const { done } = talk({}, [
      [CODE, limit],
      [CODE, expire],
      [CODE, GIVE_UP],
    ]);
    expect(await errorOf(done)).toMatchObject({ code: 'cancelled' });
    expect(shown.map(({ message }) => message)).toEqual([
      expect.stringMatching(/as many mails as .* Dify said: "Too many login emails/),
      expect.stringMatching(/The code has expired/),
    ]);
  });

  it('is not sent for an unknown address, and asks for it again', async () => {
    const { shown, talk } = await startWithCodes();
    const { done } = talk({ email: 'nobody@example.com' }, [[/^E-mail address/, GIVE_UP]]);
    await errorOf(done);
    expect(shown.map(({ message }) => message)).toEqual([
      expect.stringContaining('has no account nobody@example.com'),
    ]);
  });

  it('leads to the password if it needs a captcha', async () => {
    const { sandbox, talk, password } = await start();
    sandbox.signIn.offer({ emailCode: true });
    sandbox.signIn.needsCaptcha = true;
    await talk({}, [
      [/^How do you sign in/, 'With a code sent by e-mail'],
      [/^Sign in with the password\?/, true],
      [PASSWORD, password],
      [APP, true],
    ]).done;
    sandbox.signIn.offer({ password: false });
    expect(await errorOf(talk({}, []).done)).toMatchObject({ message: expect.stringContaining('captcha') });
  });
});

describe('a sign-in that cannot work ends with the next step, and leaves nothing', () => {
  it.for<[string, (sandbox: Sandbox) => void, string, RegExp]>([
    [
      'SSO is enforced',
      ({ signIn }) => signIn.offer({ password: false, sso: 'saml' }),
      'upstream_forbidden',
      /only single sign-on \(saml\).*\n.*admin key/,
    ],
    [
      'only Google and GitHub are offered',
      ({ signIn }) => signIn.offer({ password: false, social: true }),
      'upstream_forbidden',
      /only Google or GitHub/,
    ],
    [
      'the account is banned',
      ({ signIn }) => (signIn.isBanned = true),
      'upstream_unauthorized',
      /banned the account sandbox@example\.com/,
    ],
    [
      'the role is too low',
      ({ account }) => account.setRole('normal'),
      'upstream_forbidden',
      /role in "Sandbox workspace" is member .*\n.*Settings, Members/,
    ],
    [
      'the account left its workspace',
      ({ account, credentials }) => account.memberships.leave(credentials.workspaceId),
      'upstream_forbidden',
      /not a member of a workspace.*\n.*invitation/,
    ],
    [
      'the workspace is archived',
      ({ account, credentials }) => account.memberships.archive(credentials.workspaceId),
      'upstream_forbidden',
      /not a member of a workspace that is in use.*\n.*archived/,
    ],
    [
      'the plan has no app left',
      ({ account }) => (account.appLimit = 0),
      'upstream_quota_exceeded',
      /plan of this Dify workspace is used up/,
    ],
  ])('if %s', async ([, change, code, text]) => {
    const one = await start();
    change(one.sandbox);
    const error = await errorOf(one.talk({ password: one.password, yes: true }).done);
    expect(error.code).toBe(code);
    expect(error.toText()).toMatch(text);
    expect(error.toText()).not.toMatch(/DIFY_EMAIL|DIFY_API_URL/);
    expect(one.sandbox.account.apps).toEqual([]);
    await expectNothingLeft(one);
  });

  it.for<[string, FrontAnswer, string, RegExp]>([
    [
      'a page answers instead of Dify',
      WEB_PAGE,
      'upstream_wrong_address',
      /page in front of Dify \(200\).*captcha/,
    ],
    ['a firewall refuses it', { ...WEB_PAGE, status: 403 }, 'upstream_wrong_address', /\(403\).*firewall/],
    ['a proxy has no Dify', { ...WEB_PAGE, status: 502 }, 'upstream_error', /refused the sign-in \(502\)/],
    ['a proxy limits the rate', { ...WEB_PAGE, status: 429 }, 'upstream_rate_limited', /Wait some minutes/],
    [
      'Dify asks for a second factor',
      { headers: JSON_TYPE, body: '{"result":"fail","code":"mfa_required","data":"MFA is required"}' },
      'upstream_forbidden',
      /second factor/,
    ],
    [
      'Dify is not set up',
      { status: 401, headers: JSON_TYPE, body: '{"code":"not_setup","message":"Not set up.","status":401}' },
      'upstream_not_ready',
      /finish its installation/,
    ],
  ])('if %s', async ([, answer, code, text]) => {
    const one = await start();
    const isLogin = ({ url }: { readonly url?: string | undefined }): boolean => url === '/console/api/login';
    const front = await startFront(one.sandbox.url, {
      answer: (request) => (isLogin(request) ? answer : undefined),
    });
    onTestFinished(() => front[Symbol.asyncDispose]());
    const error = await errorOf(one.talk({ url: front.url, password: one.password, yes: true }).done);
    expect(error.code).toBe(code);
    expect(error.toText()).toMatch(text);
    await expectNothingLeft(one);
  });

  it('if the address has no encryption on the internet, and the person does not want that', async () => {
    const one = await start();
    // Leads to this machine, and is none of its loopback addresses.
    const url = one.sandbox.url.replace('127.0.0.1', '0.0.0.0');
    const error = await errorOf(one.talk({ url }, [[/^Sign in anyway\?/, false]]).done);
    expect(error).toMatchObject({ code: 'cancelled', message: 'Nothing was sent.' });
    expect(one.notes).toContainEqual(
      expect.stringContaining('others on the internet can read your password'),
    );
    expect(one.sandbox.requests.map(({ path }) => path)).toEqual(['/console/api/system-features']);
  });

  it('if the person declines the app', async () => {
    const one = await start();
    const error = await errorOf(
      one.talk({}, [
        [PASSWORD, one.password],
        [APP, false],
      ]).done,
    );
    expect(error.code).toBe('cancelled');
    expect(one.sandbox.account.apps).toEqual([]);
    await expectNothingLeft(one);
  });

  it('if the login cannot be stored, before the password is asked', async () => {
    const sandbox = await startSandbox();
    const done = signIn({
      asker: scriptedPrompter([]),
      given: { url: sandbox.url },
      file: loginsPath('x'.repeat(253)),
      signal: AbortSignal.any([]),
      note: () => undefined,
      show: () => undefined,
    });
    expect(await errorOf(done)).toMatchObject({ code: 'login_file_invalid' });
    expect(sandbox.requests).toEqual([]);
  });

  it('if nobody can be asked, with all that is missing at once', async () => {
    const { talk } = await start();
    const error = await errorOf(talk({ url: undefined, email: undefined }).done);
    expect(error.problems.map(({ path }) => path)).toEqual(['URL', '--email', '--password-file', '--yes']);
  });
});

describe('several workspaces', () => {
  const SWITCH = /^Switch your account to "Garden"\? Your browser/;

  it('are listed with the current one, and switched with consent only', async () => {
    const { sandbox, file, talk, password } = await start();
    const { memberships } = sandbox.account;
    const garden = memberships.join('Garden', 'editor');
    await talk({}, [
      [PASSWORD, password],
      [/^Which workspace\? \[Sandbox workspace \(your current one, as owner\), Garden\]$/, 'Garden'],
      [SWITCH, true],
      [APP, true],
    ]).done.then(({ role }) => expect(role).toBe('editor'));
    expect(memberships.current?.id).toBe(garden.id);
    expect(await readLogins(file)).toMatchObject([{ workspaceId: garden.id, workspaceName: 'Garden' }]);
  });

  it.for<[string, Answer[]]>([
    ['the person does not want to switch', [[SWITCH, false]]],
    [
      'the app is declined after it',
      [
        [SWITCH, true],
        [APP, false],
      ],
    ],
  ])('stay as they were if %s', async ([, rest]) => {
    const one = await start();
    const { memberships } = one.sandbox.account;
    memberships.join('Garden', 'editor');
    const { asker, done } = one.talk({}, [[PASSWORD, one.password], [/^Which workspace/, 'Garden'], ...rest]);
    expect(await errorOf(done)).toMatchObject({ code: 'cancelled' });
    expect(asker?.left()).toEqual([]);
    expect(memberships.current?.name).toBe('Sandbox workspace');
    await expectNothingLeft(one);
  });

  it('stay as they were if the role in the chosen one is too low', async () => {
    const one = await start();
    const { memberships } = one.sandbox.account;
    memberships.join('Garden', 'normal');
    const error = await errorOf(one.talk({ password: one.password, workspace: 'Garden', yes: true }).done);
    expect(error.message).toContain('Your role in "Garden"');
    expect(memberships.current?.name).toBe('Sandbox workspace');
    await expectNothingLeft(one);
  });

  it('need a name where nobody can be asked', async () => {
    const one = await start();
    const garden = one.sandbox.account.memberships.join('Garden', 'admin');
    const answers = { password: one.password, yes: true };
    const error = await errorOf(one.talk(answers).done);
    expect(error).toMatchObject({ code: 'usage', hint: expect.stringContaining(`${garden.id} (Garden)`) });
    const other = await errorOf(one.talk({ ...answers, workspace: 'Cellar' }).done);
    expect(other.message).toContain('not a member of a workspace "Cellar"');
    await expectNothingLeft(one);
    expect(await one.talk({ ...answers, workspace: garden.id }).done).toMatchObject({ role: 'admin' });
  });
});
