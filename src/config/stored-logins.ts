import type { Reading } from './layers.ts';

/** A stored login as far as the configuration needs it. */
export interface UsableLogin {
  /** Dify's address without a trailing slash. */
  readonly url: string;
  readonly email: string;
  readonly workspaceId: string;
  /** Its tokens, which must not be shown. */
  readonly secrets: readonly string[];
}

/** The logins that a person stored. */
export interface StoredLogins {
  readonly file: string;
  /** Returns the logins, the default one first. Called only if the configuration has no other credentials, or no file. */
  read(): Promise<readonly UsableLogin[]>;
}

/** The login that a configuration uses. */
export type ChosenLogin = UsableLogin & { readonly file: string };

/** Settings that reach Dify without a stored login. */
const OTHER_WAYS = ['apiUrl', 'innerApiKey', 'adminApiKey', 'password'];

/** Returns the login to use: the first one that fits the settings about Dify, if they have no other credentials. */
export async function chooseLogin(
  valueOf: (path: string) => unknown,
  logins: StoredLogins | undefined,
): Promise<ChosenLogin | undefined> {
  const isOther = OTHER_WAYS.some((name) => valueOf(`dify.${name}`) !== undefined);
  if (logins === undefined || isOther || valueOf('dify.road') === 'inner') return undefined;
  const fits = (name: 'url' | 'email' | 'workspaceId', value: string): boolean => {
    const wanted = valueOf(`dify.${name}`);
    return (
      wanted === undefined || (typeof wanted === 'string' && wanted.toLowerCase() === value.toLowerCase())
    );
  };
  const found = (await logins.read()).find(
    ({ url, email, workspaceId }) =>
      fits('url', url) && fits('email', email) && fits('workspaceId', workspaceId),
  );
  return found && { ...found, file: logins.file };
}

/** Returns the settings that a login provides; those of every other source override them. */
export function loginSettings({ url, email, workspaceId, file }: ChosenLogin): Reading {
  // The person agreed to the app when signing in.
  const values = { url, email, workspaceId, createApp: true };
  const entries = Object.entries(values).map(([name, value]) => ({
    path: `dify.${name}`,
    value,
    source: `login ${file}`,
  }));
  return { entries, problems: [], literals: [] };
}
