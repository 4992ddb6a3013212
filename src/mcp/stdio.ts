import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import type { Logger } from '../model/logger.ts';
import type { ToolListSource } from '../model/registry.ts';
import { createLiveServers } from './live-servers.ts';
import type { ServerFactory } from './server.ts';

/**
 * Room for a file of 12 MB in the arguments of a call, in Base64. The SDK's transport copies what it has of a message
 * for every chunk that comes, so a longer one would keep the bridge busy for many seconds.
 */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** A moment for the answers of calls that were ended at the close, in milliseconds. */
const LAST_ANSWERS_MS = 500;

export interface StdioHostOptions {
  readonly createServer: ServerFactory;
  readonly registry: ToolListSource;
  readonly logger: Logger;
  /** Where messages come from; the process's standard input by default. */
  readonly stdin?: Readable;
  /** Where messages go; the process's standard output by default. Nothing else may write there. */
  readonly stdout?: Writable;
  /** The longest message, in bytes; one that is longer ends the connection. 16 MiB by default. */
  readonly maxMessageBytes?: number;
}

export interface StdioHost {
  /** Resolves when the client is gone (end of input, broken output) or after `close`. Never rejects. */
  readonly closed: Promise<void>;
  /** Lets running calls finish for up to `graceMs`, then ends the connection; what still runs is cancelled. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves the one client at the other end of stdin and stdout, of either era. A client that goes away cancels its
 * calls.
 */
export function serveOverStdio(options: StdioHostOptions): StdioHost {
  const { createServer, registry, logger } = options;
  const { stdin = process.stdin, stdout = process.stdout } = options;
  // Each answer that waits for a slow reader listens for it; Node would warn of the eleventh, in the middle of the log.
  stdout.setMaxListeners(0);
  const transport = new StdioServerTransport(stdin, stdout, {
    maxBufferSize: options.maxMessageBytes ?? MAX_MESSAGE_BYTES,
  });
  const servers = createLiveServers(logger);
  const connection = serveStdio(
    (context) => {
      const server = createServer(context);
      servers.add(server);
      return server;
    },
    { transport, onerror: (error) => logger.warn('The stdio connection reported a problem', { error }) },
  );
  const endAnnouncements = registry.onChange(() => servers.announceChange());

  const closed = new Promise<void>((resolve) => {
    const { onclose } = transport;
    transport.onclose = () => {
      onclose?.();
      endAnnouncements();
      resolve();
    };
  });

  return {
    closed,
    async close(graceMs) {
      await Promise.race([createServer.idle(graceMs + LAST_ANSWERS_MS), closed]);
      // A call counts as ended just before its answer is written.
      await nextTurn();
      await connection.close();
      await closed;
    },
  };
}
