import { readLogins } from '../logins/login-file.ts';
import type { LoginStore } from '../logins/login-store.ts';
import {
  endedLogin,
  isSameLogin,
  type LoginKey,
  loginFromJson,
  loginToJson,
  type StoredLogin,
} from '../logins/stored-login.ts';
import { LOGIN_SECONDS } from './dify-logins.ts';
import { recordedTokens } from './recorded-tokens.ts';
import type { SealedRecords } from './records.ts';

const KIND = 'OperatorLogin';

/**
 * Returns the tokens of a stored login whose file several replicas have copies of. The record that they share begins with
 * the file. Of the two, the login that was renewed last counts, so that a new `login` replaces the record.
 */
export function operatorLogin(records: SealedRecords, file: string, key: LoginKey): LoginStore {
  const id = idOf(key);
  const ended = (said?: string) => endedLogin(key, said);
  return recordedTokens({
    again: 'run dify-mcp-bridge login',
    ended,
    locked: (action) => records.locked(KIND, id, action),
    async find() {
      const recorded = loginFromJson(await records.find(KIND, id));
      const inFile = (await readLogins(file)).find((login) => isSameLogin(login, key));
      const [latest] = [recorded, inFile]
        .filter((login) => login !== undefined)
        .sort((left, right) => right.renewedAt.getTime() - left.renewedAt.getTime());
      if (latest === undefined) throw ended();
      return latest;
    },
    put: (login) => records.put(KIND, id, loginToJson(login), LOGIN_SECONDS),
  });
}

/** Deletes the record of a login. Resolves with it, as a replica renewed it last; undefined if there is none. */
export function removeOperatorLogin(records: SealedRecords, key: LoginKey): Promise<StoredLogin | undefined> {
  const id = idOf(key);
  return records.locked(KIND, id, async () => {
    const recorded = loginFromJson(await records.find(KIND, id));
    await records.remove(KIND, id);
    return recorded;
  });
}

function idOf({ url, email, workspaceId }: LoginKey): string {
  return JSON.stringify([url, email, workspaceId]).toLowerCase();
}
