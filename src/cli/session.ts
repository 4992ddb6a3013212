import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { App, View } from '../app/app.ts';
import { configSecrets } from '../config/connection.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { configFilePath } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import type { StoredLogins } from '../config/stored-logins.ts';
import { DEFAULT_VIEW, type ViewConfig, viewNamed, viewsOf } from '../config/views.ts';
import { DEFAULT_WORKSPACE, onlyWorkspace } from '../config/workspaces.ts';
import { secretsOf } from '../dify/console/login.ts';
import { loginsFile, readLogins } from '../logins/login-file.ts';
import { visibleLine } from '../model/invisible-characters.ts';
import type { Registry } from '../model/registry.ts';
import { Secrets } from '../model/secrets.ts';
import { createLogger, type LeveledLogger } from '../observability/logger.ts';
import { presentRegistry } from './command-app.ts';
import { untilInterrupted } from './interrupt.ts';
import type { CliIo } from './io.ts';
import type { Output } from './output.ts';

export interface CommandContext {
  readonly io: CliIo;
  readonly output: Output;
  readonly options: GlobalOptions;
  readonly program: Command;
}

export interface GlobalOptions {
  readonly config?: string;
  readonly logLevel?: string;
  /** `--sandbox`, with or without the name of a set. */
  readonly sandbox?: string | true | undefined;
  readonly host?: string;
  readonly port?: string;
  readonly manifest?: string;
  readonly frozen?: true;
  /** The workspace of the configuration file that a command is about. */
  readonly workspace?: string | undefined;
}

/** Returns the logins that are stored in the folder of the configuration file. */
export function storedLogins({ io, options }: Pick<CommandContext, 'io' | 'options'>): StoredLogins {
  const file = loginsFile(resolve(configFilePath(options.config, io.env).path));
  return {
    file,
    read: async () =>
      (await readLogins(file)).map((login) => ({ ...login, secrets: secretsOf(login.tokens) })),
  };
}

/** Returns the configuration of this run, for one workspace. Throws `config_invalid`. */
export async function configOf(context: CommandContext, needsDify = true): Promise<LoadedConfig> {
  const loaded = await wholeConfigOf(context, needsDify);
  return { ...loaded, config: onlyWorkspace(loaded.config, context.options.workspace ?? DEFAULT_WORKSPACE) };
}

/** Returns the configuration of this run with all workspaces. Throws `config_invalid`. */
export function wholeConfigOf(context: CommandContext, needsDify = true): Promise<LoadedConfig> {
  const { io, options } = context;
  return loadConfig({
    env: io.env,
    file: options.config,
    sandbox: options.sandbox,
    flags: {
      'log.level': options.logLevel,
      'http.host': options.host,
      'http.port': options.port,
      'manifest.dir': options.manifest,
      'manifest.frozen': options.frozen === true ? 'true' : undefined,
    },
    logins: storedLogins(context),
    needsDify,
  });
}

/** A `quiet` command logs nothing unless a level is set, because it reports errors itself. */
export function loggerOf(
  { config, settings }: LoadedConfig,
  quiet = false,
  secrets = new Secrets(configSecrets(config)),
): LeveledLogger {
  const isSet = settings.find(({ setting }) => setting.path === 'log.level')?.source !== 'default';
  const level = quiet && !isSet ? 'silent' : config.log.level;
  return createLogger({ level, secrets });
}

/** A bridge with its tools loaded, for one command. */
export interface Session {
  readonly app: App;
  readonly loaded: LoadedConfig;
  readonly registry: Registry;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Warns about what Dify could not list: it may include the command's tool. */
export function warnOfUnlisted({ app }: Pick<Session, 'app'>, output: Output): void {
  for (const { message } of app.status().listing?.problems ?? []) output.warn(visibleLine(message));
}

export interface SessionOptions {
  /** Returns the configuration to use, derived from the one that was read. */
  readonly adjust?: (config: Config) => Config;
  /** Arguments may name files of this machine. */
  readonly localFiles?: boolean;
}

/** Runs a command that needs the tools, then closes the bridge. Resolves with the exit code. */
export function withTools(
  context: CommandContext,
  run: (session: Session) => number | Promise<number>,
  { adjust = (config) => config, localFiles = false }: SessionOptions = {},
): Promise<number> {
  return untilInterrupted(context.io, async (signal) => {
    const loaded = await configOf(context);
    const logger = loggerOf(loaded, true);
    const app = await context.io.createApp(adjust(loaded.config), { logger, localFiles });
    try {
      app.start();
      const registry = await presentRegistry(app, signal);
      return await run({ app, loaded, registry, signal });
    } finally {
      await app.close(0);
    }
  });
}

/** Runs a command as `withTools` does, on the registry of the named view. */
export function withView(
  context: CommandContext,
  name = DEFAULT_VIEW,
  run: (session: Session & { view: View; config: ViewConfig }) => number | Promise<number>,
  options?: SessionOptions,
): Promise<number> {
  return withTools(
    context,
    async (session) => {
      const view = viewNamed(session.app.views, name);
      const config = viewNamed(viewsOf(session.loaded.config), name);
      return run({ ...session, registry: await view.registry.ready(session.signal), view, config });
    },
    options,
  );
}
