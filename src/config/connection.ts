import { BridgeError, type Problem } from '../model/errors.ts';
import type { Config } from './schema.ts';

/** What authenticates the listing of tools: the console's admin key, or a login. */
export type ConsoleCredential =
  | { readonly kind: 'admin-key'; readonly key: string; readonly workspaceId: string }
  | {
      readonly kind: 'login';
      readonly email: string;
      readonly password: string;
      readonly workspaceId: string;
    };

export interface DifyConnection {
  readonly apiUrl: string;
  readonly innerApiKey: string;
  readonly workspaceId: string;
  /** The admin key if both are configured; absent if tools come only from a manifest. */
  readonly console?: ConsoleCredential | undefined;
  readonly secretKey?: string | undefined;
  readonly userId: string;
}

/** The next step if the configuration lacks the connection. */
export const NO_DIFY_HINT =
  'Run dify-mcp-bridge init, which asks for the missing settings, checks them and writes the configuration file. Or set them in the environment or in that file, or try --sandbox, which needs no Dify.';

/** Returns the connection to Dify. Throws `config_invalid` with everything that is missing. */
export function difyConnection(config: Config): DifyConnection {
  const { apiUrl, innerApiKey, workspaceId, secretKey, userId } = config.dify;
  if (apiUrl !== undefined && innerApiKey !== undefined && workspaceId !== undefined) {
    const console = consoleCredential(config.dify, workspaceId);
    if (console !== undefined || config.manifest.dir !== undefined) {
      return { apiUrl, innerApiKey, workspaceId, console, secretKey, userId };
    }
  }
  const given = new Set(Object.keys(config.dify).map((name) => `dify.${name}`));
  throw new BridgeError('config_invalid', 'The connection to Dify is not configured.', {
    problems: missingSettings((path) => given.has(path)),
    hint: NO_DIFY_HINT,
  });
}

/** Returns the settings required to reach a Dify that `has` does not report. */
export function missingSettings(has: (path: string) => boolean): readonly Problem[] {
  const problems = REQUIRED.filter(({ path }) => !has(path));
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

function missingLogin(has: (path: string) => boolean): readonly Problem[] {
  const [email, password] = [has('dify.email'), has('dify.password')];
  if (email && password) return [];
  if (email) return [{ path: 'dify.password', message: 'missing: DIFY_EMAIL is set, set DIFY_PASSWORD too' }];
  if (password) return [{ path: 'dify.email', message: 'missing: DIFY_PASSWORD is set, set DIFY_EMAIL too' }];
  const message = 'missing: set DIFY_ADMIN_API_KEY, or DIFY_EMAIL and DIFY_PASSWORD, to list the tools';
  return [{ path: 'dify.adminApiKey', message }];
}

function consoleCredential(dify: Config['dify'], workspaceId: string): ConsoleCredential | undefined {
  const { adminApiKey, email, password } = dify;
  if (adminApiKey !== undefined) return { kind: 'admin-key', key: adminApiKey, workspaceId };
  if (email === undefined || password === undefined) return undefined;
  return { kind: 'login', email, password, workspaceId };
}

/** Returns every secret of a configuration, so that the log can mask them. */
export function configSecrets(config: Config): readonly string[] {
  const { innerApiKey, adminApiKey, password, secretKey } = config.dify;
  const { redisUrl, redisPassword } = config.state;
  const inRedisUrl = redisUrl === undefined ? '' : decodeURIComponent(new URL(redisUrl).password);
  const { token, sessionKey } = config.http;
  return [innerApiKey, adminApiKey, password, secretKey, token, sessionKey, redisPassword, inRedisUrl]
    .filter((secret) => secret !== undefined)
    .filter((secret) => secret !== '');
}
