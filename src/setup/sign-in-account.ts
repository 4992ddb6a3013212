import { type ConsoleTokens, sendLogin } from '../dify/console/login.ts';
import { logInByCode, sendEmailCode } from '../dify/console/sign-in.ts';
import { SignInError, signInError } from '../dify/console/sign-in-errors.ts';
import { BridgeError } from '../model/errors.ts';
import { emailProblem } from './answer-forms.ts';
import type { FoundDify } from './dify-address.ts';
import { type Asker, askUntil, type SignInTalk } from './sign-in-talk.ts';

/** Tokens of an account, and how it is called. */
export interface SignedInAccount {
  readonly email: string;
  readonly tokens: ConsoleTokens;
}

type Way = 'password' | 'code';

const TIMEOUT_MS = 30_000;
const AGAIN = 'send it again';
/** Three more remain before Dify locks the account for a day. */
const MAX_PASSWORDS = 3;

/** Signs in by password or by a code from a mail. Rejects if Dify offers neither, or refuses. */
export async function signInAccount(talk: SignInTalk, dify: FoundDify): Promise<SignedInAccount> {
  const { asker, given } = talk;
  let ways = waysAt(dify);
  if (given.code !== undefined) ways = ways.filter((way) => way === 'code');
  else if (given.password !== undefined) ways = ways.filter((way) => way === 'password');
  const [first, second] = ways;
  if (first === undefined) throw noWay(dify);
  for (let way = second === undefined ? first : await chosenWay(talk); ; ) {
    try {
      return await (way === 'password' ? byPassword(talk, dify) : byCode(talk, dify));
    } catch (error) {
      const other = ways.find((one) => one !== way);
      const mayChange = error instanceof SignInError && error.remedy === 'other-way';
      if (asker === undefined || other === undefined || !mayChange) throw error;
      talk.show(error);
      const question =
        other === 'code' ? 'Sign in with a code sent by e-mail?' : 'Sign in with the password?';
      if (!(await asker.confirm(question, true))) throw error;
      way = other;
    }
  }
}

function waysAt({ ways }: FoundDify): Way[] {
  return [...(ways.password ? (['password'] as const) : []), ...(ways.emailCode ? (['code'] as const) : [])];
}

async function chosenWay({ asker, given }: SignInTalk): Promise<Way> {
  if (asker === undefined) return given.password === undefined ? 'code' : 'password';
  return asker.select<Way>('How do you sign in to this Dify?', [
    { value: 'password', label: 'With a password' },
    { value: 'code', label: 'With a code sent by e-mail' },
  ]);
}

function noWay(dify: FoundDify): BridgeError {
  const { url, ways } = dify;
  // The person has given an answer for another way.
  if (waysAt(dify).length > 0) {
    const offered = ways.password ? 'a password' : 'a code sent by e-mail';
    return new BridgeError('upstream_forbidden', `${url} offers only ${offered} to sign in.`, {
      hint: ways.password ? 'Use --password-file or DIFY_PASSWORD.' : 'Use --send-code, then --code.',
    });
  }
  const offered = ways.elsewhere.length === 0 ? 'no way to sign in' : `only ${ways.elsewhere.join(' and ')}`;
  return new BridgeError('upstream_forbidden', `${url} offers ${offered}, which needs a browser.`, {
    hint:
      'Ask the administrator of Dify to allow passwords or e-mail codes for an account of the bridge. ' +
      'On a self-hosted Dify, the admin key works too (DIFY_ADMIN_API_KEY with DIFY_WORKSPACE_ID).',
  });
}

function emailQuestion(asker: Asker, suggestion?: string): Promise<string> {
  return asker.text('E-mail address of your account in this Dify', suggestion, emailProblem);
}

async function byPassword(talk: SignInTalk, { url, http, version }: FoundDify): Promise<SignedInAccount> {
  const { asker, given } = talk;
  let email = given.email;
  let isKnown = email !== undefined;
  let attempts = 0;
  const askEmail = async (person: Asker): Promise<string> => {
    if (email === undefined || !isKnown) email = await emailQuestion(person, email);
    isKnown = true;
    return email;
  };
  return askUntil(talk, {
    given: given.password,
    // Any other question would be answered with the next password, on the screen.
    ask: async (person) => {
      const account = await askEmail(person);
      const other = attempts === 0 ? '' : '; Ctrl+C if the account is wrong';
      return person.secret(`Password of ${account} at ${url} (not shown${other})`, { exact: true });
    },
    check: async (password) => {
      const account = await askEmail(asker as Asker);
      attempts += 1;
      const { tokens, reply } = await sendLogin(http, { email: account, password }, version, TIMEOUT_MS);
      if (tokens !== undefined) return { email: account, tokens };
      const error = signInError(reply, account);
      isKnown = !(error instanceof SignInError && error.remedy === 'email');
      throw error;
    },
    isOver: (error) =>
      !(error instanceof SignInError) ||
      !['email', 'password'].includes(error.remedy) ||
      attempts >= MAX_PASSWORDS,
  });
}

async function byCode(talk: SignInTalk, { http, version }: FoundDify): Promise<SignedInAccount> {
  const { asker, given, signal } = talk;
  if (given.code !== undefined && given.codeToken !== undefined && given.email !== undefined) {
    const { code, codeToken: token, email } = given;
    return { email, tokens: await logInByCode(http, { email, code, token }, version) };
  }
  if (asker === undefined) throw new BridgeError('usage', 'A code needs --email, --code and --code-token.');
  const sent = await askUntil(talk, {
    given: given.email,
    ask: (person) => emailQuestion(person),
    check: async (email) => ({ email, token: await sendEmailCode(http, email, signal) }),
    isOver: (error) => !(error instanceof SignInError) || error.remedy !== 'email',
  });
  const { email } = sent;
  let { token } = sent;
  talk.note(`Dify has sent a code to ${email}. It may take a minute, and may be in the spam folder.`);
  const again = async (): Promise<void> => {
    token = await sendEmailCode(http, email, signal);
    talk.note(`Dify has sent a new code to ${email}. The earlier one is not needed any more.`);
  };
  return askUntil<string, SignedInAccount>(talk, {
    given: undefined,
    ask: async (person) => {
      for (;;) {
        const typed = await person.text('Code from the mail, or Enter to have it sent again', AGAIN);
        if (typed !== AGAIN) return typed.replaceAll(/\s/g, '');
        await again().catch((error: unknown) => {
          if (!(error instanceof SignInError) || error.remedy !== 'code') throw error;
          talk.show(error);
        });
      }
    },
    check: async (code) => ({ email, tokens: await logInByCode(http, { email, code, token }, version) }),
    isOver: (error) => !(error instanceof SignInError) || !['code', 'new-code'].includes(error.remedy),
  });
}
