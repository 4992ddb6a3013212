import type { DifyConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { LoginStore } from '../logins/login-store.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import { openState, type SharedState } from './shared-state.ts';

/** Resolves with the tokens of a stored login that all replicas share; undefined if its file alone has them. */
export async function operatorTokens(
  { signIn, http }: Config,
  { console: given }: DifyConnection,
  state: SharedState | undefined,
  logger?: Logger,
): Promise<LoginStore | undefined> {
  if (given?.kind !== 'stored' || state === undefined) return undefined;
  const key = signIn.key ?? http.sessionKey;
  if (key === undefined) {
    const message =
      'Replicas with copies of the stored login end it for each other: set http.sessionKey, with which they share it';
    logger?.warn(message);
    return undefined;
  }
  const [{ operatorLogin }, { SealedRecords }, { SignInKeys }] = await Promise.all([
    import('../signin/operator-login.ts'),
    import('../signin/records.ts'),
    import('../signin/sealing.ts'),
  ]);
  const records = new SealedRecords(state.signInRecords, new SignInKeys(key));
  return operatorLogin(records, given.file, given);
}

/** The same for a command, which has no other use for the state that replicas share. */
export async function openOperatorTokens(config: Config, connection: DifyConnection) {
  const isStored = connection.console?.kind === 'stored';
  const state = isStored ? await openState(config, silentLogger) : undefined;
  const tokens = await operatorTokens(config, connection, state);
  return { tokens, close: async (): Promise<void> => state?.close() };
}
