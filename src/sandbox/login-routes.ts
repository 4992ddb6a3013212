import { getCookie } from 'hono/cookie';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import { cookieName } from './console-admission.ts';
import { FORBIDDEN, forbidden, invalidParam, Refusal, unauthorized } from './refusal.ts';
import { ACCESS_SECONDS, REFRESH_SECONDS, type Tokens } from './sessions.ts';
import { type App, type AppContext, route, type SandboxState } from './state.ts';
import { validate } from './validation.ts';

/** Adds login and refresh. */
export function addLoginRoutes(app: App, state: SandboxState): void {
  route(app, 'POST', '/console/api/login', async (c) => {
    const body = await jsonBody(c);
    validate('LoginPayload', { email: 'string', password: 'string' }, body);
    if (!state.signIn.ways.password) throw forbidden(FORBIDDEN);
    const { email } = body;
    if (!/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) throw invalidParam(`${email} is not a valid email.`);
    const password = state.features.base64Password
      ? decodedField(body.password, () => unauthorized('Invalid encrypted data', 'authentication_failed'))
      : body.password;
    if (state.sessions.isLockedOut(email)) {
      const message = 'Too many incorrect password attempts. Please try again later.';
      throw new Refusal(429, 'email_code_login_limit', message);
    }
    if (email !== state.credentials.email || password !== state.credentials.password) {
      state.sessions.countFailure(email);
      throw state.features.tenantBeforeKey
        ? unauthorized('Invalid email or password.', 'authentication_failed')
        : new Refusal(400, 'email_or_password_mismatch', 'The email or password is mismatched.');
    }
    if (state.signIn.isBanned) throw new Refusal(400, 'account_banned', 'Account is banned.');
    if (state.account.memberships.listed.length === 0) {
      const data = 'workspace not found, please contact system admin to invite you to join in a workspace';
      return c.json({ result: 'fail', data });
    }
    state.sessions.clearFailures(email);
    return tokenAnswer(c, state.sessions.issue(), state);
  });

  route(app, 'POST', '/console/api/refresh-token', async (c) => {
    const token = state.features.cookieSessions
      ? getCookie(c, cookieName('refresh_token', state))
      : (await jsonBody(c))['refresh_token'];
    if (typeof token !== 'string')
      return c.json({ result: 'fail', message: 'No refresh token provided' }, 401);
    const tokens = state.sessions.refresh(token);
    if (tokens === undefined) return c.json({ result: 'fail', message: 'Invalid refresh token' }, 401);
    return tokenAnswer(c, tokens, state);
  });
}

/** Decodes a field from Base64 as leniently as Python, which skips other characters. */
export function decodedField(encoded: string, refusal: () => Refusal): string {
  const characters = encoded.replaceAll(/[^A-Za-z0-9+/=]/g, '');
  try {
    if (characters.length % 4 !== 0) throw new TypeError('Wrong length.');
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(characters, 'base64'));
  } catch {
    throw refusal();
  }
}

export function tokenAnswer(c: AppContext, tokens: Tokens, state: SandboxState): Response {
  if (!state.features.cookieSessions) {
    const data = { access_token: tokens.access, refresh_token: tokens.refresh };
    return c.json({ result: 'success', data });
  }
  const cookies: [string, string, number, boolean][] = [
    ['access_token', tokens.access, ACCESS_SECONDS, true],
    ['refresh_token', tokens.refresh, REFRESH_SECONDS, true],
    ['csrf_token', tokens.csrf, ACCESS_SECONDS, false],
  ];
  for (const [name, value, seconds, httpOnly] of cookies) {
    const attributes = [
      `${cookieName(name, state)}=${value}`,
      `Expires=${new Date(Date.now() + seconds * 1000).toUTCString()}`,
      `Max-Age=${seconds}`,
      ...(state.secureCookies ? ['Secure'] : []),
      ...(httpOnly ? ['HttpOnly'] : []),
      'Path=/',
      'SameSite=Lax',
    ];
    c.header('set-cookie', attributes.join('; '), { append: true });
  }
  return c.json({ result: 'success' });
}

async function jsonBody(c: AppContext): Promise<JsonObject> {
  try {
    const body = await c.req.json<unknown>();
    return isJsonObject(body) ? body : {};
  } catch {
    return {};
  }
}
