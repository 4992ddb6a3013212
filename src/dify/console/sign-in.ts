import { BridgeError } from '../../model/errors.ts';
import { objectOf, textOf } from '../../model/json.ts';
import type { DifyHttp } from '../wire/http.ts';
import { type DifyReply, readReply } from '../wire/reply.ts';
import { isUnknownRoute } from './console-errors.ts';
import { type ConsoleTokens, isPlain, readTokens, refreshTokens, tokenHeaders } from './login.ts';
import type { ConsoleSession } from './session.ts';
import { signInError } from './sign-in-errors.ts';

export interface SignInWays {
  readonly password: boolean;
  readonly emailCode: boolean;
  /** Sign-in at another service: single sign-on with its protocol, or Google and GitHub. Only a browser can do it. */
  readonly elsewhere: readonly string[];
}

const TIMEOUT_MS = 30_000;
const CODE_LOGIN = '/console/api/email-code-login';
const PROFILE = '/console/api/account/profile';
const CURRENT = '/console/api/workspaces/current';

/** Reads Dify's answer to `/console/api/system-features`. Returns undefined if it is something else. */
export function waysOf(body: unknown): SignInWays | undefined {
  const {
    enable_email_password_login: password,
    enable_email_code_login: emailCode,
    enable_social_oauth_login: social,
    sso_enforced_for_signin: sso,
    sso_enforced_for_signin_protocol: protocol,
  } = objectOf(body);
  if (typeof sso !== 'boolean') return undefined;
  return {
    // The releases without these fields have no other way.
    password: password !== false,
    emailCode: emailCode === true,
    elsewhere: [
      ...(sso ? [`single sign-on${textOf(protocol) === undefined ? '' : ` (${textOf(protocol)})`}`] : []),
      ...(social === true ? ['Google or GitHub'] : []),
    ],
  };
}

/** Makes Dify send a code by e-mail. Resolves with the token that belongs to it. Rejects as `signInError` says. */
export async function sendEmailCode(http: DifyHttp, email: string, signal: AbortSignal): Promise<string> {
  const body = { email, language: 'en-US' };
  const reply = await readReply(
    await http.send({ method: 'POST', path: CODE_LOGIN, body, signal, timeoutMs: TIMEOUT_MS }),
  );
  const token = textOf(reply.body?.['data']);
  if (reply.status !== 200 || reply.body?.['result'] !== 'success' || token === undefined) {
    throw signInError(reply, email);
  }
  return token;
}

/** Signs in with a code from a mail and the token that belongs to it. Rejects as `signInError` says. */
export async function logInByCode(
  http: DifyHttp,
  { email, code, token }: { readonly email: string; readonly code: string; readonly token: string },
  version: string | undefined,
): Promise<ConsoleTokens> {
  const given = isPlain(version) ? code : Buffer.from(code, 'utf8').toString('base64');
  const answer = await http.send({
    method: 'POST',
    path: `${CODE_LOGIN}/validity`,
    body: { email, code: given, token },
    signal: AbortSignal.any([]),
    timeoutMs: TIMEOUT_MS,
  });
  const { tokens, reply } = await readTokens(answer, new Map());
  if (tokens === undefined) throw signInError(reply, email);
  return tokens;
}

/** Ends a login in Dify. Access tokens stay valid for up to an hour. Rejects if Dify cannot be reached. */
export async function signOut(http: DifyHttp, tokens: ConsoleTokens): Promise<void> {
  // Dify ends the login whose refresh token it issued last, which may be that of the person's browser.
  const latest = await refreshTokens(http, tokens, TIMEOUT_MS);
  if (latest === undefined) return;
  const method = latest.kind === 'cookies' ? 'POST' : 'GET';
  const request = { method, path: '/console/api/logout', headers: tokenHeaders(latest) } as const;
  const answer = await http.send({ ...request, signal: AbortSignal.any([]), timeoutMs: TIMEOUT_MS });
  await answer.discard();
}

/** Resolves with the ID of the account, which stays the same when its e-mail address changes. */
export async function accountId(session: ConsoleSession, signal: AbortSignal): Promise<string> {
  const reply = await readReply(await session.send({ method: 'GET', path: PROFILE, signal }));
  const id = textOf(reply.body?.['id']);
  if (reply.status === 200 && id !== undefined) return id;
  throw session.toError(reply);
}

/** Switches the account to a workspace, in the person's browser too. Resolves with the role there, if Dify says it. */
export async function switchWorkspace(
  session: ConsoleSession,
  id: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const content = () => ({ body: { tenant_id: id } });
  const path = '/console/api/workspaces/switch';
  const reply = await readReply(await session.send({ method: 'POST', path, signal, content }));
  if (reply.status === 403) {
    throw new BridgeError('upstream_forbidden', 'The account is not a member of that workspace.', {
      hint: 'Ask the owner of the workspace for an invitation, or choose another one.',
      upstream: { status: reply.status, path },
    });
  }
  if (reply.status !== 200) throw session.toError(reply);
  return textOf(objectOf(reply.body?.['new_tenant'])['role']);
}

/** Resolves with the account's role in its current workspace; undefined if Dify does not say it. */
export async function currentRole(session: ConsoleSession, signal: AbortSignal): Promise<string | undefined> {
  // The route changed its method in 1.10.1, and its name in 1.17.
  const routes = [
    { method: 'POST', path: CURRENT, content: () => ({ body: {} }) },
    { method: 'GET', path: CURRENT },
    { method: 'GET', path: `${CURRENT}/summary` },
  ] as const;
  let last: DifyReply | undefined;
  for (const route of routes) {
    last = await readReply(await session.send({ ...route, signal }));
    if (last.status === 200) return textOf(last.body?.['role']);
    if (last.status !== 405 && !isUnknownRoute(last)) break;
  }
  if (last !== undefined && last.status !== 405 && !isUnknownRoute(last)) throw session.toError(last);
  return undefined;
}
