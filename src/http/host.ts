import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createMcpHandler } from '@modelcontextprotocol/server';
import type { ServerFactory } from '../mcp/server.ts';
import { asBridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { RegistrySource } from '../model/registry.ts';
import { checkExposure, listenError, urlHost } from './address.ts';
import { bearerChallenge, createAdmission } from './admission.ts';
import { sendError, sendJson, sendMethodNotAllowed } from './answers.ts';
import { discardBody } from './body.ts';
import { createEndpoint } from './endpoint.ts';
import { createSessions } from './sessions.ts';

/** How long a connection without requests stays open: longer than proxies keep theirs. */
const IDLE_CONNECTION_MS = 65_000;

/** A moment for the answers of calls that were ended at the close, in milliseconds. */
const LAST_ANSWERS_MS = 500;

export interface HttpHostOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  /** Path of the MCP endpoint, such as `/mcp`. */
  readonly path: string;
  /** Bearer token that every MCP request must carry. */
  readonly token?: string;
  /** Serves an address other than loopback without a token. */
  readonly allowWithoutToken?: boolean;
  /** Names in the Host header besides loopback and `host`. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages that may send requests. */
  readonly allowedOrigins?: readonly string[];
  /** A session without an open response and a running call ends after this time. */
  readonly sessionIdleMs: number;
  readonly maxSessions: number;
  readonly maxBodyBytes: number;
  /** A silent event stream carries a comment at least this often. */
  readonly keepAliveMs: number;
  readonly createServer: ServerFactory;
  readonly registry: RegistrySource;
  readonly logger: Logger;
}

export interface HttpHost {
  /**
   * Starts to serve.
   * @throws BridgeError `port_unavailable`.
   */
  listen(): Promise<{ readonly url: string; readonly port: number }>;
  /**
   * Refuses new sessions and stateless requests with 503, lets running calls finish for up to `graceMs`, then
   * ends what is left and gives the port back. A call that is ended elsewhere at that time still gets its answer
   * out.
   */
  close(graceMs: number): Promise<void>;
  /** Resolves when the host is closed. */
  readonly closed: Promise<void>;
  /** Open sessions of 2025 clients. */
  readonly sessionCount: number;
}

/**
 * Serves MCP over Streamable HTTP to clients of both eras on one path, with `/livez` and `/readyz` beside it.
 * @throws BridgeError `config_invalid` for an address that others can reach without a token.
 */
export function createHttpHost(options: HttpHostOptions): HttpHost {
  const { host, port, path, token, keepAliveMs, createServer, registry, logger } = options;
  checkExposure(host, token, options.allowWithoutToken === true);

  const { allowedHosts = [], allowedOrigins = [] } = options;
  const admit = createAdmission({ host, token, allowedHosts, allowedOrigins });
  const sessions = createSessions({
    createServer,
    logger,
    idleMs: options.sessionIdleMs,
    maxSessions: options.maxSessions,
    keepAliveMs,
  });
  const modern = createMcpHandler(createServer, {
    legacy: 'reject',
    responseMode: 'sse',
    keepAliveMs,
    onerror: (error) => logger.debug('A stateless request was refused', { error }),
  });
  const endAnnouncements = registry.onChange(() => {
    sessions.announceChange();
    modern.notify.toolsChanged();
  });
  let closing: Promise<void> | undefined;
  const isClosing = (): boolean => closing !== undefined;
  const serveMcp = createEndpoint({ modern, sessions, maxBodyBytes: options.maxBodyBytes, isClosing });

  const httpServer = createHttpServer({ keepAliveTimeout: IDLE_CONNECTION_MS }, (req, res) => {
    res.on('error', (error) => logger.debug('A response broke off', { error }));
    if (isClosing()) res.setHeader('Connection', 'close');
    void route(req, res);
  });
  const closed = new Promise<void>((resolve) => httpServer.once('close', resolve));

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const pathname = req.url?.split('?', 1)[0];
    if (pathname === '/livez' || pathname === '/readyz') return sendHealth(req, res, pathname);
    let id: unknown;
    try {
      admit(req.headers);
      if (pathname === path) await serveMcp(req, res, (value) => (id = value));
      else sendJson(res, 404, { error: `Nothing is here: the MCP endpoint is ${path}.` });
    } catch (thrown) {
      refuse(req, res, thrown, id);
    }
  }

  function sendHealth(req: IncomingMessage, res: ServerResponse, pathname: string): void {
    if (req.method !== 'GET' && req.method !== 'HEAD') return sendMethodNotAllowed(res, 'GET, HEAD');
    if (pathname === '/livez') return sendJson(res, 200, { status: 'ok' });
    if (isClosing()) return sendJson(res, 503, { status: 'stopping' });
    if (registry.current() === undefined) return sendJson(res, 503, { status: 'loading' });
    sendJson(res, 200, { status: 'ready' });
  }

  function refuse(req: IncomingMessage, res: ServerResponse, thrown: unknown, id: unknown): void {
    const error = asBridgeError(thrown);
    if (error.code === 'internal')
      logger.error('An HTTP request failed unexpectedly', { error: error.cause });
    else logger.debug('An HTTP request was refused', { code: error.code, method: req.method });
    const headers: Record<string, string> = {};
    if (error.code === 'unauthorized') {
      headers['WWW-Authenticate'] = bearerChallenge(req.headers.authorization);
    }
    if (!req.complete) discardBody(req);
    sendError(res, error, { id, headers });
  }

  async function shutDown(graceMs: number): Promise<void> {
    endAnnouncements();
    sessions.refuseNew();
    // The port stays open meanwhile: clients cancel calls and fetch late answers on new connections.
    await createServer.idle(graceMs + LAST_ANSWERS_MS);
    // A call counts as ended just before its answer is written.
    await nextTurn();
    await Promise.all([sessions.close(), modern.close()]);
    const cut = setTimeout(() => httpServer.closeAllConnections(), LAST_ANSWERS_MS);
    httpServer.close();
    await closed;
    clearTimeout(cut);
  }

  return {
    async listen() {
      try {
        httpServer.listen(port, host);
        await once(httpServer, 'listening');
      } catch (error) {
        endAnnouncements();
        await sessions.close();
        throw listenError(host, port, error as NodeJS.ErrnoException);
      }
      const address = httpServer.address() as AddressInfo;
      return { url: `http://${urlHost(host)}:${address.port}${path}`, port: address.port };
    },

    close(graceMs) {
      closing ??= shutDown(graceMs);
      return closing;
    },

    closed,

    get sessionCount() {
      return sessions.size;
    },
  };
}
