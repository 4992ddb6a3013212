import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { after, settlesWithin } from '../model/async.ts';
import { asBridgeError } from '../model/errors.ts';
import { UNCOUNTED } from '../model/memory-budget.ts';
import { NO_METER } from '../model/meter.ts';
import { checkExposure, listen, urlHost } from './address.ts';
import { bearerChallenge, createPlaceCheck, createTokenCheck, keyPrincipal } from './admission.ts';
import { Bodies, discardBody } from './body.ts';
import { allowOrigin, isPreflight, sendPreflight } from './cors.ts';
import { createDownloads, isDownloadPath } from './downloads.ts';
import { createHealth } from './health.ts';
import type { HttpHostOptions } from './host-options.ts';
import { httpOrigin, Refusals } from './refusals.ts';
import { sendDocument, sendError, sendNothingHere } from './responses.ts';
import { routeName } from './routes.ts';
import type { HttpView } from './served-view.ts';
import { ServedViews } from './served-views.ts';
import { Sessions } from './sessions.ts';
import { StreamLimit } from './stream-limit.ts';
import { visibleViews } from './visible-views.ts';

/** How long a connection without requests stays open: longer than those of proxies. */
const IDLE_CONNECTION_MS = 65_000;

/** How long a connection may take for the headers of its first request, in milliseconds. */
const HEADERS_MS = 15_000;
/** How often the time of connections is looked at, in milliseconds. */
const CHECK_MS = 5000;
/** The connections that are allowed besides those of the streams. */
const SPARE_CONNECTIONS = 1000;

/** Statuses of refusals that operators look for: who has no token, a wrong address, or met a limit. */
const LOGGED_STATUSES: ReadonlySet<number> = new Set([401, 403, 429, 503]);

/** How long to wait on close for the answers of ended calls, in milliseconds. */
const LAST_ANSWERS_MS = 500;

/**
 * Serves MCP over Streamable HTTP to clients of both eras, each view on one path, and `/livez` and `/readyz`.
 */
export class HttpHost {
  readonly #options: HttpHostOptions;
  readonly #answerHealth: ReturnType<typeof createHealth>;
  readonly #checkPlace: ReturnType<typeof createPlaceCheck>;
  readonly #checkToken: ReturnType<typeof createTokenCheck>;
  readonly #sendDownload: ReturnType<typeof createDownloads> | undefined;
  readonly #sessions: Sessions;
  readonly #bodies: Bodies;
  readonly #streams: StreamLimit;
  readonly #refusals: Refusals;
  readonly #served: ServedViews;
  /** The views of single principals. */
  readonly #personal: ServedViews;
  readonly #downloads = new Set<Promise<void>>();
  /** The responses to admitted requests that have not ended, and whose they are. */
  readonly #open = new Map<ServerResponse, string>();
  readonly #server: HttpServer;
  #closing: Promise<void> | undefined;
  /** Resolves when the host is closed. */
  readonly closed: Promise<void>;

