import { abortable } from '../../model/async.ts';
import type { BridgeError } from '../../model/errors.ts';
import { adminKeyError, sessionError } from './console-errors.ts';
import {
  type ConsoleTokens,
  type LoginCredentials,
  logIn,
  refreshTokens,
  secretsOf,
  type TokenStore,
  tokenHeaders,
} from './login.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import type { DifyHttp, DifyRequest } from '../wire/http.ts';
import { abortError } from '../wire/network-errors.ts';
import { type DifyReply, isNotReady, readReply } from '../wire/reply.ts';
import { probeVersion } from '../inner/probe.ts';

export type ConsoleCredentials =
  | { readonly kind: 'admin-key'; readonly key: string; readonly workspaceId: string }
  | (LoginCredentials & {
      readonly kind: 'login';
      /** The workspace that the account must be in; not checked when absent. */
      readonly workspaceId?: string | undefined;
    })
  | {
      readonly kind: 'stored';
      readonly email: string;
      readonly workspaceId?: string | undefined;
      readonly store: TokenStore;
    };

/** A request to the console API; the session adds the headers. */
export interface ConsoleRequest {
  readonly method: 'GET' | 'POST';
  /** Begins with `/console/api/` and includes the query. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** False omits the workspace, for admin-key routes above all workspaces. */
  readonly inWorkspace?: boolean | undefined;
  /** Returns the body and its headers, again if the request is sent a second time. */
  readonly content?: (() => Pick<DifyRequest, 'headers' | 'body'>) | undefined;
  /** Milliseconds for the whole exchange; those of the session when absent. */
  readonly timeoutMs?: number | undefined;
  readonly exchange?: DifyRequest['exchange'];
}

export interface ConsoleSession {
  /**
   * Resolves with any answer except a 401, for which it throws a BridgeError. If the tokens have expired, renews them
   * and sends the request a second time: Dify refuses such a request before it does anything.
   */
  send(request: ConsoleRequest): Promise<DifyAnswer>;
  toError(reply: DifyReply): BridgeError;
  /** Resolves with the headers that authenticate a request. Rejects if Dify refuses the login. */
  headers(signal: AbortSignal): Promise<Readonly<Record<string, string | undefined>>>;
}

/** Milliseconds for one request to the console API, including its answer. */
const CONSOLE_TIMEOUT_MS = 30_000;

/**
 * Returns a session; sends nothing before the first request. If Dify refuses the login, every later request fails with
 * the same error and only a new session tries again: six failed logins lock the account for a day.
 */
export function createConsoleSession(
  http: DifyHttp,
  credentials: ConsoleCredentials,
  timeoutMs: number = CONSOLE_TIMEOUT_MS,
): ConsoleSession {
  if (credentials.kind === 'admin-key') return adminSession(http, credentials, timeoutMs);
  return credentials.kind === 'login'
    ? loginSession(http, credentials, timeoutMs)
    : storedSession(http, credentials.store, timeoutMs);
}

function requestWith(
  { method, path, signal, content, timeoutMs, exchange }: Omit<ConsoleRequest, 'inWorkspace'>,
  headers: NonNullable<DifyRequest['headers']>,
  defaultMs: number,
): DifyRequest {
  const { headers: own, body } = content?.() ?? {};
  const limits = { signal, timeoutMs: timeoutMs ?? defaultMs };
  return { method, path, headers: { ...own, ...headers }, body, exchange, ...limits };
}

function adminSession(
  http: DifyHttp,
  { key, workspaceId }: Extract<ConsoleCredentials, { kind: 'admin-key' }>,
  timeoutMs: number,
): ConsoleSession {
  const toError = (reply: DifyReply): BridgeError => adminKeyError(reply, workspaceId);
  const authorization = `Bearer ${key}`;
  return {
    toError,
    headers: async () => ({ authorization, 'x-workspace-id': workspaceId }),
    async send({ inWorkspace = true, ...request }) {
      const workspace = inWorkspace ? workspaceId : undefined;
      const headers = { authorization, 'x-workspace-id': workspace };
      const answer = await http.send(requestWith(request, headers, timeoutMs));
      if (answer.status === 401) throw toError(await readReply(answer));
      return answer;
    },
  };
}

