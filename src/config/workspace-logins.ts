import type { Problem } from '../model/errors.ts';
import { missingSettings, usedRoad } from './connection.ts';
import type { Config, Settings } from './schema.ts';
import { chooseLogin, loginSettings, type StoredLogins } from './stored-logins.ts';
import { workspaceDify } from './workspaces.ts';

type Workspaces = Config['workspaces'];

/** Returns the workspaces, each with the stored login that reaches it. */
export async function withLogins(settings: Settings, logins: StoredLogins | undefined): Promise<Workspaces> {
  const found: Record<string, Workspaces[string]> = {};
  for (const [name, own] of Object.entries(settings.workspaces)) {
    const dify: Readonly<Record<string, unknown>> = workspaceDify(settings.dify, own.dify);
    const login = await chooseLogin((path) => dify[path.slice('dify.'.length)], logins);
    const values = login === undefined ? [] : loginSettings(login).entries;
    const given = Object.fromEntries(values.map(({ path, value }) => [path.slice('dify.'.length), value]));
    found[name] = { ...own, dify: { ...given, ...own.dify }, login };
  }
  return found;
}

/** Returns what the workspaces lack to be reached, and accounts that two workspaces share. */
export function workspaceProblems({ dify: main }: Settings, workspaces: Workspaces): readonly Problem[] {
  const accounts = new Map<string, string>();
  const first = accountOf(main);
  if (first !== undefined) accounts.set(first, 'the default workspace');
  return Object.entries(workspaces).flatMap(([name, { dify: own, login }]): Problem[] => {
    const dify = workspaceDify(main, own);
    const has = (path: string): boolean =>
      path === 'login' ? login !== undefined : Object.hasOwn(dify, path.slice('dify.'.length));
    const missing = missingSettings(has, dify.road);
    if (missing.length > 0) {
      return missing.map(({ path, message }) => ({
        path: `workspaces.${name}.${path}`,
        message: here(message),
      }));
    }
    const account = accountOf(dify);
    const other = account && accounts.get(account);
    if (account !== undefined) accounts.set(account, `the workspace ${name}`);
    if (other === undefined) return [];
    const message = `the account is that of ${other}: an account is in one workspace of its Dify at a time. Use the admin key, or another account`;
    return [{ path: `workspaces.${name}.dify.email`, message }];
  });
}

/** The messages of the default workspace name variables that do not hold for others. */
function here(message: string): string {
  return `${message.replace(/: set .*$|: DIFY_.*$/s, '')}: set it here. A workspace with an address of its own inherits nothing under dify`;
}

/** Returns what identifies the account that calls or lists tools; undefined if the admin key does. */
function accountOf(dify: Config['dify']): string | undefined {
  const { adminApiKey, email, url, apiUrl } = dify;
  if (adminApiKey !== undefined || email === undefined) return undefined;
  return JSON.stringify([usedRoad(dify) === 'account' ? (url ?? apiUrl) : apiUrl, email.toLowerCase()]);
}