  /** @throws BridgeError `config_invalid` for an address that others can reach without a token. */
  constructor(options: HttpHostOptions) {
    const { host, token, keys, verifiers = [], publicHost, files, sessions: records, logger } = options;
    const { allowedHosts = [], allowedOrigins = [], maxStreams, maxBodyBytes, keepAliveMs } = options;
    const authenticates = token !== undefined || keys?.required === true || verifiers.length > 0;
    checkExposure({ host, authenticates, allowWithoutToken: options.allowWithoutToken === true });
    this.#options = options;
    this.#checkPlace = createPlaceCheck({ host, authenticates, allowedHosts, allowedOrigins, publicHost });
    this.#checkToken = createTokenCheck(token, keys, verifiers);
    keys?.onEnd((key) => void this.end(keyPrincipal(key)));
    this.#sendDownload = files && createDownloads({ files, logger });
    this.#sessions = new Sessions({ records, keepAliveMs, logger });
    this.#bodies = new Bodies({ maxBytes: maxBodyBytes });
    const hasSeveral = (): boolean => keys?.required === true || verifiers.length > 0;
    this.#streams = new StreamLimit({
      maxStreams,
      maxPerPrincipal: () => options.streamsPerPrincipal ?? Math.ceil(maxStreams / (hasSeveral() ? 2 : 1)),
    });
    const isClosing = (): boolean => this.#isClosing();
    this.#answerHealth = createHealth({
      readiness: options.readiness,
      isClosing,
      isFull: () => this.#streams.full,
    });
    this.#refusals = new Refusals(logger);
    const [sessions, bodies, streams] = [this.#sessions, this.#bodies, this.#streams];
    const memory = options.memory ?? UNCOUNTED;
    const shared = { sessions, bodies, streams, keepAliveMs, isClosing, memory, logger };
    this.#served = new ServedViews(shared);
    this.#personal = new ServedViews(shared);
    for (const view of options.views) this.#served.serve(view);
    const times = {
      keepAliveTimeout: IDLE_CONNECTION_MS,
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: CHECK_MS,
    };
    this.#server = createServer(times, (req, res) => {
      res.on('error', (error) => logger.debug('A response broke off', { error }));
      if (this.#isClosing()) res.setHeader('Connection', 'close');
      void this.#route(req, res);
    });
    this.#server.maxConnections = maxStreams + SPARE_CONNECTIONS;
    this.#server.on('drop', (connection) => {
      const detail = 'As many connections as allowed are open.';
      this.#refusals.add('connections', detail, { address: connection?.remoteAddress });
    });
    this.closed = new Promise<void>((resolve) => this.#server.once('close', resolve));
  }

  /**
   * Starts serving.
   * @throws BridgeError `port_unavailable`.
   */
  async listen(): Promise<{ readonly url: string; readonly port: number }> {
    const { host, port, views } = this.#options;
    const hint = 'Choose another with --port or --host.';
    const bound = await listen(this.#server, host, port, hint).catch(async (error: unknown) => {
      await Promise.all(this.#served.all.map((view) => view.close()));
      await this.#sessions.close();
      throw error;
    });
    this.#options.keys?.watch();
    return { url: `http://${urlHost(host)}:${bound}${views[0].path}`, port: bound };
  }

  /**
   * Refuses new sessions and stateless requests with 503, waits up to `graceMs` for running calls and downloads, then
   * ends the rest and releases the port. A call that ends at that time still sends its answer.
   */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#shutDown(graceMs);
    return this.#closing;
  }

  /**
   * Serves these views from now on. A removed view answers 404 at once; its running calls have `graceMs` to end, then
   * its sessions end. Views that are the same object as before are not affected.
   */
  async replaceViews(views: readonly HttpView[], graceMs: number): Promise<void> {
    if (this.#isClosing()) return;
    const ended = this.#served.keepOnly(new Set(views), graceMs);
    for (const view of views) this.#served.serve(view);
    await ended;
  }

  /** Stops serving personal views, as `replaceViews` does with removed ones. */
  endPersonalViews(views: readonly HttpView[], graceMs: number): Promise<void> {
    return this.#personal.end(views, graceMs);
  }

  /** Whether a response to the principal is open. */
  isConnected(principal: string): boolean {
    return [...this.#open.values()].includes(principal);
  }

  #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  async #route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const pathname = pathOf(req);
    const { meter = NO_METER } = this.#options;
    res.once('close', () => meter.http(routeName(pathname), req.method, res.statusCode));
    if (this.#answerHealth(req, res, pathname)) return;
    let id: unknown;
    try {
      this.#checkPlace(req.headers);
      allowOrigin(req, res);
      if (isPreflight(req)) return sendPreflight(req, res);
      if (this.#sendDownload !== undefined && isDownloadPath(pathname)) {
        const sent = this.#sendDownload(req, res, pathname);
        this.#downloads.add(sent);
        return await sent.finally(() => this.#downloads.delete(sent));
      }
      const { authorizationServer, resource } = this.#options;
      if (authorizationServer?.owns(pathname)) return await authorizationServer.serve(req, res, pathname);
      const metadata = resource?.metadataAt(pathname);
      if (metadata !== undefined) return sendDocument(req, res, metadata);
      const { principal, views, expiresAt } = await this.#checkToken(req.headers, pathname);
      // The client may have left while its token was verified.
      if (res.destroyed) return;
      if (expiresAt !== undefined) this.#streams.endAt(res, expiresAt);
      this.#open.set(res, principal);
      res.once('close', () => this.#open.delete(res));
      const own = await this.#options.personalViews?.(principal);
      const served = own?.map((one) => this.#personal.serve(one)) ?? this.#served.all;
      const visible = visibleViews(served, this.#options.views[0].path, views);
      const view = visible.get(pathname.replace(/\/$/, ''));
      if (view === undefined) sendNothingHere(res, [...visible.keys()]);
      else await view.serve(req, res, principal, (value) => (id = value));
    } catch (thrown) {
      this.#refuse(req, res, thrown, id);
    }
  }

  /** Ends the sessions, streams and running calls that a principal has now. */
  async end(principal: string): Promise<void> {
    // The request that finds a key changed comes later, and may be admitted by its new views.
    const open = [...this.#open].filter(([, owner]) => owner === principal);
    await this.#sessions.endOf(principal);
    for (const [res] of open) res.destroy();
  }

  #refuse(req: IncomingMessage, res: ServerResponse, thrown: unknown, id: unknown): void {
    const { logger } = this.#options;
    const error = asBridgeError(thrown);
    if (error.code === 'internal')
      logger.error('An HTTP request failed unexpectedly', { error: error.cause });
    else if (LOGGED_STATUSES.has(error.rule.http) || error.code === 'session_not_found') {
      this.#refusals.add(error.code, error.message, httpOrigin(req));
    } else logger.debug('An HTTP request was refused', { code: error.code, method: req.method });
    if (!req.complete) discardBody(req);
    const parameters = this.#options.resource?.challenge(pathOf(req));
    const challenge = bearerChallenge(error, req.headers.authorization, parameters);
    sendError(res, error, id, challenge === undefined ? {} : { 'WWW-Authenticate': challenge });
  }

  async #shutDown(graceMs: number): Promise<void> {
    this.#options.keys?.close();
    const views = [...this.#served.all, ...this.#personal.all];
    for (const view of views) view.endAnnouncements();
    this.#sessions.refuseNew();
    // The port stays open meanwhile, because clients cancel calls and fetch late answers on new connections.
    await Promise.all([
      ...views.map((view) => view.idle(graceMs + LAST_ANSWERS_MS)),
      settlesWithin(Promise.allSettled(this.#downloads), graceMs),
    ]);
    // A call counts as ended just before its answer is written.
    await nextTurn();
    await Promise.all([...views.map((view) => view.close()), this.#sessions.close()]);
    await Promise.all([this.#served.ended(), this.#personal.ended()]);
    const stop = after(LAST_ANSWERS_MS, () => this.#server.closeAllConnections());
    this.#server.close();
    await this.closed;
    stop();
    this.#refusals.end();
  }
}

function pathOf({ url }: IncomingMessage): string {
  return url?.split('?', 1)[0] ?? '';
}
