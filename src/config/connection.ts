import { BridgeError, type Problem } from '../model/errors.ts';
import type { Config } from './schema.ts';
import type { ChosenLogin } from './stored-logins.ts';

/** What authenticates requests to the console: its admin key, or a login. */
export type ConsoleCredential =
  | { readonly kind: 'admin-key'; readonly key: string; readonly workspaceId: string }
  | {
      readonly kind: 'login';
      readonly email: string;
      readonly password: string;
      /** On the account road, absent for the account's current workspace. */
      readonly workspaceId: string | undefined;
    };

/** A login that `login` stored, and the file with its tokens. */
export interface StoredCredential {
  readonly kind: 'stored';
  readonly file: string;
  readonly url: string;
  readonly email: string;
  readonly workspaceId: string;
}

/** How to reach a Dify with the key of its inner API. */
export interface InnerConnection {
  readonly apiUrl: string;
  readonly innerApiKey: string;
  readonly workspaceId: string;
  /** The admin key if both are configured; absent if tools come only from a manifest. */
  readonly console?: ConsoleCredential | undefined;
  readonly secretKey?: string | undefined;
  readonly userId: string;
  readonly account?: undefined;
}

/** How to reach a Dify with an account alone. */
export interface AccountConnection {
  /** Leads to the console API. */
  readonly apiUrl: string;
  readonly console: ConsoleCredential | StoredCredential;
  readonly account: {
    /** Leads to the files of results. */
    readonly filesUrl: string;
    readonly createApp: boolean;
  };
}

export type DifyConnection = InnerConnection | AccountConnection;

/** The next step if the configuration lacks the connection. */
export const NO_DIFY_HINT =
  'Run dify-mcp-bridge login to sign in to Dify. Or run dify-mcp-bridge init, which asks for the missing settings, checks them and writes the configuration file. Or set them in the environment or in that file, or try --sandbox, which needs no Dify.';

/** Returns the connection to Dify. Throws `config_invalid` with everything that is missing. */
export function difyConnection(config: Config): DifyConnection {
  const { signIn } = config;
  const { apiUrl, innerApiKey, workspaceId, secretKey, userId, road } = config.dify;
  const given = new Set(Object.keys(config.dify).map((name) => `dify.${name}`));
  const has = (path: string): boolean =>
    given.has(path) || (path === 'signIn.key' && signIn.key !== undefined);
  const address = config.dify.url ?? apiUrl;
  const isMain = config.own === undefined && config.login === undefined;
  if (address !== undefined && isMain && isForAccountsOnly(has)) return withoutTools(address);
  if (roadOf(has, road) === 'account') {
    const account = accountConnection(config);
    if (account !== undefined) return account;
  } else if (apiUrl !== undefined && innerApiKey !== undefined && workspaceId !== undefined) {
    const console = consoleCredential(config.dify);
    if (console !== undefined || config.manifest.dir !== undefined) {
      return { apiUrl, innerApiKey, workspaceId, console, secretKey, userId };
    }
  }
  throw new BridgeError('config_invalid', 'The connection to Dify is not configured.', {
    problems: missingSettings(has, road),
    hint: NO_DIFY_HINT,
  });
}

/** Returns whether nothing reaches Dify but the accounts of those who sign in. */
function isForAccountsOnly(has: (path: string) => boolean): boolean {
  const other = ['innerApiKey', 'adminApiKey', 'email', 'password'].map((name) => `dify.${name}`);
  const hasAddress = has('dify.url') || has('dify.apiUrl');
  return has('signIn.key') && hasAddress && ![...other, 'manifest.dir'].some(has);
}

/** The connection of a bridge whose own workspace has no tools, because each account brings its own. */
function withoutTools(apiUrl: string): InnerConnection {
  return { apiUrl, innerApiKey: '', workspaceId: '', userId: '' };
}

/** Returns whether the bridge's own workspace has no tools, because each account brings its own. */
export function isWithoutTools(connection: DifyConnection): boolean {
  return connection.account === undefined && connection.innerApiKey === '';
}

/** Returns the road that the settings choose. */
export function roadOf(has: (path: string) => boolean, road: unknown): 'account' | 'inner' {
  if (road === 'account' || road === 'inner') return road;
  return has('dify.url') && !has('dify.innerApiKey') ? 'account' : 'inner';
}

/** Returns the road of a configuration. */
export function usedRoad(dify: Config['dify']): 'account' | 'inner' {
  return roadOf((path) => Object.hasOwn(dify, path.slice('dify.'.length)), dify.road);
}

/** Returns the settings required to reach a Dify that `has` does not report; `login` is a stored login. */
export function missingSettings(has: (path: string) => boolean, road?: unknown): readonly Problem[] {
  if (has('login') || isForAccountsOnly(has)) return [];
  if (roadOf(has, road) === 'account') return missingForAccount(has);
  const problems = REQUIRED.filter(({ path }) => !has(path)).map((problem) =>
    problem.path === 'dify.apiUrl' && has('dify.url') ? NO_INNER_ADDRESS : problem,
  );
  const login = [has('dify.email'), has('dify.password')];
  // Half a login is a mistake, even if no login is needed.
  const listed = has('dify.adminApiKey') || (has('manifest.dir') && !login.includes(true));
  return listed ? problems : [...problems, ...missingLogin(has)];
}

