import { BridgeError } from '../../model/errors.ts';
import { isJsonObject, type Json } from '../../model/json.ts';
import { type LoginFailure, loginFailure, sessionError } from './console-errors.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import type { DifyHttp, DifyRequest } from '../wire/http.ts';
import { isSince } from '../wire/release.ts';
import { type DifyReply, isNotReady, readReply } from '../wire/reply.ts';

export interface LoginCredentials {
  readonly email: string;
  readonly password: string;
}

/** What a login returned: since 1.9.2 cookies (named `__Host-…` over HTTPS), before that tokens in the body. */
export type ConsoleTokens =
  | {
      readonly kind: 'cookies';
      readonly cookies: ReadonlyMap<string, string>;
      /** When the refresh token expires, in milliseconds since the epoch. */
      readonly expiresAt?: number | undefined;
    }
  | { readonly kind: 'bearer'; readonly access: string; readonly refresh: string | undefined };

/** Tokens that several processes share. */
export interface TokenStore {
  /** Resolves with the latest tokens. Rejects with `login_ended` if there are none. */
  read(): Promise<ConsoleTokens>;
  /**
   * Resolves with tokens other than `stale`: those of another process, or those that `refresh` returns. Calls `refresh`
   * at most once. Rejects with `login_ended` if that returns undefined.
   */
  renew(
    stale: ConsoleTokens,
    refresh: (tokens: ConsoleTokens) => Promise<ConsoleTokens | undefined>,
  ): Promise<ConsoleTokens>;
  /** What the person does to sign in again: `run dify-mcp-bridge login`. */
  readonly again: string;
  /** Returns the error for a login that Dify no longer accepts, with Dify's words. */
  ended(said: string | undefined): BridgeError;
}

/** Returns the tokens as texts to mask. */
export function secretsOf(tokens: ConsoleTokens): readonly string[] {
  if (tokens.kind === 'cookies') return [...tokens.cookies.values()];
  const { access, refresh } = tokens;
  return refresh === undefined ? [access] : [access, refresh];
}

const LOGIN_PATH = '/console/api/login';
const REFRESH_PATH = '/console/api/refresh-token';
/** From this version on, Dify expects the password as Base64. */
const BASE64_SINCE = '1.11.2';

/** Logs in as `sendLogin` does. Returns the error of a refused login in the words of the configuration. */
export async function logIn(
  http: DifyHttp,
  credentials: LoginCredentials,
  version: string | undefined,
  timeoutMs: number,
): Promise<{ readonly tokens: ConsoleTokens } | LoginFailure> {
  const result = await sendLogin(http, credentials, version, timeoutMs);
  if (result.tokens !== undefined) return { tokens: result.tokens };
  if (result.succeeded) return { error: withoutTokens(result.reply), final: false };
  const encoding = isPlain(version) ? 'as plain text' : 'as Base64';
  const form =
    version === undefined
      ? 'the password went as Base64, because Dify did not tell its version in X-Version'
      : `the password went ${encoding}, as Dify ${version} expects`;
  return loginFailure(result.reply, form);
}

/** Logs in with one request, with the password as Dify's `version` expects. Rejects if Dify cannot be reached. */
export async function sendLogin(
  http: DifyHttp,
  { email, password }: LoginCredentials,
  version: string | undefined,
  timeoutMs: number,
): Promise<TokenAnswer> {
  const encoded = Buffer.from(password, 'utf8').toString('base64');
  const sent = isPlain(version) ? password : encoded;
  for (const secret of [password, sent]) http.secrets.remember(secret);
  const body = { email, password: sent, remember_me: true };
  const request = { method: 'POST', path: LOGIN_PATH, body, signal: AbortSignal.any([]), timeoutMs } as const;
  return readTokens(await http.send(request), new Map());
}

/** Returns whether a release expects passwords and codes as they are. */
export function isPlain(version: string | undefined): boolean {
  return isSince(version, BASE64_SINCE) === false;
}

/**
 * Exchanges the refresh token, which is valid once, for new tokens with one request. Returns undefined if there is none
 * or Dify refuses it. Throws a BridgeError if Dify cannot be reached or cannot answer now.
 */
