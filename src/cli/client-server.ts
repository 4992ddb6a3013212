import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Client } from '../clients/client.ts';
import {
  asksForToken,
  keepsSecrets,
  launchCommand,
  type LaunchOptions,
  type ServerTarget,
} from '../clients/server-entry.ts';
import { configFilePath } from '../config/places.ts';
import { loadConfig } from '../config/load.ts';
import { viewNamed, viewsOf } from '../config/views.ts';
import { DEFAULT_WORKSPACE, onlyWorkspace } from '../config/workspaces.ts';
import { BridgeError } from '../model/errors.ts';
import { VERSION } from '../version.ts';
import { type CommandContext, type GlobalOptions, storedLogins } from './session.ts';
import { isFetched, ownCommand } from './typed.ts';

export interface ServerOptions {
  readonly http?: string | undefined;
  readonly authorization?: boolean | undefined;
  readonly command?: string | undefined;
  readonly secrets?: string | undefined;
  readonly view?: string | undefined;
  /** `--project`, with or without a folder: write to a file that several people share. */
  readonly project?: string | true | undefined;
}

/** Returns how a client reaches the bridge, as far as possible checked. Throws `usage` or `config_invalid`. */
export async function serverTarget(
  context: CommandContext,
  client: Client,
  options: ServerOptions,
): Promise<ServerTarget> {
  const { http, authorization, secrets, view } = options;
  if (http !== undefined) {
    const { sandbox, workspace } = context.options;
    return httpTarget(client, { ...options, sandbox, workspace }, http);
  }
  if (authorization !== undefined) {
    throw new BridgeError('usage', '--authorization is for --http.', {
      hint: 'A client that starts the bridge itself needs no token.',
    });
  }
  const clientSecrets = secrets === 'client';
  if (clientSecrets && !keepsSecrets(client)) {
    throw new BridgeError('usage', `${client.title} cannot pass secrets without storing them in its file.`, {
      hint: 'Omit --secrets client: the bridge then reads them from its own configuration file.',
    });
  }
  const { workspace } = context.options;
  const workspaceArgs = workspace === undefined ? [] : ['--workspace', workspace];
  const viewArgs = view === undefined ? [] : ['--view', view];
  const start = launchCommand(client, {
    program: programOf(context, options),
    version: VERSION,
    platform: process.platform,
    args: ['serve', ...(await source(context, clientSecrets, options)), ...workspaceArgs, ...viewArgs],
  });
  return { kind: 'stdio', ...start, clientSecrets };
}

/** A shared file must not name a folder of one machine, and npx fetches into a temporary one. */
function programOf({ io }: CommandContext, { command, project }: ServerOptions): LaunchOptions['program'] {
  const script = realpathSync(io.program.script);
  const usual = isFetched(script) || project !== undefined ? 'npx' : 'local';
  return (command ?? usual) === 'npx' ? 'npx' : { ...io.program, script };
}

/** Returns the options that name the configuration. Throws `config_invalid` if it does not suffice. */
async function source(
  context: CommandContext,
  clientSecrets: boolean,
  { view }: ServerOptions,
): Promise<readonly string[]> {
  const { io, options } = context;
  if (options.sandbox !== undefined) {
    return options.sandbox === true ? ['--sandbox'] : ['--sandbox', options.sandbox];
  }
  const { path, named } = configFilePath(options.config, io.env);
  if (clientSecrets) return named ? ['--config', resolve(path)] : [];
  // A client starts the bridge without this shell's variables, so files alone must suffice.
  const env = { HOME: io.env['HOME'] };
  const isDefault = resolve(path) === resolve(configFilePath(undefined, env).path);
  const file = isDefault ? undefined : resolve(path);
  const logins = storedLogins(context);
  const loaded = await loadConfig({ env, file, logins, needsDify: true }).catch((error: unknown) => {
    throw existsSync(path) ? notEnough(io, path, error) : noDify(io, path, error);
  });
  const config = onlyWorkspace(loaded.config, options.workspace ?? DEFAULT_WORKSPACE);
  if (view !== undefined) viewNamed(viewsOf(config), view);
  return file === undefined ? [] : ['--config', file];
}

function noDify(io: CommandContext['io'], path: string, error: unknown): unknown {
  if (!(error instanceof BridgeError) || error.code !== 'config_invalid') return error;
  return new BridgeError(
    'config_invalid',
    'A client could not start the bridge: nobody has signed in to Dify.',
    {
      hint: `Run ${ownCommand(io, 'login')} first. With keys, run ${ownCommand(io, 'init')}, which writes ${path}. To try the bridge without a Dify, add --sandbox.`,
      cause: error,
    },
  );
}

function notEnough(io: CommandContext['io'], path: string, error: unknown): unknown {
  if (!(error instanceof BridgeError)) return error;
  const message = `A client cannot start the bridge with ${path} alone. ${error.message}`;
  return new BridgeError(error.code, message, {
    problems: error.problems,
    hint: `A client does not pass on the variables of this shell. Run ${ownCommand(io, 'login')}, or put all settings into the file, as ${ownCommand(io, 'init')} does.`,
    cause: error,
  });
}

function httpTarget(
  client: Client,
  options: ServerOptions & Pick<GlobalOptions, 'sandbox' | 'workspace'>,
  text: string,
): ServerTarget {
  if (!client.http) {
    throw new BridgeError('usage', `The file of ${client.title} does not support HTTP servers.`, {
      hint: 'Omit --http, or add the address under Settings, Connectors.',
    });
  }
  for (const name of ['command', 'sandbox', 'secrets', 'workspace', 'view'] as const) {
    if (options[name] === undefined) continue;
    const hint =
      name === 'view'
        ? `Over HTTP, a view has an address of its own: …/mcp/${options.view}.`
        : name === 'workspace'
          ? `Over HTTP, a workspace has an address of its own: …/w/${options.workspace}/mcp.`
          : 'Omit it.';
    const message = `--${name} is for a bridge that the client starts, not for --http.`;
    throw new BridgeError('usage', message, { hint });
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url === undefined || !/^https?:$/.test(url.protocol) || !isPlain) {
    throw new BridgeError('usage', '--http takes the http or https address of the bridge, without secrets.', {
      hint: 'For example: --http http://127.0.0.1:8080/mcp',
    });
  }
  if (url.pathname === '/') url.pathname = '/mcp';
  return { kind: 'http', url: url.href, authorization: options.authorization ?? asksForToken(url) };
}