const REQUIRED: readonly Problem[] = [
  { path: 'dify.apiUrl', message: 'missing: set DIFY_API_URL, such as http://api:5001' },
  {
    path: 'dify.innerApiKey',
    message: "missing: set DIFY_INNER_API_KEY to PLUGIN_DIFY_INNER_API_KEY of Dify's .env",
  },
  { path: 'dify.workspaceId', message: 'missing: set DIFY_WORKSPACE_ID to the UUID of the workspace' },
];

const NO_INNER_ADDRESS: Problem = {
  path: 'dify.apiUrl',
  message:
    "missing: the inner API is not served at DIFY_URL. Set DIFY_API_URL to Dify's api service, such as http://api:5001, or DIFY_ROAD to account",
};

function missingForAccount(has: (path: string) => boolean): readonly Problem[] {
  const address =
    has('dify.url') || has('dify.apiUrl')
      ? []
      : [
          {
            path: 'dify.url',
            message:
              "missing: set DIFY_URL to Dify's address in your browser, such as https://dify.example.com",
          },
        ];
  if (has('dify.adminApiKey')) {
    if (has('dify.workspaceId')) return address;
    const message = 'missing: DIFY_ADMIN_API_KEY is set, set DIFY_WORKSPACE_ID (a UUID) too';
    return [...address, { path: 'dify.workspaceId', message }];
  }
  if (has('dify.email') || has('dify.password')) return [...address, ...missingLogin(has)];
  const message =
    'missing: set DIFY_EMAIL and DIFY_PASSWORD, or DIFY_ADMIN_API_KEY and DIFY_WORKSPACE_ID, or run dify-mcp-bridge login for this address';
  return [...address, { path: 'dify.email', message }];
}

function missingLogin(has: (path: string) => boolean): readonly Problem[] {
  const [email, password] = [has('dify.email'), has('dify.password')];
  if (email && password) return [];
  if (email) return [{ path: 'dify.password', message: 'missing: DIFY_EMAIL is set, set DIFY_PASSWORD too' }];
  if (password) return [{ path: 'dify.email', message: 'missing: DIFY_PASSWORD is set, set DIFY_EMAIL too' }];
  const message = 'missing: set DIFY_ADMIN_API_KEY, or DIFY_EMAIL and DIFY_PASSWORD, to list the tools';
  return [{ path: 'dify.adminApiKey', message }];
}

/** Files of Dify Cloud, which its console does not serve. Public results of workflows link to this host. */
const CLOUD = { console: 'https://cloud.dify.ai', files: 'https://upload.dify.ai' };

/** Returns the address of the files of results for a Dify at an address. */
export function filesUrlOf(apiUrl: string, dify: Config['dify']): string {
  return dify.filesUrl ?? (apiUrl === CLOUD.console ? CLOUD.files : apiUrl);
}

function accountConnection({ dify, login }: Config): AccountConnection | undefined {
  const apiUrl = dify.url ?? dify.apiUrl;
  if (apiUrl === undefined) return undefined;
  const account = { filesUrl: filesUrlOf(apiUrl, dify), createApp: dify.createApp ?? false };
  // A login is chosen only if there are no other credentials.
  const console = login === undefined ? consoleCredential(dify) : storedCredential(login);
  return console && { apiUrl, account, console };
}

function storedCredential({ file, url, email, workspaceId }: ChosenLogin): StoredCredential {
  return { kind: 'stored', file, url, email, workspaceId };
}

function consoleCredential(dify: Config['dify']): ConsoleCredential | undefined {
  const { adminApiKey: key, workspaceId, email, password } = dify;
  if (key !== undefined && workspaceId !== undefined) return { kind: 'admin-key', key, workspaceId };
  if (key !== undefined || email === undefined || password === undefined) return undefined;
  return { kind: 'login', email, password, workspaceId };
}

/** Returns every secret of a configuration, so that the log can mask them. */
export function configSecrets(config: Config): readonly string[] {
  const { redisUrl, redisPassword } = config.state;
  const inRedisUrl = redisUrl === undefined ? '' : decodeURIComponent(new URL(redisUrl).password);
  const { token, sessionKey } = config.http;
  const connections = [config, ...Object.values(config.workspaces)].flatMap(({ dify, login }) => [
    dify.innerApiKey,
    dify.adminApiKey,
    dify.password,
    dify.secretKey,
    ...(login?.secrets ?? []),
  ]);
  return [...connections, token, config.admin.token, sessionKey, config.signIn.key, redisPassword, inRedisUrl]
    .filter((secret) => secret !== undefined)
    .filter((secret) => secret !== '');
}
