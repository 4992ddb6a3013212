import type { App } from '../../app/app.ts';
import { configSecrets } from '../../config/connection.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { viewNamed, viewsOf } from '../../config/views.ts';
import { abortable, after } from '../../model/async.ts';
import { BridgeError } from '../../model/errors.ts';
import type { Logger } from '../../model/logger.ts';
import { Secrets } from '../../model/secrets.ts';
import type { CliIo } from '../io.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { widthOf, wrapCommand } from '../layout.ts';
import { listenForReload } from '../reload-socket.ts';
import { type CommandContext, configOf, loggerOf, wholeConfigOf } from '../session.ts';
import { configWords, ownCommand } from '../typed.ts';
import { VERSION } from '../../version.ts';

/** How long the client may take to read the last output, in milliseconds. */
const LAST_OUTPUT_MS = 500;

interface ServeOptions {
  readonly http?: true;
  /** `--view`; over HTTP, every view is served. */
  readonly view?: string;
}

/**
 * `serve`: runs until the client disconnects (stdio) or a signal arrives; SIGHUP and the command
 * `reload` reload the configuration. A second termination signal ends the process immediately.
 */
export async function run(context: CommandContext, options: ServeOptions): Promise<number> {
  const { io } = context;
  const { view } = options;
  const http = options.http === true;
  if (http && view !== undefined) {
    throw new BridgeError('usage', '--view is for standard input and output.', {
      hint: `Over HTTP every view is served: this one at /mcp/${view}.`,
    });
  }
  if (http && context.options.workspace !== undefined) {
    throw new BridgeError('usage', '--workspace is for standard input and output.', {
      hint: `Over HTTP every workspace is served: this one at /w/${context.options.workspace}/mcp.`,
    });
  }
  const read = http ? wholeConfigOf : configOf;
  const loaded = await read(context);
  if (view !== undefined) viewNamed(viewsOf(loaded.config), view);
  const secrets = new Secrets(configSecrets(loaded.config));
  const logger = loggerOf(loaded, false, secrets);
  const warn = ({ warnings }: LoadedConfig): void => {
    for (const { path, message } of warnings) logger.warn('Doubtful setting', { path, problem: message });
  };
  warn(loaded);

  const reload = async (): Promise<Config> => {
    const again = await read(context);
    warn(again);
    logger.setLevel(again.config.log.level);
    return again.config;
  };
  const releaseFaults = io.stderr.isTTY === true ? undefined : logFaults(io, logger);
  const interrupt = listenForInterrupt(io);
  try {
    const app = await io.createApp(loaded.config, {
      logger,
      secrets,
      reload,
      localFiles: !http,
      isServer: http,
    });
    const releaseHangup = io.onSignal('SIGHUP', () => void app.reload());
    const endReload = await listenForReload(io.env, () => app.reload(), logger);
    try {
      app.start();
      if (!interrupt.signal.aborted) {
        const { ended } = http
          ? await startHttp(context, app, logger)
          : startStdio(context, app, logger, view);
        await abortable(ended, interrupt.signal).catch((error: unknown) => {
          // An interrupt is how a server ends.
          if (!interrupt.signal.aborted) throw error;
        });
        const cause = interrupt.signal.aborted ? 'a signal' : 'the client disconnected';
        if (io.stderr.isTTY !== true) logger.info('The bridge is stopping', { cause });
      }
    } finally {
      await app.close(loaded.config.calls.shutdownGrace);
      releaseHangup();
      endReload();
    }
  } finally {
    interrupt.release();
    releaseFaults?.();
    // Output that a client does not read would keep the process alive.
    if (!http && (io.stdout.writableLength ?? 0) > 0)
      after(LAST_OUTPUT_MS, () => io.exitNow(), { ref: false });
  }
  return 0;
}

/** Logs what Node.js would print. */
function logFaults(io: CliIo, logger: Logger): () => void {
  return io.onFault((error, fatal) => {
    if (!fatal) return logger.warn('Node.js warns', { error });
    logger.error('The bridge failed and ends', { error });
    io.exitNow(1);
  });
}

interface Serving {
  /** Resolves when no client can send requests any longer. */
  readonly ended: Promise<void>;
}

function startStdio(context: CommandContext, app: App, logger: Logger, view?: string): Serving {
  const { io, output, options } = context;
  if (io.stderr.isTTY !== true) {
    logger.info('Serving MCP', { transport: 'stdio', view, version: VERSION });
  } else if (io.stdin.isTTY === true) {
    const { sandbox } = options;
    const set = sandbox === undefined ? '' : sandbox === true ? ' --sandbox' : ` --sandbox ${sandbox}`;
    const words = `${view === undefined ? '' : ` --view ${view}`}${set}${configWords(context)}`;
    output.note('Waiting for an MCP client on standard input; Ctrl+C ends it.');
    output.note('A client starts the bridge by itself. To add it to one:');
    output.note(wrapCommand(ownCommand(io, `install claude-desktop${words}`), widthOf(io.stderr)));
    output.note('To see it at work, run dify-mcp-bridge demo. To serve over HTTP, add --http.');
  }
  return { ended: app.serveStdio({ view }) };
}

async function startHttp({ io, output }: CommandContext, app: App, logger: Logger): Promise<Serving> {
  const { url, others, closed } = await app.serveHttp();
  // This command's only result is its address: with port 0, a script cannot learn it otherwise.
  if (output.json) io.stdout.write(`${JSON.stringify({ url })}\n`);
  if (io.stderr.isTTY !== true) {
    logger.info('Serving MCP', { transport: 'http', url, others, version: VERSION });
  } else {
    output.note(`Serving MCP at ${url}; Ctrl+C ends it.`);
    if (others.length > 0) output.note(`Other views: ${others.join(', ')}`);
  }
  return { ended: closed };
}
