import type { ConsoleTokens, TokenStore } from '../dify/console/login.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { beginReplacement, lockLogins, readLogins } from './login-file.ts';
import { endedLogin, isSameIssue, isSameLogin, type LoginKey, type StoredLogin } from './stored-login.ts';

export interface LoginStore extends TokenStore {
  /** Resolves when no renewal runs. A process that ends earlier may lose the login. */
  settled(): Promise<unknown>;
}

/**
 * Returns the tokens of a stored login, shared with other processes through the file. Dify replaces the refresh token at
 * each use, so only the holder of the file's lock renews it, after it has read the file again.
 */
export function createLoginStore(
  path: string,
  key: LoginKey,
  logger: Pick<Logger, 'warn'> | undefined,
): LoginStore {
  let renewing: Promise<unknown> = Promise.resolve();
  /** Renewed tokens that could not be written, and those in the file, which they replaced. */
  let unsaved: { readonly tokens: ConsoleTokens; readonly replaced: ConsoleTokens } | undefined;

  const ended = (said?: string): BridgeError => endedLogin(key, said);
  const find = (logins: readonly StoredLogin[]): StoredLogin => {
    const login = logins.find((one) => isSameLogin(one, key));
    if (login === undefined) throw ended();
    return login;
  };
  const latest = ({ tokens }: StoredLogin): ConsoleTokens =>
    unsaved !== undefined && isSameIssue(unsaved.replaced, tokens) ? unsaved.tokens : tokens;
  const read = async (): Promise<ConsoleTokens> => latest(find(await readLogins(path)));

  async function renewLocked(
    stale: ConsoleTokens,
    refresh: (tokens: ConsoleTokens) => Promise<ConsoleTokens | undefined>,
  ): Promise<ConsoleTokens> {
    const logins = await readLogins(path);
    const login = find(logins);
    const tokens = latest(login);
    if (!isSameIssue(tokens, stale)) return tokens;
    // Before Dify replaces the token: a new one that cannot be written would be lost to every other process.
    const replacement = await beginReplacement(path, logins);
    const fresh = await refresh(tokens).catch(async (error: unknown) => {
      await replacement.discard();
      throw error;
    });
    if (fresh === undefined) {
      await replacement.discard();
      const now = await read();
      if (isSameIssue(now, tokens)) throw ended();
      return now;
    }
    const renewed = { ...login, tokens: fresh, renewedAt: new Date() };
    try {
      await replacement.commit(logins.map((one) => (one === login ? renewed : one)));
      unsaved = undefined;
    } catch (error) {
      // The token in the file is used up, so only this process can go on.
      unsaved = { tokens: fresh, replaced: login.tokens };
      const reason = error instanceof BridgeError ? error.message : String(error);
      logger?.warn('The renewed login is lost when the bridge stops', { reason });
    }
    return fresh;
  }

  return {
    again: 'run dify-mcp-bridge login',
    read,
    ended,
    async renew(stale, refresh) {
      const tokens = await read();
      if (!isSameIssue(tokens, stale)) return tokens;
      const renewal = lockLogins(path, () => renewLocked(stale, refresh));
      renewing = renewal.catch(() => undefined);
      return renewal;
    },
    settled: () => renewing,
  };
}
