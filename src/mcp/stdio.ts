import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { abortable, settlesWithin } from '../model/async.ts';
import type { Logger } from '../model/logger.ts';
import type { OutgoingMemory } from '../model/memory-budget.ts';
import type { ToolListSource } from '../model/registry.ts';
import { createLiveServers } from './live-servers.ts';
import type { ServerFactory } from './server.ts';
import { StdioTransport } from './stdio-transport.ts';

/** Enough for a file of 12 MB, as Base64, in the arguments of a call. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** How long to wait on close for the answers of calls that were cancelled, in milliseconds. */
const LAST_ANSWERS_MS = 500;

export interface StdioHostOptions {
  readonly createServer: ServerFactory;
  readonly registry: ToolListSource;
  /** How long requests may go on after the end of the input, in milliseconds. */
  readonly endGraceMs: number;
  readonly logger: Logger;
  /** The source of messages. Default: the process's standard input. */
  readonly stdin?: Readable;
  /** The destination of messages. Default: the process's standard output. Nothing else may write to it. */
  readonly stdout?: Writable;
  /** The longest message, in bytes. A longer one ends the connection. Default: 16 MiB. */
  readonly maxMessageBytes?: number;
  /** Counts what the client has yet to read. */
  readonly memory?: OutgoingMemory | undefined;
}

export interface StdioHost {
  /**
   * Resolves when the connection has ended: after the end of the input, a broken output or `close`. Rejects with
   * `body_too_large` if a message was too long.
   */
  readonly closed: Promise<void>;
  /** Waits up to `graceMs` for running calls, cancels the others, then ends the connection. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves the client at the other end of stdin and stdout, of either era. If the input ends, requests in progress get
 * `endGraceMs` for their answers; if the output breaks, they are cancelled.
 */
export function serveOverStdio(options: StdioHostOptions): StdioHost {
  const { createServer, registry, endGraceMs, memory, logger } = options;
  const { stdin = process.stdin, stdout = process.stdout, maxMessageBytes = MAX_MESSAGE_BYTES } = options;
  // Each answer that waits for a slow reader adds a listener. Node would print a warning at the eleventh.
  stdout.setMaxListeners(0);
  const transport = new StdioTransport({ stdin, stdout, maxMessageBytes, memory });
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

  const ended = new AbortController();
  const closed = new Promise<void>((resolve, reject) => {
    const { onclose } = transport;
    transport.onclose = () => {
      onclose?.();
      endAnnouncements();
      ended.abort();
      if (transport.failure === undefined) resolve();
      else reject(transport.failure);
    };
  });
  // A failure before anybody awaits `closed` must not end the process.
  closed.catch(() => undefined);

  async function end(): Promise<void> {
    // A call counts as ended just before its answer is written.
    await nextTurn();
    // A client that reads no more must not keep the connection open.
    await settlesWithin(connection.close(), LAST_ANSWERS_MS);
    await transport.close();
  }

  transport.onend = () => void transport.answered(endGraceMs).then(end);

  return {
    closed,
    async close(graceMs) {
      const idle = createServer.idle(graceMs + LAST_ANSWERS_MS);
      await abortable(idle, ended.signal).catch(() => undefined);
      await end();
    },
  };
}
