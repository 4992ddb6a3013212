import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Logger } from '../model/logger.ts';
import type { ToolListSource } from '../model/registry.ts';
import { createLiveServers } from './live-servers.ts';
import type { ServerFactory } from './server.ts';
import { StdioTransport } from './stdio-transport.ts';

/**
 * Enough for a file of 12 MB, as Base64, in the arguments of a call. The SDK's transport copies the received part of a
 * message for every chunk, so a longer message would keep the bridge busy for many seconds.
 */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** How long to wait on close for the answers of calls that were cancelled, in milliseconds. */
const LAST_ANSWERS_MS = 500;

export interface StdioHostOptions {
  readonly createServer: ServerFactory;
  readonly registry: ToolListSource;
  readonly logger: Logger;
  /** The source of messages. Default: the process's standard input. */
  readonly stdin?: Readable;
  /** The destination of messages. Default: the process's standard output. Nothing else may write to it. */
  readonly stdout?: Writable;
  /** The longest message, in bytes. A longer one ends the connection. Default: 16 MiB. */
  readonly maxMessageBytes?: number;
}

export interface StdioHost {
  /** Resolves when the client disconnects (end of input, broken output) or after `close`. Never rejects. */
  readonly closed: Promise<void>;
  /** Waits up to `graceMs` for running calls, cancels the others, then ends the connection. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves the client at the other end of stdin and stdout, of either era. If the client disconnects, its calls are
 * cancelled.
 */
export function serveOverStdio(options: StdioHostOptions): StdioHost {
  const { createServer, registry, logger } = options;
  const { stdin = process.stdin, stdout = process.stdout } = options;
  // Each answer that waits for a slow reader adds a listener. Node would print a warning at the eleventh.
  stdout.setMaxListeners(0);
  const transport = new StdioTransport(stdin, stdout, {
    maxBufferSize: options.maxMessageBytes ?? MAX_MESSAGE_BYTES,
  });
  const servers = createLiveServers(logger);
  const connection = serveStdio(
    (context) => {
      const server = createServer(context);
      servers.add(server);
      return server;
    },
    { transport, onerror: (error) => logger.warn('The stdio connection reported an error', { error }) },
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
