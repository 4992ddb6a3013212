import type { ConsoleTokens } from '../dify/console/login.ts';
import type { LoginStore } from '../logins/login-store.ts';
import { isSameIssue, type StoredLogin } from '../logins/stored-login.ts';
import type { BridgeError } from '../model/errors.ts';

export interface RecordedLogin {
  /** See `TokenStore`. */
  readonly again: string;
  readonly ended: (said?: string) => BridgeError;
  /** Runs an action while no other replica changes the login. */
  readonly locked: <T>(action: () => Promise<T>) => Promise<T>;
  /** Rejects with `login_ended` if there is none. */
  readonly find: () => Promise<StoredLogin>;
  readonly put: (login: StoredLogin) => Promise<void>;
}

/**
 * Returns the tokens of a login that all replicas share. Dify replaces the refresh token at each use, so only the holder of
 * the lock renews it, after it has read the login again.
 */
export function recordedTokens({ again, ended, locked, find, put }: RecordedLogin): LoginStore {
  let renewing: Promise<unknown> = Promise.resolve();
  /** A renewed login that could not be stored, and the tokens that it replaced: Dify accepts no others. */
  let unsaved: { readonly login: StoredLogin; readonly replaced: ConsoleTokens } | undefined;

  const latest = async (): Promise<StoredLogin> => {
    const login = await find();
    return unsaved !== undefined && isSameIssue(unsaved.replaced, login.tokens) ? unsaved.login : login;
  };
  const renewLocked: LoginStore['renew'] = (stale, refresh) =>
    locked(async () => {
      const login = await latest();
      if (!isSameIssue(login.tokens, stale)) return login.tokens;
      const tokens = await refresh(login.tokens);
      if (tokens === undefined) throw ended();
      const renewed = { ...login, tokens, renewedAt: new Date() };
      const replaced = unsaved?.replaced ?? login.tokens;
      unsaved = { login: renewed, replaced };
      await put(renewed).then(
        () => (unsaved = undefined),
        () => undefined,
      );
      return tokens;
    });
  return {
    again,
    ended,
    read: async () => (await latest()).tokens,
    renew(stale, refresh) {
      const renewal = renewLocked(stale, refresh);
      renewing = renewal.catch(() => undefined);
      return renewal;
    },
    settled: () => renewing,
  };
}
