import { existsSync } from 'node:fs';
import { isLoopback } from '../model/loopback.ts';
import { hash } from 'node:crypto';
import type { Problem } from '../model/errors.ts';
import { usedRoad } from './connection.ts';
import { type Environment, unknownVariables } from './environment.ts';
import type { Literal } from './layers.ts';
import type { Config } from './schema.ts';
import type { Setting } from './setting.ts';
import { closest } from '../model/closest.ts';
import { workspaceVariables } from './workspace-variables.ts';

/** SHA-256 of keys that are public in Dify's repository, and what they are. */
const PUBLIC_KEYS: Readonly<Record<string, string>> = {
  '217ef27f7b2a2f8949eb2e0973f7dfa099f887427b9a6626b2395e2417239ff2': 'inner',
  '3bb61b8cf1620d588b72b212207ac5ac597b4d49ad7eae367f98b776c30ee8ab': 'inner',
  '481c0ab8a6f9e9dcb9391fb1c8b649d19f493c5253e4dc20c2c32ec21875b8ab': 'daemon',
  '09d69f20c13599cac514a17e2d79b38b9d8b6cda649b9c3254fbea2696e5dbb6': 'daemon',
  '0f44b34c6311bcb547867d393c1c56e6564e03d905fdd023637f549358bf3670': 'secret',
};

/** Returns a warning for each setting that is valid but probably unintended. */
export function configWarnings(
  config: Config,
  literals: readonly Literal[],
  env: Environment,
  table: readonly Setting[],
): readonly Problem[] {
  const ofWorkspaces = Object.keys(config.workspaces).flatMap((name) => workspaceVariables(name, table));
  return [
    ...literals.map(({ source }) => ({
      path: source,
      message: 'still an unreplaced ${…} placeholder: it counts as missing',
    })),
    ...unknownVariables(env, [...table, ...ofWorkspaces]).map((name) => misspelt(name, table)),
    ...(config.sandbox === undefined ? roadWarnings(config.dify) : []),
    ...httpWarnings(config),
  ];
}

function misspelt(name: string, table: readonly Setting[]): Problem {
  const close = closest(
    name,
    table.flatMap(({ env }) => env ?? []),
  );
  const rest = close === undefined ? 'it has no effect' : `did you mean ${close}?`;
  return { path: `env ${name}`, message: `no such variable; ${rest}` };
}

/** The settings that one road does not use. */
const UNUSED = {
  account: ['innerApiKey', 'secretKey', 'userPerPrincipal'],
  // Not createApp: consent that is not needed does no harm, and the bundle for Claude Desktop always passes it.
  inner: ['filesUrl'],
} as const;

const UNUSED_USER = {
  path: 'dify.userId',
  message: 'not used: dify.userPerPrincipal is set, so each principal is an end user of its own',
};

function roadWarnings(dify: Config['dify']): readonly Problem[] {
  const road = usedRoad(dify);
  const unused = UNUSED[road].filter((name) => dify[name] !== undefined);
  return [
    ...unused.map((name) => ({ path: `dify.${name}`, message: `not used on the ${road} road` })),
    ...(road === 'inner' ? keyWarnings(dify) : []),
    ...(road === 'inner' && dify.userPerPrincipal === true && dify.userId !== '' ? [UNUSED_USER] : []),
    ...loginWarnings(dify),
  ];
}

type Keys = Readonly<Partial<Record<'innerApiKey' | 'secretKey', string | undefined>>>;

/** Returns the warnings about publicly known keys. Whether Dify needs its secret key, only Dify can tell. */
export function keyWarnings(dify: Keys): readonly Problem[] {
  const warnings: Problem[] = [];
  const inner = publicKey(dify.innerApiKey);
  if (inner === 'inner') {
    const message =
      "Dify's default key: anyone who can reach Dify's port 5001 can use every tool. Set PLUGIN_DIFY_INNER_API_KEY in Dify to your own key";
    warnings.push({ path: 'dify.innerApiKey', message });
  } else if (inner === 'daemon') {
    const message =
      "this is Dify's PLUGIN_DAEMON_KEY as shipped; the inner API takes PLUGIN_DIFY_INNER_API_KEY";
    warnings.push({ path: 'dify.innerApiKey', message });
  }
  if (publicKey(dify.secretKey) === 'secret') {
    const message =
      "Dify's default key: anyone can sign in as any user with it. Set SECRET_KEY in Dify to your own key";
    warnings.push({ path: 'dify.secretKey', message });
  }
  return warnings;
}

function loginWarnings({
  adminApiKey,
  email,
}: {
  readonly adminApiKey?: string | undefined;
  readonly email?: string | undefined;
}): Problem[] {
  if (adminApiKey === undefined || email === undefined) return [];
  return [{ path: 'dify.email', message: 'not used: DIFY_ADMIN_API_KEY is set and takes precedence' }];
}

function httpWarnings({ http, oauth, signIn, keysFile }: Config): readonly Problem[] {
  if (isLoopback(http.host) || http.token !== undefined || http.allowWithoutToken) return [];
  if (existsSync(keysFile) || oauth.issuer !== undefined || signIn.key !== undefined) return [];
  const message = `${http.host} is reachable by others, http.token is not set and there are no API keys: serve --http will refuse to start`;
  return [{ path: 'http.host', message }];
}

function publicKey(value: string | undefined): string | undefined {
  return value === undefined ? undefined : PUBLIC_KEYS[hash('sha256', value)];
}
