import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { missingSettings } from '../config/connection.ts';
import { readEnvironment } from '../config/environment.ts';
import { settingsTable } from '../config/settings.ts';
import { BridgeError, type Problem, systemErrorCode } from '../model/errors.ts';
import type { Credential } from '../setup/checks.ts';
import { type DifyEnvironment, readDifyEnvironment } from '../setup/dify-env-file.ts';
import type { CliIo } from './io.ts';

/** Values given beforehand, by precedence: the command line, the environment, Dify's file. */
export interface Given {
  readonly apiUrl?: string | undefined;
  readonly innerApiKey?: string | undefined;
  readonly credential?: Credential | undefined;
  /** An id or a name. */
  readonly workspace?: string | undefined;
  readonly secretKey?: string | undefined;
}

/** Merges the given values. Throws `config_invalid` for invalid variables. */
export function gather(
  io: Pick<CliIo, 'env'>,
  flags: { readonly url?: string | undefined; readonly workspace?: string | undefined },
  file: DifyEnvironment | undefined,
): Given {
  const { entries, problems } = readEnvironment(io.env, settingsTable());
  const wrong = problems.filter(({ path }) => path?.startsWith('dify.'));
  if (wrong.length > 0) {
    throw new BridgeError('config_invalid', 'Environment variables are invalid.', {
      problems: wrong.map(({ source, message }) => ({ path: source, message })),
    });
  }
  const variable = (name: string): string | undefined => {
    const value = entries.find(({ path }) => path === `dify.${name}`)?.value;
    return typeof value === 'string' ? value : undefined;
  };
  return {
    apiUrl: flags.url ?? variable('apiUrl') ?? file?.innerApiUrl,
    innerApiKey: variable('innerApiKey') ?? file?.innerApiKey,
    credential: credentialOf(variable, file),
    workspace: flags.workspace ?? variable('workspaceId'),
    secretKey: variable('secretKey') ?? file?.secretKey,
  };
}

/** Returns whether the environment names an account, for `init` without a terminal. */
export function hasAccount(io: Pick<CliIo, 'env'>): boolean {
  const names = ['DIFY_URL', 'DIFY_EMAIL'] as const;
  return names.every((name) => (io.env[name] ?? '') !== '') && (io.env['DIFY_ADMIN_API_KEY'] ?? '') === '';
}

function credentialOf(
  variable: (name: string) => string | undefined,
  file: DifyEnvironment | undefined,
): Credential | undefined {
  const [email, password] = [variable('email'), variable('password')];
  const key = variable('adminApiKey');
  if (key !== undefined) return { kind: 'admin-key', key };
  if (email !== undefined && password !== undefined) return { kind: 'login', email, password };
  return file?.adminApiKey === undefined ? undefined : { kind: 'admin-key', key: file.adminApiKey };
}

/** Returns what is still missing, as problems of the configuration. The workspace can be looked up. */
export function missingOf({ apiUrl, innerApiKey, credential }: Given): readonly Problem[] {
  const given: Readonly<Record<string, unknown>> = {
    'dify.apiUrl': apiUrl,
    'dify.innerApiKey': innerApiKey,
    'dify.adminApiKey': credential,
    'dify.workspaceId': 'looked up',
  };
  return missingSettings((path) => given[path] !== undefined).map(({ path, message }) => ({
    path,
    message: path === 'dify.apiUrl' ? `${message}, or --url` : message,
  }));
}

/** Reads Dify's environment file, or `.env` in a folder. Throws `usage`. */
export async function readEnvFile(given: string): Promise<DifyEnvironment> {
  // The shell did not expand an answer that was typed here.
  const path = given.replace(/^~(?=[/\\]|$)/, homedir());
  let text: string;
  let file = path;
  try {
    if ((await stat(path)).isDirectory()) file = join(path, '.env');
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = systemErrorCode(error);
    throw new BridgeError('usage', `${file} cannot be read (${code}).`, {
      hint: "Name Dify's environment file: docker/.env where Dify was started with Docker Compose. It exists only after .env.example was copied to it.",
    });
  }
  const found = readDifyEnvironment(text);
  if (found.innerApiKey !== undefined || found.secretKey !== undefined) return found;
  throw new BridgeError('usage', `${file} has neither PLUGIN_DIFY_INNER_API_KEY nor SECRET_KEY.`, {
    hint: "Name Dify's own file, usually docker/.env.",
  });
}
