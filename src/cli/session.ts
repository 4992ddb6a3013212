import type { App } from '../app/app.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Registry } from '../model/registry.ts';
import type { LeveledLogger } from '../observability/logger.ts';
import { INTERRUPTED, listenForInterrupt } from './interrupt.ts';
import type { CliIo } from './io.ts';
import type { Output } from './output.ts';
import { presentRegistry } from './command-app.ts';

/** What every command gets. */
export interface CommandContext {
  readonly io: CliIo;
  readonly output: Output;
  readonly options: GlobalOptions;
}

/** Options that several commands share. */
export interface GlobalOptions {
  /** `--config`. */
  readonly config?: string;
  readonly logLevel?: string;
  /** `--sandbox`, with or without the name of a set. */
  readonly sandbox?: string | true;
  readonly host?: string;
  readonly port?: string;
  readonly manifest?: string;
  readonly frozen?: true;
}

/** The configuration of this run; throws `config_invalid`. */
export async function configOf(context: CommandContext, needsDify: boolean): Promise<LoadedConfig> {
  const { io, options } = context;
  const { loadConfig } = await import('../config/load.ts');
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
    needsDify,
  });
}

/**
 * The log of this run, on standard error. A command with an answer of its own logs nothing unless somebody asked
 * for a level.
 */
export async function loggerOf(loaded: LoadedConfig, quiet: boolean): Promise<LeveledLogger> {
  const [{ createLogger }, { configSecrets }] = await Promise.all([
    import('../observability/logger.ts'),
    import('../config/connection.ts'),
  ]);
  const asked = loaded.settings.find(({ setting }) => setting.path === 'log.level')?.source !== 'default';
  const level = quiet && !asked ? 'silent' : loaded.config.log.level;
  return createLogger({ level, secrets: configSecrets(loaded.config) });
}

/** A bridge with its tools loaded, for one command. */
export interface Session {
  readonly app: App;
  readonly loaded: LoadedConfig;
  readonly registry: Registry;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Warns of tools that Dify could not list: the one that was asked for may be among them. */
export function warnOfProblems({ app }: Session, output: Output): void {
  for (const { message } of app.status().listing?.problems ?? []) {
    output.note(`${output.paint('yellow', 'warning:', 'stderr')} ${message}`);
  }
}

/** How the bridge of a command differs from the one that is configured. */
export interface SessionOptions {
  /** The configuration that it gets, made of the one that was read. */
  readonly adjust?: (config: Config) => Config;
  /** Arguments may name files of this machine. */
  readonly localFiles?: boolean;
}

/** Runs a command that needs the tools, and closes the bridge behind it. Answers the exit code. */
export async function withTools(
  context: CommandContext,
  run: (session: Session) => number | Promise<number>,
  { adjust = (config) => config, localFiles = false }: SessionOptions = {},
): Promise<number> {
  const loaded = await configOf(context, true);
  const interrupt = listenForInterrupt(context.io);
  try {
    const logger = await loggerOf(loaded, true);
    const app = await context.io.createApp(adjust(loaded.config), { logger, localFiles });
    try {
      app.start();
      const registry = await presentRegistry(app, interrupt.signal);
      return await run({ app, loaded, registry, signal: interrupt.signal });
    } finally {
      await app.close(0);
    }
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    interrupt.release();
  }
}