function loginSession(
  http: DifyHttp,
  credentials: Extract<ConsoleCredentials, { kind: 'login' }>,
  timeoutMs: number,
): ConsoleSession {
  /** Why the session does not log in again. */
  let loginError: BridgeError | undefined;
  /** Tokens that Dify does not renew: a refresh token is valid once. */
  let spent: ConsoleTokens | undefined;

  async function renew(stale: ConsoleTokens | undefined): Promise<ConsoleTokens> {
    if (stale !== undefined && stale !== spent) {
      const refreshed = await refreshTokens(http, stale, timeoutMs);
      if (refreshed !== undefined) return refreshed;
      spent = stale;
    }
    // A caller's abort must not end a login that others wait for; each request has its own time limit.
    const { version } = await probeVersion(http, AbortSignal.any([]));
    const outcome = await logIn(http, credentials, version, timeoutMs);
    if ('tokens' in outcome) return outcome.tokens;
    if (outcome.final) loginError = outcome.error;
    throw outcome.error;
  }

  return tokenSession(http, { renew, toError: sessionError, failure: () => loginError, timeoutMs });
}

/** Returns a session with the tokens of a store, which other processes may renew too. */
function storedSession(http: DifyHttp, store: TokenStore, timeoutMs: number): ConsoleSession {
  return tokenSession(http, {
    renew: (stale) =>
      stale === undefined
        ? store.read()
        : store.renew(stale, (tokens) => refreshTokens(http, tokens, timeoutMs)),
    toError: (reply) =>
      reply.status === 401 && !isNotReady(reply) ? store.ended(reply.said) : sessionError(reply),
    timeoutMs,
  });
}

interface TokenSource {
  /** Resolves with tokens other than `stale`. */
  readonly renew: (stale: ConsoleTokens | undefined) => Promise<ConsoleTokens>;
  readonly toError: (reply: DifyReply) => BridgeError;
  /** Returns why no further request is sent, if so. */
  readonly failure?: (() => BridgeError | undefined) | undefined;
  readonly timeoutMs: number;
}

function tokenSession(http: DifyHttp, { renew, toError, failure, timeoutMs }: TokenSource): ConsoleSession {
  let tokens: ConsoleTokens | undefined;
  let renewal: Promise<ConsoleTokens> | undefined;

  /** Resolves with tokens other than `stale`. Callers that arrive during a renewal wait for its result. */
  async function obtain(stale: ConsoleTokens | undefined, signal: AbortSignal): Promise<ConsoleTokens> {
    if (signal.aborted) throw abortError(signal);
    const over = failure?.();
    if (over !== undefined) throw over;
    if (tokens !== undefined && tokens !== stale) return tokens;
    renewal ??= renew(tokens)
      .then((fresh) => {
        tokens = fresh;
        // A refresh token is sent an hour later, and Dify or a client may quote it before.
        for (const secret of secretsOf(fresh)) http.secrets.remember(secret);
        return fresh;
      })
      .finally(() => {
        renewal = undefined;
      });
    // An aborted caller leaves; the login continues for the others.
    return abortable(renewal, signal).catch((error: unknown) => {
      throw signal.aborted ? abortError(signal) : error;
    });
  }

  return {
    toError,
    headers: async (signal) => tokenHeaders(await obtain(undefined, signal)),
    async send(request) {
      const { signal } = request;
      let used = await obtain(undefined, signal);
      for (let renewed = false; ; renewed = true) {
        const answer = await http.send(requestWith(request, tokenHeaders(used), timeoutMs));
        if (answer.status !== 401) return answer;
        const reply = await readReply(answer);
        if (renewed || isNotReady(reply) || reply.body === undefined) throw toError(reply);
        used = await obtain(used, signal);
      }
    },
  };
}
