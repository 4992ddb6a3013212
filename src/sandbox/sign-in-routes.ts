import { isMember, requireMember } from './console-admission.ts';
import { jsonBody } from './inner-admission.ts';
import { decodedField, tokenAnswer } from './login-routes.ts';
import { Refusal } from './refusal.ts';
import { type App, route, type SandboxState } from './state.ts';
import { validate } from './validation.ts';

const CODE_LOGIN = '/console/api/email-code-login';

/**
 * Adds what a sign-in needs besides the login by password. Not recorded: bodies as in the sources of 1.2.0, 1.8.1, 1.12.1
 * and 1.16.1, the captcha as in those of a main of August 2026.
 */
export function addSignInRoutes(app: App, state: SandboxState): void {
  const { signIn, features } = state;
  route(app, 'GET', '/console/api/system-features', (c) => {
    const { password, emailCode, social, sso } = signIn.ways;
    // The fields that all releases have.
    return c.json({
      sso_enforced_for_signin: sso !== undefined,
      sso_enforced_for_signin_protocol: sso ?? '',
      enable_marketplace: true,
      enable_email_code_login: emailCode,
      enable_email_password_login: password,
      enable_social_oauth_login: social,
      is_allow_register: false,
      is_email_setup: emailCode,
      license: { status: 'none', expired_at: '' },
    });
  });

  route(app, 'POST', CODE_LOGIN, async (c) => {
    const body = await jsonBody(c);
    validate('EmailPayload', { email: 'string' }, body);
    const { email } = body;
    if (signIn.needsCaptcha) {
      const message = 'Turnstile verification failed. Please try again.';
      throw new Refusal(400, 'turnstile_verification_failed', message);
    }
    if (email.toLowerCase() !== state.credentials.email) {
      throw new Refusal(400, 'account_not_found', 'Account not found.');
    }
    if (signIn.mailsAreLimited) {
      const message = 'Too many login emails have been sent. Please try again in 5 minutes.';
      throw new Refusal(429, 'email_code_login_rate_limit_exceeded', message);
    }
    return c.json({ result: 'success', data: signIn.mail(email) });
  });

  route(app, 'POST', `${CODE_LOGIN}/validity`, async (c) => {
    const body = await jsonBody(c);
    validate('EmailCodeLoginPayload', { email: 'string', code: 'string', token: 'string' }, body);
    const { email, code, token } = body;
    const given = features.base64Password
      ? decodedField(code, () => new Refusal(400, 'email_code_error', 'Invalid encrypted code'))
      : code;
    const mail = signIn.mailOf(token);
    if (mail === undefined) {
      throw new Refusal(400, 'invalid_or_expired_token', 'The token is invalid or has expired.');
    }
    if (mail.email !== email) throw new Refusal(400, 'invalid_email', 'The email address is not valid.');
    if (mail.code !== given) {
      throw new Refusal(400, 'email_code_error', 'Email code is invalid or expired.');
    }
    signIn.useUp(token);
    if (signIn.isBanned) throw new Refusal(400, 'account_banned', 'Account is banned.');
    return tokenAnswer(c, state.sessions.issue(), state);
  });

  // The fields that all releases have.
  route(app, 'GET', '/console/api/account/profile', (c) => {
    requireMember(c, state);
    const { accountId: id, email } = state.credentials;
    return c.json({ id, name: email.split('@', 1)[0], avatar: null, email, is_password_set: true });
  });

  // With the cookies of 1.9.2 the method changed.
  route(app, features.cookieSessions ? 'POST' : 'GET', '/console/api/logout', (c) => {
    if (isMember(c, state)) state.sessions.signOut();
    return c.json({ result: 'success' });
  });
}
