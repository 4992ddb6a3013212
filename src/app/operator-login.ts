import type { DifyConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { LoginStore } from '../logins/login-store.ts';
import type { LoginKey, StoredLogin } from '../logins/stored-login.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import { openState, type SharedState } from './shared-state.ts';

/** Resolves with the tokens of a stored login that all replicas share; undefined if its file alone has them. */
export async function operatorTokens(
  config: Config,
  { console: given }: DifyConnection,
  state: SharedState | undefined,
  logger?: Logger,
): Promise<LoginStore | undefined> {
  if (given?.kind !== 'stored' || state === undefined) return undefined;
  const records = await sharedRecords(config, state);
  if (records === undefined) {
    const message =
      'Replicas with copies of the stored login end it for each other: set http.sessionKey, with which they share it';
    logger?.warn(message);
    return undefined;
  }
  const { operatorLogin } = await import('../signin/operator-login.ts');
  return operatorLogin(records, given.file, given);
}

/** The same for a command, which has no other use for the state that replicas share. */
export async function openOperatorTokens(config: Config, connection: DifyConnection) {
  const isStored = connection.console?.kind === 'stored';
  const state = isStored ? await openState(config, silentLogger) : undefined;
  const tokens = await operatorTokens(config, connection, state);
  return { tokens, close: async (): Promise<void> => state?.close() };
}

/**
 * Deletes the records that replicas share of stored logins. Resolves with those that there were. Rejects with
 * `state_unavailable` if Redis does not answer.
 */
export async function removeSharedLogins(
  config: Config,
  logins: readonly LoginKey[],
): Promise<readonly StoredLogin[]> {
  const state = await openState(config, silentLogger);
  if (state === undefined) return [];
  try {
    const records = await sharedRecords(config, state);
    if (records === undefined) return [];
    const { removeOperatorLogin } = await import('../signin/operator-login.ts');
    const removed = await Promise.all(logins.map((login) => removeOperatorLogin(records, login)));
    return removed.filter((login) => login !== undefined);
  } finally {
    await state.close();
  }
}

/** Resolves with the records that replicas share; undefined if no setting has a key for them. */
async function sharedRecords({ signIn, http }: Config, { signInRecords }: SharedState) {
  const key = signIn.key ?? http.sessionKey;
  if (key === undefined) return undefined;
  const [{ SealedRecords }, { SignInKeys }] = await Promise.all([
    import('../signin/records.ts'),
    import('../signin/sealing.ts'),
  ]);
  return new SealedRecords(signInRecords, new SignInKeys(key));
}
