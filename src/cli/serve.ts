import { once } from 'node:events';
import type { App } from '../app.ts';
import type { Logger } from '../model/logger.ts';
import { listenForInterrupt } from './interrupt.ts';
import { type CommandContext, configOf, loggerOf } from './session.ts';

/** `serve`: runs until the client goes (stdio) or a signal comes. A second signal does not wait for anything. */
export async function serve(context: CommandContext, overHttp: boolean): Promise<number> {
  const { io } = context;
  const loaded = await configOf(context, true);
  const logger = await loggerOf(loaded, false);
  for (const { path, message } of loaded.warnings)
    logger.warn('Doubtful setting', { path, problem: message });

  const interrupt = listenForInterrupt(io);
  const interrupted = once(interrupt.signal, 'abort');
  try {
    const app = await io.createApp(loaded.config, { logger });
    const releaseHangup = io.onSignal('SIGHUP', () => void refresh(app, logger));
    try {
      app.start();
      if (!interrupt.signal.aborted) {
        const { ended } = overHttp ? await startHttp(context, app) : startStdio(context, app);
        await Promise.race([ended, interrupted]);
      }
    } finally {
      await app.close(loaded.config.calls.shutdownGrace);
      releaseHangup();
    }
  } finally {
    interrupt.release();
  }
  return 0;
}

interface Serving {
  /** Resolves when nobody can send requests any more. */
  readonly ended: Promise<void>;
}

function startStdio({ io, output, options }: CommandContext, app: App): Serving {
  if (io.stdin.isTTY === true) {
    const command = options.sandbox === undefined ? 'serve' : 'serve --sandbox';
    output.note('Waiting for an MCP client on standard input; Ctrl+C ends it.');
    output.note(`A client starts the bridge by itself: enter the command dify-mcp-bridge ${command} there.`);
    output.note('To see it at work, run dify-mcp-bridge demo. To serve over HTTP, add --http.');
  }
  return { ended: app.serveStdio() };
}

async function startHttp({ io, output }: CommandContext, app: App): Promise<Serving> {
  const { url, closed } = await app.serveHttp();
  // The address is the one result of this command: with port 0, a script has no other way to learn it.
  if (output.json) io.stdout.write(`${JSON.stringify({ url })}\n`);
  else output.note(`Serving MCP at ${url}; Ctrl+C ends it.`);
  return { ended: closed };
}

async function refresh(app: App, logger: Logger): Promise<void> {
  try {
    await app.refresh();
  } catch (error) {
    logger.error('The tools could not be listed anew', { error });
  }
}
