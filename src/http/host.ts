import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { settlesWithin } from '../model/async.ts';
import { asBridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { checkExposure, listenError, urlHost } from './address.ts';
import { bearerChallenge, createAdmission, createPlaceCheck } from './admission.ts';
import { sendError, sendJson, sendMethodNotAllowed } from './responses.ts';
import { discardBody } from './body.ts';
import { createDownloads, type DownloadOptions, isDownloadPath } from './downloads.ts';
import { createSessions } from './sessions.ts';
import { type HttpView, type ServedView, serveView } from './views.ts';

/** How long a connection without requests stays open: longer than proxies keep theirs. */
const IDLE_CONNECTION_MS = 65_000;

/** A moment for the answers of calls that were ended at the close, in milliseconds. */
const LAST_ANSWERS_MS = 500;

export interface HttpHostOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  /** The first one is the default: its path is the one that `listen` answers. */
  readonly views: readonly [HttpView, ...HttpView[]];
  /** Asked for `/readyz`, which anybody may read: no secrets, no texts of Dify's. */
  readonly readiness: () => Readiness;
  /** Bearer token that every MCP request must carry. */
  readonly token?: string;
  /** Serves an address other than loopback without a token. */
  readonly allowWithoutToken?: boolean;
  /** Names in the Host header besides loopback and `host`. */
  readonly allowedHosts?: readonly string[];
  /** The name of the address that the bridge has for others. */
  readonly publicHost?: string | undefined;
  /** Kept files, which whoever has their key may download: see `createDownloads`. None are without. */
  readonly files?: DownloadOptions['files'];
  /** Origins of web pages that may send requests. */
  readonly allowedOrigins?: readonly string[];
  /** A session without an open response and a running call ends after this time. */
  readonly sessionIdleMs: number;
  /** Sessions of all views together. A new one beyond that ends the one that has been unused the longest. */
  readonly maxSessions: number;
  readonly maxBodyBytes: number;
  /** A silent event stream carries a comment at least this often. */
  readonly keepAliveMs: number;
  readonly logger: Logger;
}

/** Whether there are tools to serve, and facts about them for whoever watches the bridge. */
export interface Readiness {
  readonly ready: boolean;
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface HttpHost {
  /**
   * Starts to serve.
   * @throws BridgeError `port_unavailable`.
   */
  listen(): Promise<{ readonly url: string; readonly port: number }>;
  /**
   * Refuses new sessions and stateless requests with 503, lets running calls and downloads finish for up to `graceMs`, then
   * ends what is left and gives the port back. A call that is ended elsewhere at that time still gets its answer
   * out.
   */
  close(graceMs: number): Promise<void>;
  /**
   * Serves these views from now on. One that is no longer there answers 404 at once; its running calls get
   * `graceMs` to end, then its sessions end. The others go on undisturbed, if they are the same object as before.
   */
  replaceViews(views: readonly HttpView[], graceMs: number): Promise<void>;
  /** Resolves when the host is closed. */
  readonly closed: Promise<void>;
  /** Open sessions of 2025 clients. */
  readonly sessionCount: number;
}

/**
 * Serves MCP over Streamable HTTP to clients of both eras, each view on one path, with `/livez` and `/readyz`
 * beside them.
 * @throws BridgeError `config_invalid` for an address that others can reach without a token.
 */
export function createHttpHost(options: HttpHostOptions): HttpHost {
  const { host, port, token, keepAliveMs, maxBodyBytes, readiness, logger } = options;
  checkExposure(host, token, options.allowWithoutToken === true);

  const { allowedHosts = [], allowedOrigins = [] } = options;
  const admission = { host, token, allowedHosts, allowedOrigins, publicHost: options.publicHost };
  const admit = createAdmission(admission);
  const checkPlace = createPlaceCheck(admission);
  const { files } = options;
  const sendDownload = files && createDownloads({ files, logger });
  const sessions = createSessions({
    logger,
    idleMs: options.sessionIdleMs,
    maxSessions: options.maxSessions,
    keepAliveMs,
  });
  let closing: Promise<void> | undefined;
  const isClosing = (): boolean => closing !== undefined;
  const served = new Map<HttpView, ServedView>();
  const downloads = new Set<Promise<void>>();
  /** Views that have been replaced and still let their calls end. */
  const leaving = new Set<Promise<void>>();
  addViews(options.views);

  const httpServer = createHttpServer({ keepAliveTimeout: IDLE_CONNECTION_MS }, (req, res) => {
    res.on('error', (error) => logger.debug('A response broke off', { error }));
    if (isClosing()) res.setHeader('Connection', 'close');
    void route(req, res);
  });
  const closed = new Promise<void>((resolve) => httpServer.once('close', resolve));

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const pathname = req.url?.split('?', 1)[0] ?? '';
    if (pathname === '/livez' || pathname === '/readyz') return sendHealth(req, res, pathname);
    let id: unknown;
    try {
      if (sendDownload !== undefined && isDownloadPath(pathname)) {
        checkPlace(req.headers);
        const sent = sendDownload(req, res, pathname);
        downloads.add(sent);
        return await sent.finally(() => downloads.delete(sent));
      }
      const principal = admit(req.headers);
      const view = [...served.values()].find(({ path }) => path === pathname);
      if (view === undefined) sendNothingHere(res);
      else await view.serve(req, res, { principal, withId: (value) => (id = value) });
    } catch (thrown) {
      refuse(req, res, thrown, id);
    }
  }

