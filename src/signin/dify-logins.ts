import type { LoginStore } from '../logins/login-store.ts';
import { signOut } from '../dify/console/sign-in.ts';
import type { DifyHttp } from '../dify/wire/http.ts';
import { loginFromJson, loginToJson, type StoredLogin } from '../logins/stored-login.ts';
import { BridgeError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Logger } from '../model/logger.ts';
import { recordedTokens } from './recorded-tokens.ts';
import type { SealedRecords } from './records.ts';

/** A person's login in Dify, and the grants that they gave to clients. */
export interface AccountLogin {
  /** Dify's ID of the account. */
  readonly accountId: string;
  readonly login: StoredLogin;
  readonly grants: readonly string[];
}

const KIND = 'Login';
/** As long as Dify's refresh token, which each use renews. */
export const LOGIN_SECONDS = 30 * 86_400;
/** How long a login is kept that no client has a grant for. */
const UNUSED_SECONDS = 3600;
/** The most clients of one person. The earliest grant ends first. */
const MAX_GRANTS = 50;

export interface DifyLoginsOptions {
  readonly records: SealedRecords;
  readonly http: DifyHttp;
  readonly logger: Logger;
}

/** The logins of the persons who have signed in: one for each account, for all of its clients. */
export class DifyLogins {
  readonly #options: DifyLoginsOptions;
  readonly #listeners: ((accountId: string) => void)[] = [];

  constructor(options: DifyLoginsOptions) {
    this.#options = options;
  }

  /** Calls back with each account whose login has ended, or was replaced by one in another workspace. */
  onEnd(listener: (accountId: string) => void): void {
    this.#listeners.push(listener);
  }

  async find(accountId: string): Promise<AccountLogin | undefined> {
    return fromJson(accountId, await this.#options.records.find(KIND, accountId));
  }

  /** Stores a new login of an account. Ends the earlier one in Dify, and keeps the grants if the workspace is the same. */
  async store(accountId: string, login: StoredLogin): Promise<void> {
    const before = await this.#locked(accountId, async () => {
      const known = await this.find(accountId);
      const stays = known?.login.workspaceId === login.workspaceId;
      await this.#put({ accountId, login, grants: stays ? known.grants : [] });
      return known;
    });
    if (before === undefined) return;
    if (before.login.workspaceId !== login.workspaceId) await this.#forgetGrants(before);
    await this.#signOut(before);
  }

  /** Adds a grant to a login. */
  async addGrant(accountId: string, grantId: string): Promise<void> {
    const dropped = await this.#locked(accountId, async () => {
      const known = await this.find(accountId);
      if (known === undefined) return [];
      const grants = [...known.grants, grantId];
      await this.#put({ ...known, grants: grants.slice(-MAX_GRANTS) });
      return grants.slice(0, -MAX_GRANTS);
    });
    await this.#endGrants(dropped);
  }

  /** Removes an ended grant. Without another one, the login ends too. */
  async removeGrant(accountId: string, grantId: string): Promise<void> {
    const isLast = await this.#locked(accountId, async () => {
      const known = await this.find(accountId);
      if (known === undefined) return false;
      const grants = known.grants.filter((id) => id !== grantId);
      if (grants.length < known.grants.length) await this.#put({ ...known, grants });
      return grants.length === 0;
    });
    if (isLast) await this.end(accountId);
  }

  /** Ends a login here and in Dify, with all grants. */
  async end(accountId: string): Promise<void> {
    const ended = await this.#remove(accountId);
    if (ended !== undefined) await this.#signOut(ended);
  }

  /** Returns the tokens of a login, which all replicas share. When Dify ends the login, it is removed. */
  tokens(accountId: string, email: string): LoginStore {
    const ended = (said?: string): BridgeError => {
      void this.#remove(accountId).catch((error: unknown) =>
        this.#options.logger.warn('An ended login could not be removed', { error }),
      );
      const words = said === undefined ? '' : ` Dify said: "${said}"`;
      return new BridgeError('login_ended', `The login of ${email} in Dify has ended.${words}`, {
        hint: 'Sign in again: the client asks for it at its next request.',
      });
    };
    const find = async (): Promise<AccountLogin> => {
      const known = await this.find(accountId);
      if (known === undefined) throw ended();
      return known;
    };
    return recordedTokens({
      again: 'sign out of the bridge and connect the client again',
      ended,
      locked: (action) => this.#locked(accountId, action),
      find: async () => (await find()).login,
      put: async (login) => this.#put({ ...(await find()), login }),
    });
  }

  async #remove(accountId: string): Promise<AccountLogin | undefined> {
    const known = await this.#locked(accountId, async () => {
      const found = await this.find(accountId);
      await this.#options.records.remove(KIND, accountId);
      return found;
    });
    if (known === undefined) return undefined;
    this.#options.logger.info('A signed-in account was signed out', { account: accountId });
    await this.#forgetGrants(known);
    return known;
  }

  async #forgetGrants({ accountId, grants }: AccountLogin): Promise<void> {
    await this.#endGrants(grants);
    for (const listener of this.#listeners) listener(accountId);
  }

  /** The codes and tokens of a grant end with it. */
  async #endGrants(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#options.records.remove('Grant', id)));
  }

  /** If Dify is down, the login expires there by itself. */
  async #signOut({ login }: AccountLogin): Promise<void> {
    await signOut(this.#options.http, login.tokens).catch(() => undefined);
  }

  #put({ accountId, login, grants }: AccountLogin): Promise<void> {
    const seconds = grants.length === 0 ? UNUSED_SECONDS : LOGIN_SECONDS;
    const value = { login: loginToJson(login), grants } satisfies JsonObject;
    return this.#options.records.put(KIND, accountId, value, seconds);
  }

  #locked<T>(accountId: string, action: () => Promise<T>): Promise<T> {
    return this.#options.records.locked(KIND, accountId, action);
  }
}

function fromJson(accountId: string, raw: JsonObject | undefined): AccountLogin | undefined {
  const login = loginFromJson(raw?.['login']);
  if (login === undefined) return undefined;
  const grants = Array.isArray(raw?.['grants']) ? (raw['grants'] as unknown[]) : [];
  return { accountId, login, grants: grants.filter((id) => typeof id === 'string') };
}