export async function refreshTokens(
  http: DifyHttp,
  tokens: ConsoleTokens,
  timeoutMs: number,
): Promise<ConsoleTokens | undefined> {
  const carried = refreshRequest(tokens);
  if (carried === undefined) return undefined;
  if (tokens.kind === 'bearer' && tokens.refresh !== undefined) http.secrets.remember(tokens.refresh);
  const request = { method: 'POST', path: REFRESH_PATH, ...carried } as const;
  const answer = await http.send({ ...request, signal: AbortSignal.any([]), timeoutMs });
  const result = await readTokens(answer, tokens.kind === 'cookies' ? tokens.cookies : new Map());
  if (result.tokens !== undefined) return result.tokens;
  if (result.succeeded || isRefused(result.reply)) return undefined;
  throw sessionError(result.reply);
}

/** Returns the headers that authenticate a request. Since 1.9.2 Dify expects the CSRF token as cookie and as header. */
export function tokenHeaders(tokens: ConsoleTokens): NonNullable<DifyRequest['headers']> {
  if (tokens.kind === 'bearer') return { authorization: `Bearer ${tokens.access}` };
  const pairs = [...tokens.cookies];
  const csrf = pairs.find(([name]) => name.endsWith('csrf_token'))?.[1];
  return { cookie: pairs.map((pair) => pair.join('=')).join('; '), 'x-csrf-token': csrf };
}

/** Returns the refresh token in the form in which Dify issued it; the route ignores everything else. */
function refreshRequest(tokens: ConsoleTokens): Pick<DifyRequest, 'headers' | 'body'> | undefined {
  if (tokens.kind === 'bearer') {
    return tokens.refresh === undefined ? undefined : { body: { refresh_token: tokens.refresh } };
  }
  const cookie = [...tokens.cookies].find(([name]) => name.endsWith('refresh_token'));
  return cookie && { headers: { cookie: cookie.join('=') } };
}

/** Returns true if Dify judged the refresh token, rather than failing before that. */
function isRefused(reply: DifyReply): boolean {
  return reply.body !== undefined && reply.status < 500 && reply.status !== 429 && !isNotReady(reply);
}

export interface TokenAnswer {
  readonly tokens: ConsoleTokens | undefined;
  /** Dify reported success, with or without tokens. */
  readonly succeeded: boolean;
  readonly reply: DifyReply;
}

/** Reads the answer to a login or a refresh. Dify answers 200 even to a login that it refuses: `result` decides. */
export async function readTokens(
  answer: DifyAnswer,
  known: ReadonlyMap<string, string>,
): Promise<TokenAnswer> {
  const reply = await readReply(answer);
  const succeeded = reply.status === 200 && reply.body?.['result'] === 'success';
  const tokens = succeeded ? (cookieTokens(answer, known) ?? bearerTokens(reply.body?.['data'])) : undefined;
  return { tokens, succeeded, reply };
}

/** Returns the known cookies updated with those of the answer; undefined if the answer has no access token. */
function cookieTokens(answer: DifyAnswer, known: ReadonlyMap<string, string>): ConsoleTokens | undefined {
  const cookies = new Map(known);
  let renewed = false;
  let expiresAt: number | undefined;
  for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
    const pair = line.split(';', 1)[0] ?? '';
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(equals, 0)).trim();
    const value = pair.slice(equals + 1).trim();
    if (name === '') continue;
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
    renewed ||= value !== '' && name.endsWith('access_token');
    const seconds = name.endsWith('refresh_token') ? /;\s*max-age=(\d+)/i.exec(line)?.[1] : undefined;
    if (seconds !== undefined) expiresAt = Date.now() + Number(seconds) * 1000;
  }
  return renewed ? { kind: 'cookies', cookies, expiresAt } : undefined;
}

function bearerTokens(data: Json | undefined): ConsoleTokens | undefined {
  if (!isJsonObject(data)) return undefined;
  const { access_token: access, refresh_token: refresh } = data;
  if (typeof access !== 'string') return undefined;
  return { kind: 'bearer', access, refresh: typeof refresh === 'string' ? refresh : undefined };
}

function withoutTokens({ status, path }: DifyReply): BridgeError {
  return new BridgeError('upstream_error', 'Dify accepted the login, but its answer carried no tokens.', {
    hint: 'Check that nothing between the bridge and Dify removes cookies, or use DIFY_ADMIN_API_KEY.',
    upstream: { status, path },
  });
}
