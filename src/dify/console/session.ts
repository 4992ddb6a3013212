import { abortable } from '../../model/async.ts';
import type { BridgeError } from '../../model/errors.ts';
import { adminKeyError, sessionError } from './console-errors.ts';
import { type ConsoleTokens, logIn, refreshTokens, tokenHeaders } from './login.ts';
import type { DifyAnswer, DifyHttp } from '../wire/http.ts';
import { abortError } from '../wire/network-errors.ts';
import { type DifyReply, isNotReady, readReply } from '../wire/reply.ts';
import { probeVersion } from '../inner/probe.ts';

/** How the bridge authenticates to Dify's console API. */
export type ConsoleCredentials =
  | { readonly kind: 'admin-key'; readonly key: string; readonly workspaceId: string }
  | {
      readonly kind: 'login';
      readonly email: string;
      readonly password: string;
      /** The workspace that the account must be in; none checked when absent. */
      readonly workspaceId?: string | undefined;
    };

/** A request of the console API; the session adds the headers. */
export interface ConsoleRequest {
  readonly method: 'GET' | 'POST';
  /** Begins with `/console/api/`, query included. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** False leaves the workspace out, for the admin key's routes that are above workspaces. */
  readonly inWorkspace?: boolean | undefined;
}

/** Sends authenticated requests to the console API. */
export interface ConsoleSession {
  /**
   * Any answer but a 401, which throws a BridgeError. Tokens that ran out are renewed and the request is sent
   * once more, so it must be one that may be repeated.
   */
  send(request: ConsoleRequest): Promise<DifyAnswer>;
  /** The error for a reply that is not the expected one. */
  toError(reply: DifyReply): BridgeError;
}

/** Milliseconds that one request of the console API may take, its answer included. */
export const CONSOLE_TIMEOUT_MS = 30_000;

/**
 * Opens a session; nothing is sent before the first request. A login that Dify refuses is remembered and answers
 * every later request, because six failed logins lock the account for a day: only a new session tries again.
 */
export function createConsoleSession(
  http: DifyHttp,
  credentials: ConsoleCredentials,
  timeoutMs: number = CONSOLE_TIMEOUT_MS,
): ConsoleSession {
  return credentials.kind === 'admin-key'
    ? adminSession(http, credentials, timeoutMs)
    : loginSession(http, credentials, timeoutMs);
}

function adminSession(
  http: DifyHttp,
  { key, workspaceId }: Extract<ConsoleCredentials, { kind: 'admin-key' }>,
  timeoutMs: number,
): ConsoleSession {
  const toError = (reply: DifyReply): BridgeError => adminKeyError(reply, workspaceId);
  return {
    toError,
    async send({ method, path, signal, inWorkspace = true }) {
      const headers = {
        authorization: `Bearer ${key}`,
        'x-workspace-id': inWorkspace ? workspaceId : undefined,
      };
      const answer = await http.send({ method, path, headers, signal, timeoutMs });
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
  let tokens: ConsoleTokens | undefined;
  let renewal: Promise<ConsoleTokens> | undefined;
  /** Why no further login is tried. */
  let loginError: BridgeError | undefined;

  async function renew(stale: ConsoleTokens | undefined): Promise<ConsoleTokens> {
    const refreshed = stale === undefined ? undefined : await refreshTokens(http, stale, timeoutMs);
    if (refreshed !== undefined) return refreshed;
    // A refresh token counts once, and so did the one that Dify has just refused.
    tokens = undefined;
    // The caller's signal must not end a login that others wait for; each request has its own limit.
    const { version } = await probeVersion(http, new AbortController().signal);
    const outcome = await logIn(http, credentials, version, timeoutMs);
    if ('tokens' in outcome) return outcome.tokens;
    if (outcome.final) loginError = outcome.error;
    throw outcome.error;
  }

  /** Tokens other than `stale`. Callers that come while they are being fetched wait for the same ones. */
  async function obtain(stale: ConsoleTokens | undefined, signal: AbortSignal): Promise<ConsoleTokens> {
    if (signal.aborted) throw abortError(signal);
    if (loginError !== undefined) throw loginError;
    if (tokens !== undefined && tokens !== stale) return tokens;
    renewal ??= renew(tokens)
      .then((fresh) => {
        tokens = fresh;
        return fresh;
      })
      .finally(() => {
        renewal = undefined;
      });
    // An aborted caller leaves; the login goes on for the others.
    return abortable(renewal, signal).catch((error: unknown) => {
      throw signal.aborted ? abortError(signal) : error;
    });
  }

  return {
    toError: sessionError,
    async send({ method, path, signal }) {
      let used = await obtain(undefined, signal);
      for (let renewed = false; ; renewed = true) {
        const answer = await http.send({ method, path, headers: tokenHeaders(used), signal, timeoutMs });
        if (answer.status !== 401) return answer;
        const reply = await readReply(answer);
        if (renewed || isNotReady(reply) || reply.body === undefined) throw sessionError(reply);
        used = await obtain(used, signal);
      }
    },
  };
}
