import { BridgeError } from '../../model/errors.ts';
import { isJsonObject, type Json } from '../../model/json.ts';
import { type LoginFailure, loginFailure, sessionError } from './console-errors.ts';
import type { DifyAnswer, DifyHttp, DifyRequest } from '../wire/http.ts';
import { type DifyReply, isNotReady, readReply } from '../wire/reply.ts';

/** E-mail and password of a Dify account. */
export interface LoginCredentials {
  readonly email: string;
  readonly password: string;
}

/**
 * What a login handed out: cookies under the names that Dify chose (1.9.2 and later; `__Host-` before them
 * where Dify is served over HTTPS), or a pair of tokens in the body (before).
 */
export type ConsoleTokens =
  | { readonly kind: 'cookies'; readonly cookies: ReadonlyMap<string, string> }
  | { readonly kind: 'bearer'; readonly access: string; readonly refresh: string | undefined };

/** Tokens, or why there are none. */
export type LoginOutcome = { readonly tokens: ConsoleTokens } | LoginFailure;

const LOGIN_PATH = '/console/api/login';
const REFRESH_PATH = '/console/api/refresh-token';
/** From this version on the password is sent as Base64. */
const BASE64_SINCE = [1, 11, 2] as const;

/**
 * Logs in with one request. The password is sent in the form that `version` (X-Version) expects; of an unknown
 * version the present form, Base64, is assumed. Throws only when Dify cannot be reached.
 */
export async function logIn(
  http: DifyHttp,
  credentials: LoginCredentials,
  version: string | undefined,
  timeoutMs: number,
): Promise<LoginOutcome> {
  const base64 = expectsBase64(version);
  const password = base64
    ? Buffer.from(credentials.password, 'utf8').toString('base64')
    : credentials.password;
  for (const secret of [credentials.password, password]) http.secrets.remember(secret);
  const answer = await http.send({
    method: 'POST',
    path: LOGIN_PATH,
    body: { email: credentials.email, password, remember_me: true },
    signal: never(),
    timeoutMs,
  });
  const form =
    version === undefined
      ? 'the password went as Base64, because Dify did not tell its version in X-Version'
      : `the password went ${base64 ? 'as Base64' : 'as plain text'}, as Dify ${version} expects`;
  const result = await readTokens(answer, new Map());
  if (result.tokens !== undefined) return { tokens: result.tokens };
  if (result.succeeded) return { error: withoutTokens(result.reply), final: false };
  return loginFailure(result.reply, form);
}

/**
 * Exchanges the refresh token for new tokens with one request; it is used up by that. Undefined when there is
 * none or Dify refuses it. Throws a BridgeError when Dify cannot be reached or cannot answer now.
 */
export async function refreshTokens(
  http: DifyHttp,
  tokens: ConsoleTokens,
  timeoutMs: number,
): Promise<ConsoleTokens | undefined> {
  const carried = refreshRequest(tokens);
  if (carried === undefined) return undefined;
  if (tokens.kind === 'bearer' && tokens.refresh !== undefined) http.secrets.remember(tokens.refresh);
  const answer = await http.send({
    method: 'POST',
    path: REFRESH_PATH,
    ...carried,
    signal: never(),
    timeoutMs,
  });
  const result = await readTokens(answer, tokens.kind === 'cookies' ? tokens.cookies : new Map());
  if (result.tokens !== undefined) return result.tokens;
  if (result.succeeded || isRefused(result.reply)) return undefined;
  throw sessionError(result.reply);
}

/** The headers that show a request to belong to the session; since 1.9.2 the CSRF token goes twice. */
export function tokenHeaders(tokens: ConsoleTokens): NonNullable<DifyRequest['headers']> {
  if (tokens.kind === 'bearer') return { authorization: `Bearer ${tokens.access}` };
  const pairs = [...tokens.cookies];
  const csrf = pairs.find(([name]) => name.endsWith('csrf_token'))?.[1];
  return {
    cookie: pairs.map(([name, value]) => `${name}=${value}`).join('; '),
    'x-csrf-token': csrf,
  };
}

/** The refresh token, the way it came; the route looks at nothing else. */
function refreshRequest(tokens: ConsoleTokens): Pick<DifyRequest, 'headers' | 'body'> | undefined {
  if (tokens.kind === 'bearer') {
    return tokens.refresh === undefined ? undefined : { body: { refresh_token: tokens.refresh } };
  }
  const cookie = [...tokens.cookies].find(([name]) => name.endsWith('refresh_token'));
  return cookie && { headers: { cookie: cookie.join('=') } };
}

/** True when Dify judged the refresh token, rather than being unable to look at it. */
function isRefused(reply: DifyReply): boolean {
  return reply.body !== undefined && reply.status < 500 && reply.status !== 429 && !isNotReady(reply);
}

interface TokenAnswer {
  readonly tokens: ConsoleTokens | undefined;
  /** Dify said success, whether or not tokens came with it. */
  readonly succeeded: boolean;
  readonly reply: DifyReply;
}

/** Reads a login or a refresh. Dify answers 200 to a login that it refuses for want of a workspace: `result` decides. */
async function readTokens(answer: DifyAnswer, known: ReadonlyMap<string, string>): Promise<TokenAnswer> {
  const reply = await readReply(answer);
  const succeeded = reply.status === 200 && reply.body?.['result'] === 'success';
  const tokens = succeeded ? (cookieTokens(answer, known) ?? bearerTokens(reply.body?.['data'])) : undefined;
  return { tokens, succeeded, reply };
}

/** The cookies so far with those of the answer over them; undefined when the answer brings no access token. */
function cookieTokens(answer: DifyAnswer, known: ReadonlyMap<string, string>): ConsoleTokens | undefined {
  const cookies = new Map(known);
  let renewed = false;
  for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
    const pair = line.split(';', 1)[0] ?? '';
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(equals, 0)).trim();
    const value = pair.slice(equals + 1).trim();
    if (name === '') continue;
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
    renewed ||= value !== '' && name.endsWith('access_token');
  }
  return renewed ? { kind: 'cookies', cookies } : undefined;
}

function bearerTokens(data: Json | undefined): ConsoleTokens | undefined {
  if (!isJsonObject(data)) return undefined;
  const { access_token: access, refresh_token: refresh } = data;
  if (typeof access !== 'string') return undefined;
  return { kind: 'bearer', access, refresh: typeof refresh === 'string' ? refresh : undefined };
}

function expectsBase64(version: string | undefined): boolean {
  const parts = /^(\d+)\.(\d+)\.(\d+)/
    .exec(version ?? '')
    ?.slice(1)
    .map(Number);
  if (parts === undefined) return true;
  for (const [index, limit] of BASE64_SINCE.entries()) {
    const part = parts[index] ?? 0;
    if (part !== limit) return part > limit;
  }
  return true;
}

function withoutTokens({ status, path }: DifyReply): BridgeError {
  return new BridgeError('upstream_error', 'Dify accepted the login, but its answer carried no tokens.', {
    hint: 'Check that nothing between the bridge and Dify removes cookies, or use DIFY_ADMIN_API_KEY.',
    upstream: { status, path },
  });
}

function never(): AbortSignal {
  return new AbortController().signal;
}
