import { BridgeError, type ErrorCode } from '../../model/errors.ts';
import { type DifyReply, isNotReady } from '../wire/reply.ts';

/** What the person should do about a refused sign-in. */
export type SignInRemedy = 'password' | 'email' | 'code' | 'new-code' | 'other-way' | 'none';

export class SignInError extends BridgeError {
  readonly remedy: SignInRemedy;

  constructor(code: ErrorCode, message: string, hint: string, reply: DifyReply, remedy: SignInRemedy) {
    super(code, message, { hint, upstream: { status: reply.status, path: reply.path } });
    this.remedy = remedy;
  }
}

type Rule = readonly [code: ErrorCode, message: string, hint: string, remedy: SignInRemedy];

const WRONG_PASSWORD: Rule = [
  'upstream_unauthorized',
  'Dify does not accept this password for EMAIL.',
  'Check that this Dify and this e-mail address are the right ones. Six wrong passwords lock the account for a day.',
  'password',
];
const UNKNOWN_EMAIL: Rule = [
  'upstream_unauthorized',
  'This Dify has no account EMAIL.',
  'Check the e-mail address, and that this is the right Dify.',
  'email',
];
const NO_WORKSPACE: Rule = [
  'upstream_forbidden',
  'The account EMAIL is not a member of a workspace that is in use.',
  'Ask the owner of a workspace in this Dify for an invitation. A workspace that was archived counts as none.',
  'none',
];
const CAPTCHA: Rule = [
  'upstream_forbidden',
  'Dify asks for a captcha before it sends a code, which only a browser can answer.',
  'Sign in with a password. If the account has none, set one in Dify under Account.',
  'other-way',
];
const MANY_MAILS: Rule = [
  'upstream_rate_limited',
  'Dify has sent as many mails as it sends in a few minutes.',
  'Use the code of the last mail, also in the spam folder, or wait some minutes.',
  'code',
];

/** By Dify's error code. */
const RULES: Readonly<Record<string, Rule>> = {
  authentication_failed: WRONG_PASSWORD,
  email_or_password_mismatch: WRONG_PASSWORD,
  account_not_found: UNKNOWN_EMAIL,
  invalid_email: UNKNOWN_EMAIL,
  not_allowed_create_workspace: NO_WORKSPACE,
  turnstile_verification_failed: CAPTCHA,
  turnstile_service_unavailable: CAPTCHA,
  email_code_login_rate_limit_exceeded: MANY_MAILS,
  email_send_ip_limit: MANY_MAILS,
  email_code_login_limit: [
    'upstream_rate_limited',
    'Dify has locked the password of EMAIL for a day after too many wrong ones.',
    'Wait a day, or ask the administrator of Dify.',
    'other-way',
  ],
  account_banned: [
    'upstream_unauthorized',
    'Dify has banned the account EMAIL.',
    'Ask the administrator of Dify, or use another account.',
    'none',
  ],
  account_in_freeze: [
    'upstream_unauthorized',
    'The account EMAIL was deleted in Dify.',
    'Use another account.',
    'none',
  ],
  email_code_error: [
    'upstream_unauthorized',
    'Dify does not accept this code.',
    'Type the six digits of the latest mail. An earlier code is no longer valid.',
    'code',
  ],
  invalid_or_expired_token: [
    'upstream_unauthorized',
    'The code has expired.',
    'Have a new one sent: a code is valid for five minutes.',
    'new-code',
  ],
};

const SECOND_FACTOR: Rule = [
  'upstream_forbidden',
  'Dify asks for a second factor, which the bridge cannot give.',
  'Use an account without one for the bridge, or the admin key of a self-hosted Dify (DIFY_ADMIN_API_KEY).',
  'none',
];

/** Returns the error for a refused sign-in of an account, with Dify's words. */
export function signInError(reply: DifyReply, email: string): BridgeError {
  const { status, body, code = '', message: words, said } = reply;
  const rule = ruleOf(reply);
  const quote = said === undefined ? '' : ` Dify said: "${said}"`;
  if (rule !== undefined) {
    const [errorCode, message, hint, remedy] = rule;
    return new SignInError(errorCode, `${message.replace('EMAIL', email)}${quote}`, hint, reply, remedy);
  }
  if (isNotReady(reply)) {
    const hint = 'Open Dify in a browser and finish its installation.';
    return new SignInError('upstream_not_ready', 'Dify is not set up yet.', hint, reply, 'none');
  }
  if (status === 403 && body !== undefined) {
    const hint = 'Sign in another way, or have it allowed by the administrator of Dify.';
    const message = `Dify does not allow this way to sign in.${quote}`;
    return new SignInError('upstream_forbidden', message, hint, reply, 'other-way');
  }
  if (status === 400 && /email/i.test(`${code} ${words}`)) {
    const hint = 'Type the e-mail address of the account, such as name@example.com.';
    const message = `Dify does not take this e-mail address.${quote}`;
    return new SignInError('upstream_unauthorized', message, hint, reply, 'email');
  }
  if (body === undefined && status < 500 && status !== 429) {
    const message = `A page in front of Dify (${status}) answers the sign-in, such as a captcha, a second login or a firewall.`;
    const hint = 'Use an address that leads to Dify itself, or let the page pass /console/api.';
    return new SignInError('upstream_wrong_address', message, hint, reply, 'none');
  }
  const [errorCode, hint]: [ErrorCode, string] =
    status === 429
      ? ['upstream_rate_limited', 'Wait some minutes before the next attempt.']
      : ['upstream_error', "See the log of Dify's api service for the cause, and try again."];
  return new SignInError(errorCode, `Dify refused the sign-in (${status}).${quote}`, hint, reply, 'none');
}

function ruleOf({ code = '', status, message }: DifyReply): Rule | undefined {
  if (Object.hasOwn(RULES, code)) return RULES[code];
  if (/mfa|2fa|totp|two.?factor/i.test(`${code} ${message}`)) return SECOND_FACTOR;
  if (/turnstile|captcha/i.test(code)) return CAPTCHA;
  return status === 200 && /workspace/i.test(message) ? NO_WORKSPACE : undefined;
}