  function addViews(views: readonly HttpView[]): void {
    for (const view of views) {
      if (!served.has(view)) {
        served.set(view, serveView(view, { sessions, keepAliveMs, maxBodyBytes, isClosing, logger }));
      }
    }
  }

  async function leave(view: ServedView, graceMs: number): Promise<void> {
    view.endAnnouncements();
    await view.idle(graceMs);
    // A call counts as ended just before its answer is written.
    await nextTurn();
    await view.close();
  }

  function sendNothingHere(res: ServerResponse): void {
    const paths = [...served.values()].map(({ path }) => path);
    const endpoints =
      paths.length === 1 ? `the MCP endpoint is ${paths[0]}` : `MCP is at ${paths.join(', ')}`;
    sendJson(res, 404, { error: `Nothing is here: ${endpoints}.` });
  }

  function sendHealth(req: IncomingMessage, res: ServerResponse, pathname: string): void {
    if (req.method !== 'GET' && req.method !== 'HEAD') return sendMethodNotAllowed(res, 'GET, HEAD');
    if (pathname === '/livez') return sendJson(res, 200, { status: 'ok' });
    if (isClosing()) return sendJson(res, 503, { status: 'stopping' });
    const { ready, facts = {} } = readiness();
    const sessionFacts = sessions.full ? { sessions: 'full' } : {};
    sendJson(res, ready ? 200 : 503, { status: ready ? 'ready' : 'loading', ...facts, ...sessionFacts });
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
    const views = [...served.values()];
    for (const view of views) view.endAnnouncements();
    sessions.refuseNew();
    // The port stays open meanwhile: clients cancel calls and fetch late answers on new connections.
    await Promise.all([
      ...views.map((view) => view.idle(graceMs + LAST_ANSWERS_MS)),
      settlesWithin(Promise.allSettled(downloads), graceMs),
    ]);
    // A call counts as ended just before its answer is written.
    await nextTurn();
    await Promise.all([...views.map((view) => view.close()), sessions.close()]);
    await Promise.all(leaving);
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
        await Promise.all([...served.values()].map((view) => view.close()));
        await sessions.close();
        throw listenError(host, port, error as NodeJS.ErrnoException);
      }
      const address = httpServer.address() as AddressInfo;
      return { url: `http://${urlHost(host)}:${address.port}${options.views[0].path}`, port: address.port };
    },

    close(graceMs) {
      closing ??= shutDown(graceMs);
      return closing;
    },

    async replaceViews(views, graceMs) {
      if (isClosing()) return;
      const wanted = new Set(views);
      const gone: Promise<void>[] = [];
      for (const [view, active] of served) {
        if (wanted.has(view)) continue;
        served.delete(view);
        const left = leave(active, graceMs).finally(() => leaving.delete(left));
        leaving.add(left);
        gone.push(left);
      }
      addViews(views);
      await Promise.all(gone);
    },

    closed,

    get sessionCount() {
      return sessions.size;
    },
  };
}
