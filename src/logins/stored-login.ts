import type { ConsoleTokens } from '../dify/console/login.ts';
import { BridgeError } from '../model/errors.ts';
import { isJsonObject, type JsonObject, textOf } from '../model/json.ts';

/** What identifies a login: several Difys, accounts and workspaces have one each. */
export interface LoginKey {
  /** Dify's address without a trailing slash. */
  readonly url: string;
  readonly email: string;
  readonly workspaceId: string;
}

/** A login that a person made. It never contains the password. */
export interface StoredLogin extends LoginKey {
  readonly workspaceName: string;
  readonly signedInAt: Date;
  /** When Dify issued the tokens. */
  readonly renewedAt: Date;
  readonly tokens: ConsoleTokens;
}

export function isSameLogin(left: LoginKey, right: LoginKey): boolean {
  return (
    left.url === right.url &&
    left.email.toLowerCase() === right.email.toLowerCase() &&
    left.workspaceId.toLowerCase() === right.workspaceId.toLowerCase()
  );
}

/** Returns whether two values are the same issue of tokens. */
export function isSameIssue(left: ConsoleTokens, right: ConsoleTokens): boolean {
  return JSON.stringify(tokensToJson(left)) === JSON.stringify(tokensToJson(right));
}

/** Returns the error for a login that Dify no longer accepts, with Dify's words. */
export function endedLogin({ email, url }: LoginKey, said: string | undefined): BridgeError {
  const words = said === undefined ? '' : ` Dify said: "${said}"`;
  const message = `The login of ${email} at ${url} has ended.${words}`;
  return new BridgeError('login_ended', message, { hint: `Run: dify-mcp-bridge login ${url}` });
}

/** Returns a login with tokens that Dify has just issued. */
export function newLogin(
  url: string,
  email: string,
  workspace: { readonly id: string; readonly name: string },
  tokens: ConsoleTokens,
): StoredLogin {
  const { id: workspaceId, name: workspaceName } = workspace;
  const now = new Date();
  return { url, email, workspaceId, workspaceName, signedInAt: now, renewedAt: now, tokens };
}

export function loginToJson({ tokens, signedInAt, renewedAt, ...facts }: StoredLogin): JsonObject {
  return {
    ...facts,
    signedInAt: signedInAt.toISOString(),
    renewedAt: renewedAt.toISOString(),
    tokens: tokensToJson(tokens),
  };
}

/** Returns the login in a JSON value; undefined if a part is missing or has another type. */
export function loginFromJson(raw: unknown): StoredLogin | undefined {
  if (!isJsonObject(raw)) return undefined;
  const [url, email, workspaceId, workspaceName] = ['url', 'email', 'workspaceId', 'workspaceName'].map(
    (name) => textOf(raw[name]),
  );
  const [signedInAt, renewedAt] = ['signedInAt', 'renewedAt'].map((name) => dateOf(raw[name]));
  const tokens = tokensFromJson(raw['tokens']);
  if (url === undefined || email === undefined || workspaceId === undefined || workspaceName === undefined)
    return undefined;
  if (signedInAt === undefined || renewedAt === undefined || tokens === undefined) return undefined;
  return { url, email, workspaceId, workspaceName, signedInAt, renewedAt, tokens };
}

export function tokensToJson(tokens: ConsoleTokens): JsonObject {
  if (tokens.kind === 'bearer') return { ...tokens };
  return { ...tokens, cookies: Object.fromEntries(tokens.cookies) };
}

/** Returns the tokens in a JSON value; undefined if a part is missing or has another type. */
export function tokensFromJson(raw: unknown): ConsoleTokens | undefined {
  if (!isJsonObject(raw)) return undefined;
  const { kind, access, refresh, cookies, expiresAt } = raw;
  if (kind === 'bearer' && typeof access === 'string') {
    return { kind, access, refresh: textOf(refresh) };
  }
  if (kind !== 'cookies' || !isJsonObject(cookies)) return undefined;
  const pairs = Object.entries(cookies).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[name, value]] : [],
  );
  if (pairs.length < Object.keys(cookies).length) return undefined;
  return { kind, cookies: new Map(pairs), expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined };
}

function dateOf(raw: unknown): Date | undefined {
  const date = new Date(typeof raw === 'string' ? raw : '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}
